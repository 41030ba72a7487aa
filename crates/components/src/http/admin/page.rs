//! A page for people: it needs no script, and nothing from elsewhere.

use std::fmt::Write as _;

use axum::http::{HeaderValue, header};
use axum::response::Response;

use super::answer::text;
use super::listed::Listed;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:50rem;\
padding:0 1rem;color-scheme:light dark}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8886}\
.n{text-align:right;font-variant-numeric:tabular-nums}";

const PAGES: [(&str, &str); 8] = [
    ("health", "health"),
    ("graph?format=text", "graph"),
    ("graph?format=mermaid", "graph for Mermaid"),
    ("graph?format=dot", "graph for Graphviz"),
    ("config", "configuration"),
    ("metrics", "metrics"),
    ("changes", "changes"),
    ("registries", "registries as JSON"),
];

/// The registries, with links to everything. `base` is what leads from the address of the page to the
/// others.
pub(super) fn page(base: &str, listed: &[Listed], state: &str) -> Response {
    let base = escaped(base);
    let mut html = String::new();
    let _ = write!(
        html,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Registries</title>\
         <style>{STYLE}</style></head><body><h1>Registries</h1><p>{}</p><table><thead><tr>\
         <th>name</th><th>holds</th><th class=\"n\">entries</th><th class=\"n\">revision</th>\
         </tr></thead><tbody>",
        escaped(state)
    );
    for listed in listed {
        let name = listed.name();
        let link = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        let _ = write!(
            html,
            "<tr><td><a href=\"{base}registries/{link}\">{}</a></td><td>{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            escaped(name),
            escaped(listed.kind()),
            listed.len(),
            listed.revision()
        );
    }
    html.push_str("</tbody></table><ul>");
    for (link, called) in PAGES {
        let _ = write!(html, "<li><a href=\"{base}{link}\">{called}</a></li>");
    }
    html.push_str("</ul></body></html>\n");
    let mut response = text("text/html; charset=utf-8", html);
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                  form-action 'none'; frame-ancestors 'none'";
    let policy = HeaderValue::from_static(policy);
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
