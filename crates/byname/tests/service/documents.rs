//! What the documents show of files is taken by the schema and by the check alike.

use std::sync::Arc;

use axum::http::Method;
use byname::config::{Path, Source, parse, read_node};
use byname::http::routes::Routes;
use byname::{App, BoxError, Registrar, ServiceError, Severity};

#[byname::service]
trait Users {
    /// Lists them.
    async fn list_users(&self) -> Result<Vec<String>, ServiceError>;
}

struct Nobody;

#[byname::service]
impl Users for Nobody {
    async fn list_users(&self) -> Result<Vec<String>, ServiceError> {
        Ok(Vec::new())
    }
}

#[byname::service]
trait Stock {
    /// Adds to what is there.
    async fn update_stock(&self, id: u64, add: u32) -> Result<u32, ServiceError>;
}

#[byname::service]
impl Stock for Nobody {
    async fn update_stock(&self, _id: u64, add: u32) -> Result<u32, ServiceError> {
        Ok(add)
    }
}

async fn answer() -> &'static str {
    "here"
}

/// What the documents say that modules bring.
fn module(registrar: &mut Registrar<'_>) {
    registrar.interface::<dyn Users>();
    registrar.factory("users", (), |(): ()| async {
        let users: Arc<dyn Users> = Arc::new(Nobody);
        Ok::<_, BoxError>(users)
    });
    registrar.interface::<dyn Stock>();
    registrar.factory("stock", (), |(): ()| async {
        let stock: Arc<dyn Stock> = Arc::new(Nobody);
        Ok::<_, BoxError>(stock)
    });
    let catalog = Routes::<()>::new()
        .raw(Method::GET, "/models/{id}", answer)
        .raw(Method::DELETE, "/models/{id}", answer);
    registrar.router("catalog", (), |()| (), catalog);
    let reports = Routes::<()>::new().raw(Method::GET, "/reports", answer);
    registrar.router("reports", (), |()| (), reports);
}

fn app(file: &str) -> App {
    App::from_text(file).register(module).server("front")
}

/// What the schema refuses in a file.
fn refused(file: &str) -> Vec<String> {
    let schema = jsonschema::draft202012::new(&app("").schema()).expect("a schema");
    let node = parse(file, &Source::Code("a document".into())).expect("YAML");
    let read = read_node(&node, &Path::root(), "a file").expect("a value");
    let errors = schema.iter_errors(&read.value);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// What the check says is wrong with a file.
fn checked(file: &str) -> Vec<String> {
    let problems = app(file).check();
    let errors = problems
        .iter()
        .filter(|one| one.severity() == Severity::Error);
    errors.map(ToString::to_string).collect()
}

#[test]
fn each_file_of_the_document_of_servers_is_taken_by_the_schema_and_by_the_check() {
    let page = include_str!("../../../../docs/servers.md");
    let blocks = page.split("```yaml\n").skip(1);
    let files: Vec<&str> = blocks
        .filter_map(|block| block.split("```").next())
        .collect();
    assert!(!files.is_empty());
    for file in files {
        assert_eq!(refused(file), Vec::<String>::new(), "{file}");
        assert_eq!(checked(file), Vec::<String>::new(), "{file}");
    }
}
