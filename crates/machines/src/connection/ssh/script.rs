//! What the shell on the other machine is given.

use std::fmt::Write;

use super::super::command::Command;
use super::super::quote::quote;

/// The program has ended with code 255 itself.
pub(super) const ENDED: &str = "ended";
/// There is no such folder.
pub(super) const NO_FOLDER: &str = "no-folder";
/// The folder may not be entered.
pub(super) const CLOSED_FOLDER: &str = "closed-folder";
/// There is no such program.
pub(super) const NO_PROGRAM: &str = "no-program";
/// There is one that may not be run.
pub(super) const NOT_EXECUTABLE: &str = "not-executable";

/// Tells what the shell says from what the program writes and from what `ssh` says: `ssh` ends with
/// code 255 when it fails, and so does the shell, but the shell writes a word that nobody else knows
/// beforehand at the end of its error output.
pub(super) struct Mark(String);

impl Mark {
    /// `random` is not told to anybody beforehand.
    pub(super) fn new(random: u64) -> Self {
        Self(format!("byname:{random:016x}:"))
    }

    /// How long it is at most, with what it says.
    pub(super) fn most(&self) -> usize {
        self.0.len() + CLOSED_FOLDER.len() + 1
    }

    /// What the end of the output says. Something that was left running may have written after it.
    pub(super) fn take(&self, tail: &[u8]) -> Option<String> {
        let mark = self.0.as_bytes();
        let at = tail.windows(mark.len()).rposition(|part| part == mark)?;
        let rest = &tail[at + mark.len()..];
        let end = rest.iter().position(|&byte| byte == b';')?;
        String::from_utf8(rest[..end].to_vec()).ok()
    }

    /// Removes the mark that says `note` from an output.
    pub(super) fn strip(&self, note: &str, output: &mut Vec<u8>) {
        let whole = format!("{}{note};", self.0).into_bytes();
        let at = output.windows(whole.len()).rposition(|part| part == whole);
        if let Some(at) = at {
            output.drain(at..at + whole.len());
        }
    }

    /// The shell's command that writes the mark and ends with 255.
    fn end(&self, note: &str) -> String {
        format!(
            "{{ printf %s {} >&2; exit 255; }}",
            quote(&format!("{}{note};", self.0))
        )
    }
}

/// A path that is taken neither for an option nor, by the scripts below, for one in a home.
pub(super) fn plain(path: &str) -> String {
    let says_where = path.starts_with('/') || path == "~" || path.starts_with("~/");
    if says_where || path.starts_with("./") {
        path.to_owned()
    } else {
        format!("./{path}")
    }
}

/// A path as a word of the shell: `~` at its beginning is the home, everything else is quoted.
fn word(path: &str) -> String {
    match path.strip_prefix("~/") {
        _ if path == "~" => "\"$HOME\"".to_owned(),
        Some(rest) => format!("\"$HOME\"/{}", quote(rest)),
        None => quote(&plain(path)),
    }
}

/// The line that runs a command. Nothing of it comes from outside but words that are quoted.
///
/// `env` runs the program, so that no builtin of the shell is taken for it.
pub(super) fn line(command: &Command, folder: Option<&str>, mark: &Mark) -> String {
    let mut line = String::new();
    // Writing to a string does not fail.
    let mut add = |text: String| _ = line.write_str(&text);
    if let Some(folder) = folder {
        let folder = word(folder);
        let (missing, closed) = (mark.end(NO_FOLDER), mark.end(CLOSED_FOLDER));
        add(format!(
            "[ -d {folder} ] || {missing}; cd {folder} 2>/dev/null || {closed}; "
        ));
    }
    let program = quote(&command.program);
    let (missing, closed) = (mark.end(NO_PROGRAM), mark.end(NOT_EXECUTABLE));
    add(if command.program.contains('/') {
        format!("[ -e {program} ] || {missing}; [ -x {program} ] || {closed}; ")
    } else {
        format!("command -v {program} >/dev/null 2>&1 || {missing}; ")
    });
    add("env".to_owned());
    for (name, value) in &command.env {
        add(format!(" {}", quote(&format!("{name}={value}"))));
    }
    add(format!(" {program}"));
    for arg in &command.args {
        add(format!(" {}", quote(arg)));
    }
    let ended = mark.end(ENDED);
    add(format!(
        "; byname_code=$?; [ $byname_code -ne 255 ] || {ended}; exit $byname_code"
    ));
    line
}

/// The codes with which the scripts below end.
pub(super) const MISSING: i32 = 41;
pub(super) const FORBIDDEN: i32 = 42;
pub(super) const NOT_A_FILE: i32 = 43;

/// What begins each of them: `$1` becomes a path in the home if it begins with `~`, and `look` ends
/// the script when there is nothing at a path, or that may not be known.
macro_rules! script {
    ($body:literal) => {
        concat!(
            r#"case $1 in "~") p=$HOME ;; "~/"*) p=$HOME/${1#??} ;; *) p=$1 ;; esac
look() {
    [ -e "$1" ] && return
    case $(LC_ALL=C ls -dL "$1" 2>&1) in *"ermission denied"*) exit 42 ;; *) exit 41 ;; esac
}
"#,
            $body
        )
    };
}

/// Takes a path and how many bytes at most.
pub(super) const READ: &str = script!(
    r#"look "$p"
[ -f "$p" ] || exit 43
[ -r "$p" ] || exit 42
exec head -c "$2" "$p"
"#
);

/// Takes a path.
pub(super) const EXISTS: &str = script!(
    r#"look "$p"
"#
);

/// Takes a path, how many bytes follow, and the mode if one is asked for. The number is compared: an
/// input that ends early is what a connection that breaks looks like from here.
pub(super) const WRITE: &str = script!(
    r#"if [ -L "$p" ]; then
    q=$(readlink -f "$p" && echo x) || exit 41
    p=${q%?x}
fi
case $p in */*) d=${p%/*}/ ;; *) d=./ ;; esac
look "$d"
[ -d "$d" ] || exit 41
m=$3
if [ -e "$p" ]; then
    [ -f "$p" ] || exit 43
    [ -n "$m" ] || m=$(stat -c %a "$p" 2>/dev/null) || m=$(stat -f %Lp "$p") || exit 1
fi
t=$(umask 077; LC_ALL=C mktemp "${d}.byname-XXXXXXXX" 2>&1) || case $t in
    *"ermission denied"* | *"ead-only file system"*) exit 42 ;;
    *) printf '%s\n' "$t" >&2; exit 1 ;;
esac
trap 'rm -f "$t"' EXIT
trap 'exit 1' HUP INT PIPE TERM
cat >"$t" || exit 1
[ "$(wc -c <"$t")" -eq "$2" ] || { echo 'less arrived than was sent' >&2; exit 1; }
chmod "${m:-644}" "$t" || exit 1
sync "$t" 2>/dev/null
mv -f "$t" "$p" || exit 1
trap - EXIT
"#
);
