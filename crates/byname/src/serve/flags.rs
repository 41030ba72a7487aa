//! The options of `byname serve` that stand for settings of services.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use byname_components::config::{Layers, Map, Node, Path as Keys, units};

use super::{CATALOG, MACHINES};
use crate::app::of_type;
use crate::cli::ServeArguments;
use crate::failure::Failure;

/// A setting, and the option that stands for it.
struct Flag {
    option: &'static str,
    of: Of,
    setting: &'static [&'static str],
    /// As `--set` takes it.
    value: String,
    /// Whether it was a variable of the environment that said it: it is not meant for this file alone,
    /// which may have nothing that it could be said of.
    is_ambient: bool,
}

/// Whose setting it is.
#[derive(Clone, Copy)]
enum Of {
    /// All services of a type.
    Services(&'static str),
    /// The listener of this name of every server; where there is only one listener, that is the public
    /// one.
    Listeners(&'static str),
}

/// The listener whose address an option can say.
const PUBLIC: &str = "public";

/// Lays what the options say over everything else.
pub(super) fn over(layers: Layers, arguments: &ServeArguments) -> Result<Layers, Failure> {
    let flags = flags(arguments)?;
    if flags.is_empty() {
        return Ok(layers);
    }
    let config = layers.load().map_err(|problems| Failure::told(&problems))?;
    let mut layers = layers;
    for flag in flags {
        let paths = flag.of.paths(config.root());
        if paths.is_empty() && !flag.is_ambient {
            return Err(Failure::new(format!(
                "{} sets `{}` of {}, and the file has none",
                flag.option,
                flag.setting.join("."),
                flag.of
            )));
        }
        for path in paths {
            let path = flag.setting.iter().fold(path, |path, key| path.key(*key));
            layers = layers.set(format!("{path}={}", flag.value));
        }
    }
    Ok(layers)
}

impl Of {
    /// Where the settings are of all whose they are.
    fn paths(self, root: &Node) -> Vec<Keys> {
        match self {
            Self::Services(factory) => of_type(root, factory)
                .into_iter()
                .map(|name| Keys::root().key("services").key(name).key("settings"))
                .collect(),
            Self::Listeners(name) => {
                let all = listeners(root);
                let named: Vec<Keys> = all
                    .iter()
                    .filter(|(of, _)| **of == *name)
                    .map(|(_, path)| path.clone())
                    .collect();
                match (&named[..], &all[..]) {
                    ([], [(_, only)]) if name == PUBLIC => vec![only.clone()],
                    _ => named,
                }
            }
        }
    }
}

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Services(factory) => write!(f, "services of type `{factory}`"),
            Self::Listeners(name) => write!(f, "the listener `{name}`"),
        }
    }
}

/// The listeners of all servers, by name, and where they are.
fn listeners(root: &Node) -> Vec<(Arc<str>, Keys)> {
    let under = |node: &Node, path: Keys, key: &str| -> Vec<(Arc<str>, Keys, Node)> {
        let path = path.key(key);
        let map = node.get(key).and_then(Node::as_map);
        map.into_iter()
            .flat_map(Map::iter)
            .map(|(key, node)| (key.name.clone(), path.key(key.name.clone()), node.clone()))
            .collect()
    };
    let deployments = under(root, Keys::root(), "deployments");
    let mut servers = under(root, Keys::root(), "servers");
    for (_, path, node) in &deployments {
        servers.extend(under(node, path.clone(), "servers"));
    }
    servers
        .into_iter()
        .flat_map(|(_, path, node)| under(&node, path, "listeners"))
        .map(|(name, path, _)| (name, path))
        .collect()
}

fn flags(arguments: &ServeArguments) -> Result<Vec<Flag>, Failure> {
    let flag = |option, of, setting, value| Flag {
        option,
        of,
        setting,
        value,
        is_ambient: false,
    };
    let mut flags = Vec::new();
    let files = &arguments.data.catalog;
    if !files.is_empty() {
        let files: Vec<&str> = files
            .iter()
            .map(|file| utf8("--catalog", file))
            .collect::<Result<_, _>>()?;
        // A list of texts in JSON is one in YAML.
        let files = serde_json::Value::from(files).to_string();
        flags.push(flag("--catalog", Of::Services(CATALOG), &["files"], files));
    }
    if let Some(folder) = &arguments.folder.data {
        let text = utf8("--data", folder)?;
        // What `--set` would take for something else than a text is a text behind `./`.
        let is_other = text.starts_with(['[', '{']) || matches!(text, "~" | "null" | "");
        let text = if is_other {
            format!("./{text}")
        } else {
            text.to_owned()
        };
        let is_ambient = std::env::var_os("BYNAME_DATA").is_some_and(|data| data == **folder);
        flags.push(Flag {
            is_ambient,
            ..flag("--data", Of::Services(MACHINES), &["folder"], text)
        });
    }
    if arguments.folder.allow_network {
        let value = "true".to_owned();
        flags.push(flag(
            "--allow-network",
            Of::Services(MACHINES),
            &["allow-network"],
            value,
        ));
    }
    if let Some(poll) = arguments.poll {
        // It counts for whoever follows files: one of the two is enough.
        flags.push(flag("--poll", Of::Services(CATALOG), &["poll"], span(poll)));
        flags.push(flag(
            "--poll",
            Of::Services(MACHINES),
            &["poll"],
            span(poll),
        ));
    }
    let public = Of::Listeners(PUBLIC);
    if let Some(listen) = arguments.listen {
        flags.push(flag("--listen", public, &["address"], listen.to_string()));
    }
    if let Some(admin) = arguments.admin {
        let of = Of::Listeners("admin");
        flags.push(flag("--admin", of, &["address"], admin.to_string()));
    }
    if let Some(drain) = arguments.drain {
        flags.push(flag("--drain", public, &["timeouts", "drain"], span(drain)));
    }
    if let Some(connections) = arguments.max_connections {
        let value = connections.to_string();
        flags.push(flag(
            "--max-connections",
            public,
            &["limits", "connections"],
            value,
        ));
    }
    Ok(flags)
}

fn span(span: Duration) -> String {
    units::Duration::from(span).to_string()
}

fn utf8<'a>(option: &str, path: &'a Path) -> Result<&'a str, Failure> {
    path.to_str().ok_or_else(|| {
        Failure::new(format!(
            "{option} {}: the path is not UTF-8, which a configuration must be",
            path.display()
        ))
    })
}
