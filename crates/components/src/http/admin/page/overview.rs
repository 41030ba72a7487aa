//! The first page: what runs, how it is, what is kept, and what changed.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::escaped::Escaped;
use super::{table, whole};
use crate::graph::Graph;
use crate::health::{Look, Report};
use crate::http::admin::changes::Noted;
use crate::http::admin::listed::Listed;
use crate::running::Running;

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

/// What the page is made of.
pub(in crate::http::admin) struct Overview<'a> {
    /// What leads from the address of the page to the others.
    pub(in crate::http::admin) base: &'a str,
    pub(in crate::http::admin) app: &'a Running,
    pub(in crate::http::admin) listed: &'a [Listed],
    pub(in crate::http::admin) live: &'a Report,
    pub(in crate::http::admin) ready: &'a Report,
    /// The latest changes, in their order.
    pub(in crate::http::admin) changes: &'a [Noted],
}

impl Overview<'_> {
    pub(in crate::http::admin) fn answer(&self) -> Response {
        let config = self.app.0.config.counting();
        let name = config.and_then(|now| now.config.read::<Option<String>>("name").ok()?);
        let name = name.as_deref().unwrap_or("Application");
        let script = format!(
            "<script src=\"{}page.js\" defer></script>",
            Escaped(self.base)
        );
        let content = format!(
            "<header><h1>{}</h1><p data-live=\"state\">{}</p>{}<p id=\"live\" class=\"quiet\" role=\"status\">\
             </p></header><main>{}{}{}{}</main>",
            Escaped(name),
            self.state(),
            self.links(),
            section("health", "Health", &self.health()),
            section("registries", "Registries", &self.registries()),
            section(
                "services",
                "Services",
                &services(self.app, self.app.graph())
            ),
            section("latest", "Latest changes", &self.changes())
        );
        whole(name, self.base, &script, content)
    }

    fn state(&self) -> String {
        let server = self.app.registries().current.current();
        let server = server.map_or_else(String::new, |server| {
            format!("Server {}. ", Escaped(server))
        });
        let stopping = if self.app.is_stopping() {
            "It is stopping."
        } else {
            "It runs."
        };
        format!("{server}{stopping}")
    }

    fn links(&self) -> String {
        let links = PAGES.iter().map(|(link, called)| {
            format!(
                "<li><a href=\"{}{link}\">{called}</a></li>",
                Escaped(self.base)
            )
        });
        let links: String = links.collect();
        format!("<nav aria-label=\"What there is to read\"><ul>{links}</ul></nav>")
    }

    fn health(&self) -> String {
        let word = |passing: bool, what: &str| {
            let (class, not) = if passing {
                ("good", "")
            } else {
                ("bad", "not ")
            };
            format!("<span class=\"{class}\">{not}{what}</span>")
        };
        let live = word(self.live.is_passing(), "live");
        let ready = word(self.ready.is_passing(), "ready");
        let off = self.ready.switched_off().map_or_else(String::new, |why| {
            format!(", switched off: {}", Escaped(why))
        });
        let mut rows = String::new();
        for (report, asked) in [(self.live, "live?"), (self.ready, "ready?")] {
            for look in report.looks() {
                rows.push_str(&check(look, asked));
            }
        }
        let checks = table(&["check", "asked", "says", "took"], Some("checks"), &rows);
        format!("<p data-live=\"health\">{live} {ready}{off}</p>{checks}")
    }

    fn registries(&self) -> String {
        let mut rows = String::new();
        for listed in self.listed {
            let name = listed.name();
            let _ = write!(
                rows,
                "<tr><th scope=\"row\"><a href=\"{}registries/{}\">{name}</a></th><td>{}</td>\
                 <td class=\"number\" data-live=\"entries {name}\">{}</td>\
                 <td class=\"number\" data-live=\"revision {name}\">{}</td></tr>",
                Escaped(self.base),
                utf8_percent_encode(name, NON_ALPHANUMERIC),
                Escaped(listed.kind()),
                listed.len(),
                listed.revision(),
                name = Escaped(name),
            );
        }
        table(&["name", "holds", "entries", "revision"], None, &rows)
    }

    fn changes(&self) -> String {
        let mut rows = String::new();
        for note in self.changes.iter().rev() {
            let name: &str = &note.name;
            let _ = write!(
                rows,
                "<tr><td class=\"moment\">{}</td><td>{}</td><td class=\"name\">{}</td><td>{}</td>\
                 <td class=\"number\">{}</td></tr>",
                moment(note.at),
                Escaped(&note.registry),
                Escaped(name),
                note.happened.word(),
                note.revision
            );
        }
        let columns = ["when", "registry", "name", "what", "revision"];
        table(&columns, Some("changes"), &rows)
    }
}

fn section(id: &str, title: &str, content: &str) -> String {
    format!("<section aria-labelledby=\"{id}\"><h2 id=\"{id}\">{title}</h2>{content}</section>")
}

fn check(look: &Look, asked: &str) -> String {
    let class = if look.outcome().is_passing() {
        "good"
    } else {
        "bad"
    };
    let optional = if look.is_optional() {
        " <span class=\"quiet\">(optional)</span>"
    } else {
        ""
    };
    format!(
        "<tr><th scope=\"row\" class=\"name\">{}{optional}</th><td>{asked}</td>\
         <td><span class=\"{class}\">{}</span></td><td class=\"number\">{:.1} ms</td></tr>",
        Escaped(look.key()),
        Escaped(look.outcome()),
        look.took().as_secs_f64() * 1e3
    )
}

/// The graph: each service with its state and what it needs, after all that it needs.
fn services(app: &Running, graph: &Graph) -> String {
    let states = app.states().snapshot();
    let mut rows = String::new();
    for service in graph.services() {
        let state = states
            .get(service.name())
            .map(|state| state.stage().to_string());
        let needs: Vec<_> = graph
            .needs(service)
            .map(|(_, needed)| Escaped(needed.name()).to_string())
            .collect();
        let _ = write!(
            rows,
            "<tr><th scope=\"row\" class=\"name\">{}</th><td>{}</td><td class=\"name\">{}</td>\
             <td class=\"name\">{}</td></tr>",
            Escaped(service.name()),
            Escaped(state.unwrap_or_default()),
            Escaped(service.factory().unwrap_or("code")),
            needs.join(", ")
        );
    }
    table(
        &["service", "state", "factory", "needs"],
        Some("services"),
        &rows,
    )
}

/// The time of day, with the whole of it for those who point at it.
fn moment(at: SystemTime) -> String {
    let seconds = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    format!(
        "<time title=\"{}\">{:02}:{:02}:{:02} UTC</time>",
        httpdate::fmt_http_date(at),
        hours % 24,
        minutes % 60,
        seconds % 60
    )
}
