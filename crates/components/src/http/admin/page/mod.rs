//! Pages for people: they need no script, and nothing from elsewhere. With a script the first one
//! follows what changes.

mod entries;
mod escaped;
mod overview;

use std::fmt::Display;

use axum::http::{HeaderValue, header};
use axum::response::Response;

use self::escaped::Escaped;
use super::answer::text;

pub(super) use self::entries::Entries;
pub(super) use self::overview::Overview;

/// The style of all pages.
const STYLE: &str = include_str!("page.css");
/// The script of the first page.
const SCRIPT: &str = include_str!("page.js");

/// A page may have its own style and script, and ask where it came from; nobody may frame it.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) async fn style() -> Response {
    text("text/css; charset=utf-8", STYLE.to_owned())
}

pub(super) async fn script() -> Response {
    text("text/javascript; charset=utf-8", SCRIPT.to_owned())
}

/// A whole page. `base` is what leads from its address to the first one; `more` stands in its head.
fn whole(title: &str, base: &str, more: &str, content: impl Display) -> Response {
    let (title, base) = (Escaped(title), Escaped(base));
    let page = format!(
        "<!doctype html>\n<html lang=\"en\" data-base=\"{base}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" href=\"{base}page.css\">{more}\
         </head><body>{content}</body></html>\n"
    );
    let mut response = text("text/html; charset=utf-8", page);
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    response
}

/// A table with these columns. What is `live` has a key, under which its rows are replaced.
fn table(columns: &[&str], live: Option<&str>, rows: &str) -> String {
    let heads = columns.iter().map(|column| {
        let class = if is_number(column) {
            " class=\"number\""
        } else {
            ""
        };
        format!("<th scope=\"col\"{class}>{column}</th>")
    });
    let heads: String = heads.collect();
    let none = format!(
        "<tr><td class=\"quiet\" colspan=\"{}\">There is none.</td></tr>",
        columns.len()
    );
    let rows = if rows.is_empty() { &none } else { rows };
    let live = live.map_or_else(String::new, |key| format!(" data-live=\"{key}\""));
    format!(
        "<div class=\"table\"><table><thead><tr>{heads}</tr></thead>\
         <tbody{live}>{rows}</tbody></table></div>"
    )
}

/// Whether what stands in a column is one, and goes to the right.
fn is_number(column: &str) -> bool {
    matches!(column, "entries" | "revision" | "took")
}
