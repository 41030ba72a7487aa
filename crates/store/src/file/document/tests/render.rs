use crate::file::document::{Document, Sealed, check::check};
use crate::{Json, LeaseId, Record};

pub(super) const ID: &str = "6f1c0f3a9b7d4e21a5c8d0e4b3f29617";

#[test]
fn rendered_as_the_format_says() {
    let mut document = Document::new(ID.into());
    document.revision = 42;
    let value = Json::new(r#"{"kind":"ssh","labels":{},"cores":[1,2.50,1e3],"none":[ ]}"#).unwrap();
    assert_eq!(
        document.put(
            "b \"x\" é".into(),
            42,
            Record {
                value: Json::new(" 1 ").unwrap(),
                lease: Some(LeaseId(255))
            }
        ),
        None
    );
    assert_eq!(document.put("alpha".into(), 41, Record::new(value)), None);
    let rendered = document.render();
    let text = str::from_utf8(&rendered.bytes).unwrap();
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
        "none": []
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
    assert_eq!(text, expected);
    check(&rendered.bytes);
    let parsed = Document::parse(&rendered.bytes, None).unwrap();
    assert_eq!(parsed.document, document);
    assert_eq!(parsed.sealed, Sealed::Right(rendered.checksum));
}
