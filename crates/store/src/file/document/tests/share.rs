use std::sync::Arc;

use super::{json, small, text};
use crate::Record;
use crate::file::document::scan::scan;
use crate::file::document::{Document, Sealed, check::seal_again};

fn shares(one: &Document, other: &Document, name: &str) -> bool {
    let (one_name, one) = one.entries().get_key_value(name).unwrap();
    let (other_name, other) = other.entries().get_key_value(name).unwrap();
    Arc::ptr_eq(one_name, other_name)
        && Arc::ptr_eq(one.record.value.text(), other.record.value.text())
}

#[test]
fn texts_of_the_previous_document_are_shared() {
    let previous = small();
    let mut next = small();
    next.put("alpha".into(), 43, Record::new(json("12")));
    next.put("aaa".into(), 43, Record::new(json("1")));
    next.put("zzz".into(), 43, Record::new(json("1")));
    next.revision = 43;
    let bytes = next.render().bytes;
    for bytes in [bytes.clone(), [bytes, b"\n".to_vec()].concat()] {
        let parsed = Document::parse(&bytes, Some(&previous)).unwrap();
        assert_eq!(parsed.document, next);
        assert!(!shares(&parsed.document, &previous, "alpha"));
        assert!(shares(&parsed.document, &previous, "beta"));
    }
}

#[test]
fn unknown_fields_of_the_previous_document_are_shared() {
    let text = text()
        .replace("\"é\"", "\"é\",\n      \"port\": {}")
        .replace("\n  }\n}\n", "\n  },\n  \"note\": 1\n}\n");
    let bytes = seal_again(text.as_bytes()).unwrap();
    let previous = Document::parse(&bytes, None).unwrap().document;
    let next = Document::parse(&bytes, Some(&previous)).unwrap().document;
    let extra = |document: &Document| document.get("beta").unwrap().extra.clone().unwrap();
    assert!(Arc::ptr_eq(&extra(&previous), &extra(&next)));
    assert!(Arc::ptr_eq(
        previous.fields.root.as_ref().unwrap(),
        next.fields.root.as_ref().unwrap()
    ));
}

/// A number that goes on is another number: a text that begins as the previous one is not that one.
#[test]
fn a_value_that_goes_on_is_another_one() {
    let mut previous = small();
    previous.put("alpha".into(), 41, Record::new(json("1")));
    for value in ["12", "1.5", "1e3", "1"] {
        let mut next = previous.clone();
        next.put("alpha".into(), 41, Record::new(json(value)));
        let rendered = next.render();
        let text = str::from_utf8(&rendered.bytes).unwrap();
        let parsed = scan(text, Some(&previous)).unwrap();
        assert_eq!(parsed.sealed, Sealed::Right(rendered.checksum));
        assert_eq!(parsed.document, next);
        assert_eq!(
            parsed.document.get("alpha").unwrap().record.value.as_str(),
            value
        );
    }
}

#[test]
fn a_value_is_shared_when_it_is_laid_out_already() {
    let mut document = small();
    let record = document.get("alpha").unwrap().record.clone();
    document.put("other".into(), 43, record.clone());
    let other = &document.get("other").unwrap().record;
    assert!(Arc::ptr_eq(other.value.text(), record.value.text()));
}

/// Where names of the previous document are compared with the text, escapes count.
#[test]
fn a_name_that_needs_escapes_is_not_read_without_them() {
    for (name, escaped) in [("a\"b", "a\\\"b"), ("a\\b", "a\\\\b")] {
        let mut previous = small();
        previous.put(name.into(), 1, Record::new(json("1")));
        let text = String::from_utf8(previous.render().bytes).unwrap();
        assert!(text.contains(&format!("\"{escaped}\"")), "{text}");
        let spoiled = seal_again(text.replace(escaped, name).as_bytes()).unwrap();
        let found = Document::parse(&spoiled, Some(&previous)).map(|parsed| parsed.document);
        assert_eq!(
            found,
            Document::parse_general(&spoiled).map(|parsed| parsed.document)
        );
        assert_ne!(found, Ok(previous));
    }
}
