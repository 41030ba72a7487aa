//! A store of three entries, and how editors save and lay out.

use byname_store::{FileOptions, FileStore, Store};

use crate::place::*;

/// Three entries at revisions 1, 2 and 3.
pub(crate) fn three(options: FileOptions) -> (Place, FileStore) {
    let place = Place::new();
    let store = place.open(options);
    for (name, value) in [("alpha", "1"), ("beta", "2"), ("gamma", "3")] {
        commit(&store, add(name, value));
    }
    (place, store)
}

/// The document's text with the value of `beta` changed.
pub(crate) fn beta(place: &Place, value: &str) -> String {
    let text = place.text();
    assert!(text.contains("\"value\": 2\n"), "{text}");
    text.replace("\"value\": 2\n", &format!("\"value\": {value}\n"))
}

/// Nothing is to be said, and the file is what the mirror shows.
pub(crate) fn is_in_order(place: &Place, store: &FileStore) {
    assert!(store.health().is_good(), "{:?}", store.health());
    assert!(store.inspect().unwrap().is_good(), "{:#?}", store.inspect());
    let other = place.open(deaf().read_only(true));
    assert_eq!(shown(&other), shown(store));
    assert_eq!(other.mirror().revision(), store.mirror().revision());
    assert!(other.health().is_good(), "{:?}", other.health());
}

pub(crate) const EDITED: [(&str, u64, &str); 3] =
    [("alpha", 1, "1"), ("beta", 4, "20"), ("gamma", 3, "3")];

pub(crate) fn crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}

fn tabs(text: &str) -> String {
    text.replace("  ", "\t")
}

fn bom(text: &str) -> String {
    format!("\u{feff}{text}")
}

fn one_line(text: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    value.to_string()
}

/// How editors lay out what they save.
pub(crate) type LayOut = fn(&str) -> String;
pub(crate) const LAYOUTS: [(&str, LayOut); 5] = [
    ("as it is", |text| text.to_owned()),
    ("crlf", crlf),
    ("tabs", tabs),
    ("bom", bom),
    ("one line", one_line),
];

pub(crate) type Save = fn(&Place, String);
pub(crate) const SAVES: [(&str, Save); 2] = [
    ("rename", |place, text| place.save_by_rename(text)),
    ("in place", |place, text| place.save_in_place(text)),
];

/// Takes whole numbers only.
pub(crate) fn numbers(options: FileOptions) -> FileOptions {
    options.check(|_, value| {
        let number = value.read::<i64>();
        number
            .map(|_| ())
            .map_err(|_| "expected a whole number".to_owned())
    })
}
