use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::Value;

use super::{ID, json};
use crate::file::document::check::{check, seal_again};
use crate::file::document::{Document, Sealed};
use crate::{Json, LeaseId, Record};

/// White space between tokens.
fn space() -> impl Strategy<Value = &'static str> + Clone {
    prop_oneof![5 => Just(""), 1 => Just(" "), 1 => Just("\n\t"), 1 => Just("\r\n   ")]
}

fn string() -> impl Strategy<Value = String> + Clone {
    let part = prop_oneof![
        "[a-z{}\\[\\]:, é\u{1f600}]{1,3}".prop_map(|text| text),
        Just("\\\"".to_owned()),
        Just("\\\\".to_owned()),
        Just("\\/".to_owned()),
        Just("\\u00e9".to_owned()),
        Just("\\ud83d\\ude00".to_owned()),
    ];
    vec(part, 0..4).prop_map(|parts| format!("\"{}\"", parts.concat()))
}

/// JSON texts with white space anywhere.
fn text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        string(),
        prop::sample::select(vec![
            "null",
            "true",
            "false",
            "0",
            "-0",
            "1.50",
            "12e3",
            "-7E+2",
            "18446744073709551616"
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(5, 24, 4, |inner| {
        let spaced = (space(), inner, space())
            .prop_map(|(before, text, after)| format!("{before}{text}{after}"));
        let name = (space(), string(), space())
            .prop_map(|(before, text, after)| format!("{before}{text}{after}"));
        prop_oneof![
            space().prop_map(|space| format!("[{space}]")),
            space().prop_map(|space| format!("{{{space}}}")),
            vec(spaced.clone(), 1..4).prop_map(|items| format!("[{}]", items.join(","))),
            vec(
                (name, spaced).prop_map(|(name, value)| format!("{name}:{value}")),
                1..4
            )
            .prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-e]{1,2}", 1 => "[a\"\\\\ é\u{1f600}]{1,4}"]
}

fn record() -> impl Strategy<Value = Record> {
    (text(), option::weighted(0.2, any::<u64>())).prop_map(|(text, lease)| Record {
        value: json(&text),
        lease: lease.map(LeaseId),
    })
}

fn document() -> impl Strategy<Value = Document> {
    let entries = vec((name(), 0..=i64::MAX as u64, record()), 0..8);
    (0..=i64::MAX as u64, entries).prop_map(|(revision, entries)| {
        let mut document = Document::new(ID.into());
        document.revision = revision;
        for (name, revision, record) in entries {
            document.put(name.into(), revision, record);
        }
        document
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn laying_out_keeps_every_token(text in text()) {
        let mut document = Document::new(ID.into());
        document.put("a".into(), 1, Record::new(json(&text)));
        let laid_out = &document.get("a").unwrap().record.value;
        prop_assert_eq!(laid_out, &json(&text));
        prop_assert_eq!(laid_out.read::<Value>().unwrap(), json(&text).read::<Value>().unwrap());
        // The reader that knows only this layout agrees that it is it.
        let rendered = document.render();
        let parsed = crate::file::document::scan::scan(str::from_utf8(&rendered.bytes).unwrap(), None);
        prop_assert_eq!(parsed.unwrap().document, document);
    }

    #[test]
    fn layout_is_that_of_a_plain_writer(text in text()) {
        // Numbers and escapes aside, it is what the JSON library's own writer makes of it.
        let value: Value = json(&text).read().unwrap();
        let plain = serde_json::to_string(&value).unwrap();
        let mut document = Document::new(ID.into());
        document.put("a".into(), 1, Record::new(json(&plain)));
        let expected = serde_json::to_string_pretty(&value).unwrap().replace('\n', "\n      ");
        prop_assert_eq!(document.get("a").unwrap().record.value.as_str(), expected);
    }

    #[test]
    fn what_is_rendered_is_read(document in document(), previous in option::of(document())) {
        let rendered = document.render();
        let parsed = Document::parse(&rendered.bytes, previous.as_ref()).unwrap();
        prop_assert_eq!(parsed.sealed, Sealed::Right(rendered.checksum));
        prop_assert_eq!(&parsed.document, &document);
        prop_assert_eq!(parsed.document.render(), rendered.clone());
        check(&rendered.bytes);
        // And it is JSON for everybody else.
        let value: Value = serde_json::from_slice(&rendered.bytes).unwrap();
        prop_assert_eq!(value["entries"].as_object().unwrap().len(), document.entries().len());
    }

    #[test]
    fn what_is_typed_into_it_is_told(
        document in document(),
        edits in vec((any::<prop::sample::Index>(), 0..12_usize, prop::sample::select(vec![
            "", " ", "\n", "{", "}", "[", "]", "\"", ",", ":", "1", "null", "\"a\": 1,", "\\", "\0", "é",
            "\"value\"", "\"revision\": 1,", "\n      \"x\": {},", ",\n      \"x\": 1",
        ])), 1..4),
    ) {
        let mut bytes = document.render().bytes;
        for (at, length, typed) in edits {
            let start = at.index(bytes.len());
            let end = (start + length).min(bytes.len());
            bytes.splice(start..end, typed.bytes());
        }
        check(&bytes);
    }

    #[test]
    fn unknown_fields_are_kept(fields in vec(text(), 3), document in document()) {
        let text = String::from_utf8(document.render().bytes).unwrap();
        let [root, header, entry] = [0, 1, 2].map(|at| &fields[at]);
        let text = text
            .replacen("\"byname\": {", &format!("\"r\": {root}, \"byname\": {{ \"h\": {header},"), 1)
            .replace("\n      \"value\"", &format!("\n      \"e\": {entry}, \"value\""));
        let parsed = Document::parse(text.as_bytes(), None).unwrap();
        let rendered = parsed.document.render();
        check(text.as_bytes());
        check(&rendered.bytes);
        let value: BTreeMap<String, BTreeMap<String, Box<serde_json::value::RawValue>>> = {
            // The root's own field is no object.
            let text = str::from_utf8(&rendered.bytes).unwrap();
            let end = text.rfind(",\n  \"r\": ").unwrap();
            prop_assert_eq!(Json::new(&text[end + 9..text.len() - 3]).unwrap(), json(root));
            serde_json::from_str(&format!("{}\n}}", &text[..end])).unwrap()
        };
        prop_assert_eq!(Json::new(value["byname"]["h"].get()).unwrap(), json(header));
        for raw in value["entries"].values() {
            let entry_fields: BTreeMap<String, Box<serde_json::value::RawValue>> = serde_json::from_str(raw.get()).unwrap();
            prop_assert_eq!(Json::new(entry_fields["e"].get()).unwrap(), json(entry));
        }
    }

    #[test]
    fn sealing_again_makes_it_right(document in document()) {
        let rendered = document.render();
        let text = String::from_utf8(rendered.bytes.clone()).unwrap();
        let spoiled = text.replace("\"length\": ", "\"length\": 1").replace("xxh3:0", "xxh3:1");
        prop_assert_eq!(seal_again(spoiled.as_bytes()).unwrap(), rendered.bytes);
    }
}
