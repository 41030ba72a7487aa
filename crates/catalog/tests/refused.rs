//! A file that is no catalog or is broken is refused, with file, line, column and what to do.

use std::error::Error as _;

use byname_catalog::import::{ImportErrorKind, MAX_BYTES, load, parse};

const EXPECTED: &str = "expected the api.json of models.dev, LiteLLM's price table, OpenRouter's \
                        list of models, or a file that begins with `byname-catalog`";

#[test]
fn what_is_not_json_is_refused_where_it_stops_being_it() {
    for (text, message) in [
        (
            "",
            "f:1:1: not JSON: expected a JSON value, found the end of the file",
        ),
        ("hello", "f:1:1: not JSON: expected a JSON value"),
        ("{\n \"é\": ,", "f:2:7: not JSON: expected a JSON value"),
        (
            "{\"a\": {\n\"models\": {}}\n",
            "f:3:1: not JSON: expected `}` to end the object, found the end of the file",
        ),
        ("{\"a\": 1.}", "f:1:9: not JSON: expected a digit"),
        (
            "\u{feff}[",
            "f:1:2: not JSON: expected a JSON value, found the end of the file",
        ),
    ] {
        let error = parse("f", text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(error.kind(), ImportErrorKind::Syntax);
    }
}

#[test]
fn json_of_another_shape_is_refused_with_what_was_expected() {
    for (text, message) in [
        ("[]", "f:1:1: an array at the top is no catalog"),
        ("\n 7", "f:2:2: a number at the top is no catalog"),
        ("{}", "f:1:1: an empty object is no catalog"),
        (
            "{\"a\": {\"b\": 1}}",
            "f:1:1: no member is a provider with `models` or an entry with a `litellm_provider`",
        ),
        (
            "{\"data\": []}",
            "f:1:10: no item of `data` is a model with an `id` and a `pricing`",
        ),
        (
            "{\"data\": [{\"id\": \"gpt-4o\", \"object\": \"model\"}]}",
            "f:1:10: no item of `data` is a model with an `id` and a `pricing`",
        ),
    ] {
        let error = parse("f", text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), format!("{message}; {EXPECTED}"));
        assert_eq!(error.kind(), ImportErrorKind::UnknownShape);
    }
}

#[test]
fn what_is_not_utf8_is_refused_at_its_first_wrong_byte() {
    let error = parse("f", b"{\n\"\xc3\xa9\xff\": 1}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "f:2:3: the byte 0xFF is not UTF-8 here; expected a text in UTF-8"
    );
    assert_eq!(error.kind(), ImportErrorKind::NotUtf8);
    assert_eq!((error.line(), error.column()), (Some(2), Some(3)));
    assert_eq!(error.source_name(), "f");
    let utf16 = parse("f", b"\xff\xfe{\0}\0").unwrap_err();
    assert_eq!(
        utf16.to_string(),
        "f:1:1: the byte 0xFF is not UTF-8 here; expected a text in UTF-8"
    );
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let bytes = vec![b' '; usize::try_from(MAX_BYTES).unwrap() + 1];
    let error = parse("f", &bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "f: larger than 64 MiB; expected a catalog of at most that"
    );
    assert_eq!(error.kind(), ImportErrorKind::TooLarge);
    assert_eq!((error.line(), error.column()), (None, None));
}

#[test]
fn a_file_that_cannot_be_read_is_refused_with_its_cause() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let missing = format!("{folder}/missing.json");
    let error = load(&missing).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{missing}: no such file; check the path")
    );
    assert_eq!(error.kind(), ImportErrorKind::Unreadable);
    assert!(error.source().is_some());
    let error = load(folder).unwrap_err();
    assert_eq!(error.kind(), ImportErrorKind::Unreadable);
    assert!(
        error
            .to_string()
            .starts_with(&format!("{folder}: cannot be read: ")),
        "{error}"
    );
}

#[test]
fn a_file_is_recognised_by_its_content_and_not_by_its_name() {
    for name in ["models-dev", "litellm", "openrouter"] {
        let path = format!("{}/tests/data/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(&path).unwrap();
        let named = load(&path).unwrap();
        let other = parse("prices.txt", &bytes).unwrap();
        assert_eq!(
            (named.format, named.offerings),
            (other.format, other.offerings)
        );
        let marked = parse("f", &[b"\xef\xbb\xbf", bytes.as_slice()].concat()).unwrap();
        assert_eq!(other.counts, marked.counts);
    }
}

#[test]
fn a_compact_file_of_another_version_or_that_breaks_off_is_refused() {
    for (text, message) in [
        (
            "byname-catalog 2\nend\t1\n",
            "f:1:1: a version of the compact format that this program does not read; expected \
             `byname-catalog 1`; use a newer program, or write the file again",
        ),
        (
            "byname-catalog 1\n",
            "f:2:1: the file breaks off within a line; expected a last line `end`",
        ),
        (
            "byname-catalog 1\np\ta\n",
            "f:3:1: the file breaks off; expected a last line `end`",
        ),
        (
            "byname-catalog 1\np\ta",
            "f:2:4: the file breaks off within a line; expected a last line `end`",
        ),
        (
            "byname-catalog 1\np\ta\nend\t3\n",
            "f:3:1: the last line counts \"3\" lines above it; expected 2",
        ),
    ] {
        let error = parse("f", text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(error.kind(), ImportErrorKind::Syntax);
    }
}
