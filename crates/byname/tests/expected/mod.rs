//! What commands say, against answers kept in this folder.

use std::path::Path;
use std::process::Output;

/// What a command wrote that succeeded and had nothing to complain of.
#[track_caller]
pub(crate) fn text(output: Output) -> String {
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{error}");
    assert_eq!(error, "");
    String::from_utf8(output.stdout).unwrap()
}

/// Compares with the answer that is kept; `UPDATE_EXPECT=1` keeps this one.
#[track_caller]
pub(crate) fn expect(name: &str, found: &str) {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/expected"));
    let path = folder.join(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        found, kept,
        "{name} differs; UPDATE_EXPECT=1 keeps what was found"
    );
}
