use super::{ID, json, small};
use crate::file::document::check::check;
use crate::file::document::{Document, Sealed};
use crate::{LeaseId, Record};

#[test]
fn rendered_as_the_format_says() {
    let mut document = Document::new(ID.into());
    document.revision = 42;
    let leased = Record {
        value: json(" 1 "),
        lease: Some(LeaseId(255)),
    };
    assert_eq!(document.put("b \"x\" é".into(), 42, leased), None);
    let value = r#"{"kind":"ssh","labels":{},"cores":[1,2.50,1e3],"none":[ ],"s":"[{\",:é\\"}"#;
    assert_eq!(
        document.put("alpha".into(), 41, Record::new(json(value))),
        None
    );
    let rendered = document.render();
    let expected = format!(
        r#"{{
  "byname": {{
    "format": "1.0",
    "id": "{ID}",
    "revision": 42,
    "length": {},
    "checksum": "xxh3:{:016x}"
  }},
  "entries": {{
    "alpha": {{
      "revision": 41,
      "value": {{
        "kind": "ssh",
        "labels": {{}},
        "cores": [
          1,
          2.50,
          1e3
        ],
        "none": [],
        "s": "[{{\",:é\\"
      }}
    }},
    "b \"x\" é": {{
      "revision": 42,
      "lease": "00000000000000ff",
      "value": 1
    }}
  }}
}}
"#,
        rendered.bytes.len(),
        rendered.checksum
    );
    assert_eq!(str::from_utf8(&rendered.bytes).unwrap(), expected);
    check(&rendered.bytes);
    let parsed = Document::parse(&rendered.bytes, None).unwrap();
    assert_eq!(parsed.document, document);
    assert_eq!(parsed.sealed, Sealed::Right(rendered.checksum));
    assert_eq!(parsed.place_of("alpha"), Some((10, 5)));
    assert_eq!(parsed.place_of("b \"x\" é"), Some((24, 5)));
    assert_eq!(parsed.place_of("c"), None);
}

#[test]
fn empty_document() {
    let document = Document::new(ID.into());
    let rendered = document.render();
    let text = str::from_utf8(&rendered.bytes).unwrap();
    assert!(text.ends_with("\n  },\n  \"entries\": {}\n}\n"), "{text}");
    let parsed = Document::parse(&rendered.bytes, None).unwrap();
    assert_eq!(parsed.document, document);
    assert_eq!(parsed.sealed, Sealed::Right(rendered.checksum));
}

#[test]
fn length_counts_its_own_digits() {
    // Lengths around 1,000 and 10,000, where a digit more makes the text longer by one.
    for around in [1_000_usize, 10_000] {
        for filling in around - 420..around {
            let mut document = small();
            let value = json(&format!("\"{}\"", "x".repeat(filling)));
            document.put("beta".into(), 42, Record::new(value));
            let rendered = document.render();
            let parsed = Document::parse(&rendered.bytes, None).unwrap();
            assert_eq!(parsed.sealed, Sealed::Right(rendered.checksum));
        }
    }
}

#[test]
fn put_and_remove_are_undone() {
    let mut document = small();
    let before = document.render();
    let old = document.put("alpha".into(), 43, Record::new(json("[1, 2]")));
    assert_eq!(old.as_ref(), small().get("alpha"));
    assert_eq!(
        document.get("alpha").unwrap().record.value.as_str(),
        "[\n        1,\n        2\n      ]"
    );
    let removed = document.remove("beta");
    assert_eq!(removed.as_ref(), small().get("beta"));
    assert_eq!(document.remove("beta"), None);
    assert_eq!(
        document.put("gamma".into(), 43, Record::new(json("1"))),
        None
    );
    document.restore("gamma".into(), None);
    document.restore("beta".into(), removed);
    document.restore("alpha".into(), old);
    assert_eq!(document, small());
    assert_eq!(document.render(), before);
}

#[test]
fn largest_numbers() {
    let mut document = small();
    document.revision = i64::MAX as u64;
    document.put("alpha".into(), i64::MAX as u64, Record::new(json("1")));
    check(&document.render().bytes);
    let leased = Record {
        value: json("1"),
        lease: Some(LeaseId(u64::MAX)),
    };
    document.put("alpha".into(), 0, leased);
    let rendered = document.render();
    check(&rendered.bytes);
    assert_eq!(
        Document::parse(&rendered.bytes, None).unwrap().document,
        document
    );
}
