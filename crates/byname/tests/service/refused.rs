//! What the compiler says of what cannot be a service, and where.
//!
//! Each case is compiled by the compiler that built this, against the library that it built. Of what is
//! said only the place and, where the words are this project's own, the words are compared: the rest
//! differs from one compiler to the next.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::SystemTime;

use serde_json::Value;

/// What is wrong: its line, the text that the place begins with, and words of the message.
type Said = (usize, String, String);

/// A case begins on line 2.
const BEFORE: &str = "#![allow(dead_code, unused)] use byname::ServiceError; use std::sync::Arc;\n";

const RIGHT: &str = "
type Res<T> = Result<T, ServiceError>;
#[byname::service]
trait Users {
    async fn get_user(&self, id: u64) -> Res<String>;
}
struct Kept;
#[byname::service]
impl Users for Kept {
    async fn get_user(&self, id: u64) -> Result<String, ServiceError> { Ok(String::new()) }
}
fn made() -> Arc<dyn Users> { Arc::new(Kept) }
";

/// Where what this test is linked with was put.
fn libraries() -> PathBuf {
    let program = std::env::current_exe().expect("this program");
    program.parent().expect("its folder").to_owned()
}

/// The errors of a text that is compiled against this build of the library.
fn compiled(library: &Path, text: &str) -> Vec<Said> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("case.rs");
    let text = format!("{BEFORE}{text}");
    std::fs::write(&file, &text).expect("it is written");
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(compiler)
        .args(["--edition=2024", "--crate-type=lib", "--emit=metadata"])
        .args(["--error-format=json", "--out-dir"])
        .arg(folder.path())
        .arg("-L")
        .arg(format!("dependency={}", libraries().display()))
        .arg("--extern")
        .arg(format!("byname={}", library.display()))
        .arg(&file)
        .stdin(Stdio::null())
        .output()
        .expect("the compiler is started");
    let said = String::from_utf8(output.stderr).expect("a text");
    let lines: Vec<&str> = text.lines().collect();
    let errors: Vec<Said> = said
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|one| one["level"] == "error")
        .filter_map(|one| {
            let spans = one["spans"].as_array()?;
            let span = spans.iter().find(|span| span["is_primary"] == true)?;
            let number = |key: &str| usize::try_from(span[key].as_u64()?).ok();
            let (line, column) = (number("line_start")?, number("column_start")?);
            let at: String = lines[line - 1].chars().skip(column - 1).collect();
            Some((line, at, one["message"].as_str()?.to_owned()))
        })
        .collect();
    assert_eq!(
        output.status.success(),
        errors.is_empty(),
        "of another kind: {said}"
    );
    errors
}

/// The library as it was built last. Others of its name may lie beside it, of other features or other
/// compilers: what is right is compiled with the one.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let files = std::fs::read_dir(libraries()).expect("a folder");
        let mut built: Vec<(SystemTime, PathBuf)> = files
            .filter_map(|file| {
                let path = file.ok()?.path();
                let name = path.file_name()?.to_str()?;
                let is = path.extension()? == "rlib" && name.starts_with("libbyname-");
                let changed = path.metadata().ok()?.modified().ok()?;
                is.then_some((changed, path))
            })
            .collect();
        built.sort();
        let (_, newest) = built.pop().expect("the library was built");
        assert_eq!(compiled(&newest, RIGHT), [], "what is right is refused");
        newest
    })
}

/// A text is refused at these places (the line of the text, and what stands there) and nowhere else.
#[track_caller]
fn refused(text: &str, expected: &[(usize, &str, &str)]) {
    let mut said = compiled(library(), text);
    said.dedup_by(|one, other| (one.0, &one.1) == (other.0, &other.1));
    let is = said.len() == expected.len()
        && said.iter().zip(expected).all(|(said, (line, at, words))| {
            said.0 == line + 1 && said.1.starts_with(at) && said.2.contains(words)
        });
    assert!(is, "{text}\nis refused so: {said:#?}");
}

#[test]
fn an_argument_that_cannot_be_written_is_refused_at_its_type() {
    refused(
        "
struct Bare(u8);
#[byname::service]
trait Users {
    async fn get_user(
        &self,
        id: Bare,
    ) -> Result<String, ServiceError>;
}
",
        &[(7, "Bare", "`Bare: ")],
    );
}

#[test]
fn an_argument_that_is_not_send_is_refused_at_its_type() {
    refused(
        "
#[byname::service]
trait Users {
    async fn get_user(&self, id: std::rc::Rc<str>) -> Result<String, ServiceError>;
}
",
        &[(4, "std::rc::Rc<str>)", "Rc<str>")],
    );
}

#[test]
fn an_argument_that_is_borrowed_is_refused_at_its_type() {
    refused(
        "
#[byname::service]
trait Users {
    async fn get_user(&self, id: &str) -> Result<String, ServiceError>;
}
",
        &[(4, "&str)", "an argument of a service is owned")],
    );
}

#[test]
fn what_is_no_result_is_refused_at_its_type() {
    let text = |answer: &str| {
        format!(
            "
type Answer = u8;
#[byname::service]
trait Users {{
    async fn get_user(&self) -> {answer};
}}
"
        )
    };
    refused(
        &text("u8"),
        &[(5, "u8;", "a method of a service returns `Result<T, E>`")],
    );
    // Behind an alias the compiler finds it, which says it once more elsewhere.
    let said = compiled(library(), &text("Answer"));
    let (line, at, message) = &said[0];
    assert!(
        *line == 6 && at == "Answer;" && message == "a method of a service cannot return `u8`",
        "{said:#?}"
    );
}

#[test]
fn an_implementation_without_the_attribute_is_refused_at_its_method() {
    refused(
        "
#[byname::service]
trait Users {
    async fn get_user(&self) -> Result<String, ServiceError>;
}
struct Kept;
impl Users for Kept {
    async fn get_user(&self) -> Result<String, ServiceError> { Ok(String::new()) }
}
",
        &[(8, "", "`get_user` has an incompatible type")],
    );
}

#[test]
fn a_method_that_is_not_send_is_refused_at_its_body() {
    refused(
        "
#[byname::service]
trait Users {
    async fn get_user(&self) -> Result<String, ServiceError>;
}
struct Kept;
#[byname::service]
impl Users for Kept {
    async fn get_user(&self) -> Result<String, ServiceError> {
        let kept = std::rc::Rc::new(1);
        std::future::ready(()).await;
        drop(kept);
        Ok(String::new())
    }
}
",
        &[(9, "{", "cannot be sent between threads")],
    );
}
