//! A graph as text, for people and for programs that draw.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::{Edge, Graph, Service};
use crate::need::NeedKind;

/// How a [`Graph`] is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// One line a service, its needs indented below.
    Text,
    /// The language of Graphviz.
    Dot,
    /// The language of Mermaid flowcharts.
    Mermaid,
    /// An object with `services`, each with `name`, `factory`, `type`, `place`, `lazy`, `state` and
    /// `needs`.
    Json,
}

#[derive(Serialize)]
struct Drawn<'g> {
    services: Vec<DrawnService<'g>>,
}

#[derive(Serialize)]
struct DrawnService<'g> {
    name: &'g str,
    #[serde(skip_serializing_if = "Option::is_none")]
    factory: Option<&'g str>,
    #[serde(rename = "type")]
    of: &'static str,
    place: String,
    lazy: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'g str>,
    needs: Vec<DrawnNeed<'g>>,
}

#[derive(Serialize)]
struct DrawnNeed<'g> {
    service: &'g str,
    kind: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'g str,
}

fn word(kind: NeedKind) -> &'static str {
    match kind {
        NeedKind::Required => "required",
        NeedKind::Optional => "optional",
        NeedKind::All => "all",
        NeedKind::Lazy => "lazy",
        NeedKind::Value => "value",
        NeedKind::Context => "context",
    }
}

impl Graph {
    /// Writes the graph, with the state of each service where `states` has one.
    #[must_use]
    pub fn write(&self, format: Format, states: &BTreeMap<String, String>) -> String {
        let state = |service: &Service| states.get(service.name()).map(String::as_str);
        match format {
            Format::Text => self.text(state),
            Format::Dot => self.dot(state),
            Format::Mermaid => self.mermaid(state),
            Format::Json => self.json(state),
        }
    }

    fn text<'s>(&self, state: impl Fn(&Service) -> Option<&'s str>) -> String {
        let mut text = String::new();
        for service in self.services() {
            let _ = write!(text, "{}", service.name());
            if let Some(factory) = service.factory().filter(|name| *name != service.name()) {
                let _ = write!(text, " ({factory})");
            }
            if service.is_lazy() {
                text.push_str(", lazy");
            }
            if let Some(state) = state(service) {
                let _ = write!(text, ": {state}");
            }
            text.push('\n');
            for (edge, to) in self.needs(service) {
                let _ = write!(text, "  {} {}", edge.kind(), to.name());
                if edge.need() != to.name() && !edge.need().is_empty() {
                    let _ = write!(text, " as {}", edge.need());
                }
                text.push('\n');
            }
        }
        text
    }

    fn dot<'s>(&self, state: impl Fn(&Service) -> Option<&'s str>) -> String {
        let mut text = "digraph services {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
        for service in self.services() {
            let label = label(service, state(service), "\\n");
            let style = if service.is_lazy() {
                ", style=dashed"
            } else {
                ""
            };
            let _ = writeln!(
                text,
                "  {} [label={}{style}];",
                quoted(service.name()),
                quoted_label(&label)
            );
        }
        for service in self.services() {
            for (edge, to) in self.needs(service) {
                let style = dot_style(edge);
                let _ = writeln!(
                    text,
                    "  {} -> {}{style};",
                    quoted(service.name()),
                    quoted(to.name())
                );
            }
        }
        text.push_str("}\n");
        text
    }

    fn mermaid<'s>(&self, state: impl Fn(&Service) -> Option<&'s str>) -> String {
        let mut text = "flowchart LR\n".to_owned();
        let number: BTreeMap<&str, usize> = self
            .services()
            .enumerate()
            .map(|(at, service)| (service.name(), at))
            .collect();
        for service in self.services() {
            let label = label(service, state(service), "<br>").replace('"', "#quot;");
            let _ = writeln!(text, "  n{}[\"{label}\"]", number[service.name()]);
        }
        for service in self.services() {
            for (edge, to) in self.needs(service) {
                let arrow = match edge.kind() {
                    NeedKind::Required | NeedKind::All => "-->",
                    _ => "-.->",
                };
                let _ = writeln!(
                    text,
                    "  n{} {arrow} n{}",
                    number[service.name()],
                    number[to.name()]
                );
            }
        }
        text
    }

    fn json<'s>(&self, state: impl Fn(&Service) -> Option<&'s str>) -> String {
        let drawn = Drawn {
            services: self
                .services()
                .map(|service| DrawnService {
                    name: service.name(),
                    factory: service.factory(),
                    of: service.type_name(),
                    place: service.place().to_string(),
                    lazy: service.is_lazy(),
                    state: state(service),
                    needs: self
                        .needs(service)
                        .map(|(edge, to)| DrawnNeed {
                            service: to.name(),
                            kind: word(edge.kind()),
                            name: edge.need(),
                        })
                        .collect(),
                })
                .collect(),
        };
        // Text and booleans only: nothing that could not be written.
        let mut text = serde_json::to_string_pretty(&drawn).unwrap_or_default();
        text.push('\n');
        text
    }
}

fn label(service: &Service, state: Option<&str>, line: &str) -> String {
    let mut label = service.name().to_owned();
    if let Some(factory) = service.factory().filter(|name| *name != service.name()) {
        let _ = write!(label, "{line}{factory}");
    }
    if let Some(state) = state {
        let _ = write!(label, "{line}{state}");
    }
    label
}

fn dot_style(edge: &Edge) -> &'static str {
    match edge.kind() {
        NeedKind::Required => "",
        NeedKind::All => " [color=gray]",
        NeedKind::Lazy => " [style=dotted]",
        _ => " [style=dashed]",
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// As [`quoted`], where a line break is written as two characters already.
fn quoted_label(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\\\""))
}
