//! What an operator may do to the text by hand, and how it is said where that went wrong.

use super::{ID, json, small, text};
use crate::file::document::check::{check, seal_again};
use crate::file::document::{Document, Parsed, Sealed, Unreadable};
use crate::{JsonError, LeaseId, Record};

fn parse(text: &str) -> Result<Parsed, Unreadable> {
    check(text.as_bytes());
    Document::parse(text.as_bytes(), None)
}

fn not_ours(text: &str) -> JsonError {
    match parse(text) {
        Err(Unreadable::NotOurs(error)) => error,
        other => panic!("{other:?} from {text}"),
    }
}

fn syntax(text: &[u8]) -> JsonError {
    check(text);
    match Document::parse(text, None) {
        Err(Unreadable::Syntax(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn error(line: usize, column: usize, message: &str) -> JsonError {
    JsonError {
        line,
        column,
        message: message.to_owned(),
    }
}

#[test]
fn what_editors_do_to_a_text() {
    let text = text();
    for edited in [
        format!("\u{feff}{text}"),
        text.replace('\n', "\r\n"),
        format!("\u{feff}{}", text.replace('\n', "\r\n")),
        text.replace("  ", "\t"),
        text.trim_end().to_owned(),
        format!("{text}\n\n \t\r\n"),
        text.replace('\n', "  \n"),
        text.replace('\n', "").replace("  ", ""),
        format!("\n\n{text}"),
    ] {
        let parsed = parse(&edited).unwrap();
        assert_eq!(parsed.document, small(), "{edited:?}");
        assert_eq!(parsed.document.render(), small().render());
        assert_eq!(parsed.sealed, Sealed::Wrong);
    }
}

#[test]
fn places_are_those_of_the_file() {
    let text = text();
    let places = |text: &str| {
        let parsed = parse(text).unwrap();
        ["alpha", "beta"].map(|name| parsed.place_of(name).unwrap())
    };
    assert_eq!(places(&text), [(10, 5), (17, 5)]);
    assert_eq!(places(&format!("{text}\n")), [(10, 5), (17, 5)]);
    assert_eq!(places(&text.replace('\n', "\r\n")), [(10, 5), (17, 5)]);
    assert_eq!(
        places(&text.replace("    \"beta\"", "\"beta\"")),
        [(10, 5), (17, 1)]
    );
    let one_line = format!("\u{feff}{}", text.replace('\n', ""));
    let at = |name: &str| (1, one_line.find(name).unwrap() + 1);
    assert_eq!(places(&one_line), [at("\"alpha\""), at("\"beta\"")]);
}

#[test]
fn order_of_entries_and_of_known_fields_is_free() {
    let text = format!(
        r#"{{"entries":{{"beta":{{"value":"é","lease":"00000000000000ff","revision":42}},
        "\u0061lpha":{{"value":{{"kind":"ssh","cores":4}},"revision":41}}}},
        "byname":{{"revision":42,"id":"{ID}","format":"1.0"}}}}"#
    );
    let parsed = parse(&text).unwrap();
    assert_eq!(parsed.sealed, Sealed::Missing);
    assert_eq!(parsed.document, small());
    assert_eq!(parsed.document.render(), small().render());
    assert_eq!(parsed.place_of("alpha"), Some((2, 9)));
}

#[test]
fn entry_added_by_hand_has_no_revision() {
    let text = text().replace(
        "\"entries\": {",
        "\"entries\": {\"new\": {\"value\": [1, {}]},",
    );
    let parsed = parse(&text).unwrap();
    let slot = parsed.document.get("new").unwrap();
    assert_eq!(slot.revision, 0);
    assert_eq!(
        slot.record.value.as_str(),
        "[\n        1,\n        {}\n      ]"
    );
    assert_eq!(parsed.place_of("new"), Some((9, 15)));
    assert_eq!(parsed.place_of("alpha"), Some((10, 5)));
}

#[test]
fn texts_of_a_value_stay_as_they_are() {
    let value =
        r#"["\u00e9\/\ud800", 1.0, 1E400, -0, 123456789012345678901234567890, {"a": 1, "a": 2}]"#;
    let text = text().replace("\"é\"", value);
    let parsed = parse(&text).unwrap();
    assert_eq!(
        parsed.document.get("beta").unwrap().record.value.as_str(),
        r#"[
        "\u00e9\/\ud800",
        1.0,
        1E400,
        -0,
        123456789012345678901234567890,
        {
          "a": 1,
          "a": 2
        }
      ]"#
    );
}

/// The predecessor took version 99, wrote version 1 over it, and lost every field that it did not
/// know.
#[test]
fn later_major_version_is_refused() {
    for text in [
        text().replace("\"1.0\"", "\"99.0\""),
        "{\"byname\":{\"format\":\"99.0\",\"id\":[]},\"entries\":7}".to_owned(),
        "{\"byname\":{\"format\":\"99.0\",\"x\":1,\"x\":1}}".to_owned(),
    ] {
        assert_eq!(
            parse(&text).unwrap_err(),
            Unreadable::Format("99.0".to_owned())
        );
    }
    let message = Unreadable::Format("2.0".to_owned()).to_string();
    assert!(
        message.contains("format 2.0") && message.contains("reads 1.x"),
        "{message}"
    );
}

#[test]
fn versions() {
    for right in ["1.0", "1.1", "1.999999999"] {
        let text = text().replace("\"1.0\"", &format!("\"{right}\""));
        let rendered = parse(&text).unwrap().document.render();
        let rendered = String::from_utf8(rendered.bytes).unwrap();
        assert!(
            rendered.contains(&format!("\"format\": \"{right}\"")),
            "{rendered}"
        );
    }
    for wrong in [
        "1",
        "1.",
        ".1",
        "0.1",
        "01.0",
        "1.01",
        "1.0.0",
        "one",
        "",
        "-1.0",
        "1.1234567890",
    ] {
        let text = text().replace("\"1.0\"", &format!("\"{wrong}\""));
        let found = not_ours(&text);
        assert_eq!((found.line, found.column), (3, 15), "{wrong}");
        assert!(
            found
                .message
                .starts_with("expected a version such as \"1.0\""),
            "{found}"
        );
    }
}

/// The predecessor dropped them with the next write.
#[test]
fn unknown_fields_survive_a_rewrite() {
    let with_fields = text()
        .replace("\"1.0\"", "\"1.7\"")
        .replace(
            "{\n  \"byname\": {\n",
            "{\n  \"$schema\": \"x\",\n  \"byname\": {\n    \"writer\": [1,2],\n",
        )
        .replace("\"é\"", "\"é\", \"p\\u006frt\": 22, \"seen\": { }")
        .replace("\n  }\n}\n", "\n  },\n  \"note\": \"n\"\n}\n");
    let mut document = parse(&with_fields).unwrap().document;
    document.put(
        "beta".into(),
        43,
        Record {
            value: json("2"),
            lease: Some(LeaseId(255)),
        },
    );
    document.put("gamma".into(), 43, Record::new(json("3")));
    document.revision = 43;
    let rendered = document.render();
    let expected = format!(
        r#"{{
  "byname": {{
    "format": "1.7",
    "id": "{ID}",
    "revision": 43,
    "length": {},
    "checksum": "xxh3:{:016x}",
    "writer": [
      1,
      2
    ]
  }},
  "entries": {{
    "alpha": {{
      "revision": 41,
      "value": {{
        "kind": "ssh",
        "cores": 4
      }}
    }},
    "beta": {{
      "revision": 43,
      "lease": "00000000000000ff",
      "value": 2,
      "p\u006frt": 22,
      "seen": {{}}
    }},
    "gamma": {{
      "revision": 43,
      "value": 3
    }}
  }},
  "$schema": "x",
  "note": "n"
}}
"#,
        rendered.bytes.len(),
        rendered.checksum
    );
    assert_eq!(String::from_utf8(rendered.bytes.clone()).unwrap(), expected);
    check(&rendered.bytes);
}

/// `null` in the place of an entry ended the predecessor with a panic.
#[test]
fn null_in_the_place_of_an_entry() {
    let text = text().replace("\"entries\": {", "\"entries\": {\n    \"nil\": null,");
    assert_eq!(
        not_ours(&text),
        error(
            10,
            12,
            "expected an entry, an object with `value` and perhaps `revision`, found null"
        )
    );
}

#[test]
fn document_of_another_program() {
    assert_eq!(
        not_ours(r#"{"version":1,"machines":{}}"#),
        error(
            1,
            1,
            "this is no document of this program: expected an object with `byname` (its header) and `entries`, found one with [\"version\", \"machines\"]"
        )
    );
    for (text, found) in [
        ("null", "null"),
        (" [1]", "a list"),
        ("\"x\"", "another string"),
        ("12", "another number"),
        ("true", "a boolean"),
    ] {
        let column = 1 + usize::from(text.starts_with(' '));
        let message =
            format!("expected the document, an object with `byname` and `entries`, found {found}");
        assert_eq!(not_ours(text), error(1, column, &message));
    }
}

#[test]
fn fields_that_are_missing_or_something_else() {
    let whole_number = "a whole number from 0 to 9223372036854775807";
    let text = text();
    let length = format!("\"length\": {}", text.len());
    let id = format!("\"id\": \"{ID}\"");
    for (from, to, line, column, message) in [
        (
            "\"format\": \"1.0\",\n",
            "",
            2,
            13,
            "`format` is missing in the header".to_owned(),
        ),
        (
            "\"format\": \"1.0\"",
            "\"format\": 1.0",
            3,
            15,
            "expected a version such as \"1.0\", found another number".to_owned(),
        ),
        (
            &*format!("{id},\n"),
            "",
            2,
            13,
            "`id` is missing in the header".to_owned(),
        ),
        (
            &*id,
            "\"id\": \"abc\"",
            4,
            11,
            "expected 32 hexadecimal digits in lower case, found another string".to_owned(),
        ),
        (
            "    \"revision\": 42,\n    \"l",
            "    \"l",
            2,
            13,
            "`revision` is missing in the header".to_owned(),
        ),
        (
            "\"revision\": 42,\n    \"l",
            "\"revision\": -1,\n    \"l",
            5,
            17,
            format!("expected a revision, {whole_number}, found another number"),
        ),
        (
            "\"revision\": 42,\n    \"l",
            "\"revision\": 1.0,\n    \"l",
            5,
            17,
            format!("expected a revision, {whole_number}, found another number"),
        ),
        (
            "\"revision\": 42,\n    \"l",
            "\"revision\": 9223372036854775808,\n    \"l",
            5,
            17,
            format!("expected a revision, {whole_number}, found another number"),
        ),
        (
            "\"revision\": 42,\n    \"l",
            "\"revision\": 99999999999999999999999,\n    \"l",
            5,
            17,
            format!("expected a revision, {whole_number}, found another number"),
        ),
        (
            &*length,
            "\"length\": \"x\"",
            6,
            15,
            format!(
                "expected the number of bytes in the file, {whole_number}, found another string"
            ),
        ),
        (
            "\"checksum\": \"",
            "\"checksum\": null, \"x\": \"",
            7,
            17,
            "expected a checksum such as \"xxh3:0123456789abcdef\", found null".to_owned(),
        ),
        (
            "\"entries\"",
            "\"entrys\"",
            1,
            1,
            "`entries` is missing in the document".to_owned(),
        ),
        (
            "\"entries\": {",
            "\"entries\": 1, \"x\": {",
            9,
            14,
            "expected the entries, an object, found another number".to_owned(),
        ),
        (
            "\"revision\": 41",
            "\"revision\": 9223372036854775808",
            11,
            19,
            format!("expected a revision, {whole_number}, found another number"),
        ),
        (
            "\"value\": {",
            "\"valeu\": {",
            10,
            14,
            "`value` is missing in the entry".to_owned(),
        ),
        (
            "\"00000000000000ff\"",
            "\"00000000000000FF\"",
            19,
            16,
            "expected the 16 hexadecimal digits of a lease, in lower case, found another string"
                .to_owned(),
        ),
        (
            "\"00000000000000ff\"",
            "null",
            19,
            16,
            "expected the 16 hexadecimal digits of a lease, in lower case, found null".to_owned(),
        ),
        (
            "\"byname\": {",
            "\"byname\": [], \"x\": {",
            2,
            13,
            "expected the header, an object, found a list".to_owned(),
        ),
        (
            "\"alpha\"",
            "\"\"",
            10,
            5,
            "a name has 1 to 1024 bytes and no control characters".to_owned(),
        ),
        (
            "\"alpha\"",
            "\"a\\u0007\"",
            10,
            5,
            "a name has 1 to 1024 bytes and no control characters".to_owned(),
        ),
        (
            "\"alpha\"",
            "\"beta\"",
            17,
            5,
            "\"beta\" is there twice in one object".to_owned(),
        ),
        (
            "\"alpha\"",
            "\"b\\u0065ta\"",
            17,
            5,
            "\"beta\" is there twice in one object".to_owned(),
        ),
        (
            "\"checksum\"",
            "\"id\"",
            7,
            5,
            "\"id\" is there twice in one object".to_owned(),
        ),
        (
            "\"revision\": 41,",
            "\"revision\": 41, \"value\": 1,",
            12,
            7,
            "\"value\" is there twice in one object".to_owned(),
        ),
        (
            "\"revision\": 41,",
            "\"x\": 41, \"x\": 1,",
            11,
            16,
            "\"x\" is there twice in one object".to_owned(),
        ),
        (
            "\"entries\": {",
            "\"byname\": 1, \"entries\": {",
            9,
            3,
            "\"byname\" is there twice in one object".to_owned(),
        ),
    ] {
        let edited = text.replacen(from, to, 1);
        assert_ne!(edited, text, "{from}");
        assert_eq!(not_ours(&edited), error(line, column, &message), "{edited}");
        // A right seal does not make it better.
        if let Some(sealed) = seal_again(edited.as_bytes()) {
            let sealed = String::from_utf8(sealed).unwrap();
            assert_eq!(not_ours(&sealed).message, message, "{sealed}");
        }
    }
    let long = "x".repeat(crate::MAX_NAME + 1);
    let found = not_ours(&text.replace("alpha", &long));
    assert_eq!((found.line, found.column), (10, 5));
    assert!(parse(&text.replace("alpha", &long[1..])).is_ok());
}

#[test]
fn faults_of_the_syntax() {
    let text = text();
    let edited = |from: &str, to: &str| {
        let edited = text.replacen(from, to, 1);
        assert_ne!(edited, text, "{from}");
        syntax(edited.as_bytes())
    };
    assert_eq!(
        edited("\"cores\": 4", "\"cores\": 4,"),
        error(15, 7, "trailing comma")
    );
    assert_eq!(
        edited("\"cores\": 4", "\"cores\": 04"),
        error(14, 19, "invalid number")
    );
    assert_eq!(
        edited("\"cores\": 4", "\"cores\": "),
        error(15, 7, "expected value")
    );
    assert_eq!(
        edited("\"ssh\",", "\"ssh\""),
        error(14, 9, "expected `,` or `}`")
    );
    assert_eq!(
        edited("{\n", "{ // mine\n"),
        error(1, 3, "key must be a string")
    );
    let control = "control character (\\u0000-\\u001F) found while parsing a string";
    assert_eq!(edited("ssh", "s\0h"), error(13, 18, control));
    assert_eq!(edited("ssh", "s\th"), error(13, 18, control));
    assert_eq!(
        edited("alpha", "a\\ud800"),
        error(10, 5, "an escape in this name stands for no character")
    );
    let lines = text.lines().count();
    for more in ["{}", "x", "\0"] {
        let found = syntax(format!("{text}{more}").as_bytes());
        assert_eq!(found, error(lines + 1, 1, "trailing characters"));
    }
    let found = syntax("\u{feff}{x".as_bytes());
    assert_eq!(found, error(1, 5, "key must be a string"));
    for blank in ["\n", "\u{feff}\n"] {
        assert_eq!(
            syntax(blank.as_bytes()),
            error(2, 1, "EOF while parsing a value")
        );
    }
    let mut bytes = text.clone().into_bytes();
    let at = text.find("ssh").unwrap();
    bytes[at] = 0xff;
    assert_eq!(
        syntax(&bytes),
        error(13, 18, "this is not UTF-8: save the file as UTF-8")
    );
}

#[test]
fn nesting_has_a_bound() {
    let text = text();
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for depth in [126, 127] {
        let parsed = parse(&text.replace("\"é\"", &nested(depth))).unwrap();
        let value = &parsed.document.get("beta").unwrap().record.value;
        assert!(value.read::<serde_json::Value>().is_ok());
        assert_eq!(*value, json(&nested(depth)));
    }
    let found = not_ours(&text.replace("\"é\"", &nested(128)));
    assert_eq!(found, error(20, 16 + 127, "nested deeper than 127 levels"));
    let found = not_ours(&text.replace("\"é\"", &nested(100_000)));
    assert_eq!(found, error(20, 16 + 127, "nested deeper than 127 levels"));
    let found = not_ours(&text.replace("\"é\"", &format!("1, \"x\": {}", nested(128))));
    assert_eq!(found, error(20, 24 + 127, "nested deeper than 127 levels"));
    let root = text.replace("\n  }\n}\n", &format!("\n  }}, \"x\": {}}}", nested(128)));
    assert_eq!(not_ours(&root).message, "nested deeper than 127 levels");
}
