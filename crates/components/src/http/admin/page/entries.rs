//! One page of the entries of a registry.

use std::fmt::Write as _;

use axum::response::Response;
use serde_json::Value;

use super::escaped::Escaped;
use super::{table, whole};
use crate::http::admin::listed::{Listed, Page};

/// What stands in a column of its own.
const OWN: [&str; 4] = ["name", "revision", "place", "build"];

pub(in crate::http::admin) struct Entries<'a> {
    /// What leads from the address of the page to the first one.
    pub(in crate::http::admin) base: &'a str,
    pub(in crate::http::admin) listed: &'a Listed,
    pub(in crate::http::admin) page: &'a Page,
    /// A reference to the entries that follow.
    pub(in crate::http::admin) next: Option<&'a str>,
}

impl Entries<'_> {
    pub(in crate::http::admin) fn answer(&self) -> Response {
        let name = self.listed.name();
        let rows: String = self.page.entries.iter().map(row).collect();
        let columns = ["name", "what", "revision", "registered at"];
        let next = self.next.map_or_else(String::new, |next| {
            format!(
                "<p><a rel=\"next\" href=\"{}\">further entries</a></p>",
                Escaped(next)
            )
        });
        let content = format!(
            "<header><nav aria-label=\"Where this is\"><a href=\"{}\">all registries</a></nav><h1>{}</h1>\
             <p>{} at revision {}; each is a {}.</p></header><main>{}{next}</main>",
            Escaped(self.base),
            Escaped(name),
            self.page.count,
            self.page.revision,
            Escaped(self.listed.kind()),
            table(&columns, None, &rows)
        );
        whole(name, self.base, "", content)
    }
}

fn row(entry: &Value) -> String {
    let what = entry.as_object().into_iter().flatten();
    let mut told = String::new();
    if let Some(build) = entry["build"].as_str() {
        let _ = write!(told, "<div>{}</div>", Escaped(build));
    }
    for (key, value) in what.filter(|(key, _)| !OWN.contains(&key.as_str())) {
        let _ = write!(
            told,
            "<div><span class=\"quiet\">{}</span> {}</div>",
            Escaped(key),
            Escaped(plain(value))
        );
    }
    format!(
        "<tr><th scope=\"row\" class=\"name\">{}</th><td class=\"name\">{told}</td>\
         <td class=\"number\">{}</td><td class=\"name quiet\">{}</td></tr>",
        Escaped(plain(&entry["name"])),
        Escaped(plain(&entry["revision"])),
        Escaped(plain(&entry["place"]))
    )
}

/// A text without quotes, anything else as JSON.
fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
