//! The options of `byname serve` that stand for settings of services.

use std::path::Path;
use std::time::Duration;

use byname_components::config::{Layers, Path as Keys, units};

use super::{CATALOG, HTTP, MACHINES};
use crate::app::of_type;
use crate::cli::ServeArguments;
use crate::failure::Failure;

/// A setting of all services of a type, and the option that stands for it.
struct Flag {
    option: &'static str,
    factory: &'static str,
    setting: &'static str,
    /// As `--set` takes it.
    value: String,
    /// Whether it was a variable of the environment that said it: it is not meant for this file alone,
    /// which may have nothing that it could be said of.
    is_ambient: bool,
}

/// Lays what the options say over everything else.
pub(super) fn over(layers: Layers, arguments: &ServeArguments) -> Result<Layers, Failure> {
    let flags = flags(arguments)?;
    if flags.is_empty() {
        return Ok(layers);
    }
    let config = layers.load().map_err(|problems| Failure::told(&problems))?;
    let mut layers = layers;
    for flag in flags {
        let services = of_type(config.root(), flag.factory);
        if services.is_empty() && !flag.is_ambient {
            return Err(Failure::new(format!(
                "{} sets `{}` of services of type `{}`, and the file has none",
                flag.option, flag.setting, flag.factory
            )));
        }
        for service in services {
            let path = Keys::root()
                .key("services")
                .key(service)
                .key("settings")
                .key(flag.setting);
            layers = layers.set(format!("{path}={}", flag.value));
        }
    }
    Ok(layers)
}

fn flags(arguments: &ServeArguments) -> Result<Vec<Flag>, Failure> {
    let flag = |option, factory, setting, value| Flag {
        option,
        factory,
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
        flags.push(flag("--catalog", CATALOG, "files", files));
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
            ..flag("--data", MACHINES, "folder", text)
        });
    }
    if arguments.folder.allow_network {
        let value = "true".to_owned();
        flags.push(flag("--allow-network", MACHINES, "allow-network", value));
    }
    if let Some(poll) = arguments.poll {
        // It counts for whoever follows files: one of the two is enough.
        flags.push(flag("--poll", CATALOG, "poll", span(poll)));
        flags.push(flag("--poll", MACHINES, "poll", span(poll)));
    }
    if let Some(listen) = arguments.listen {
        flags.push(flag("--listen", HTTP, "listen", listen.to_string()));
    }
    if let Some(drain) = arguments.drain {
        flags.push(flag("--drain", HTTP, "drain", span(drain)));
    }
    if let Some(connections) = arguments.max_connections {
        let value = connections.to_string();
        flags.push(flag("--max-connections", HTTP, "max-connections", value));
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
