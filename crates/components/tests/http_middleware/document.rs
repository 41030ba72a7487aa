//! `docs/middleware.md` tells every type and every setting, as they are.
//!
//! `UPDATE_EXPECT=1` writes its tables again.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use byname_components::App;
use schemars::generate::SchemaSettings;
use serde_json::Value;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/middleware.md");

/// The table of each type's settings, from their schema.
async fn tables() -> BTreeMap<String, String> {
    let running = App::from_text("").start().await.unwrap();
    let factories = running.registries().middleware.factories().snapshot();
    let mut tables = BTreeMap::new();
    for (name, entry) in factories.entries() {
        let mut generator = SchemaSettings::draft2020_12().into_generator();
        let schema = entry.value().unwrap().schema(&mut generator);
        let of = Definitions(generator.take_definitions(true));
        let mut rows = String::new();
        of.rows("", schema.as_value(), &Value::Null, &mut rows);
        let table = if rows.is_empty() {
            "It has no settings.\n".to_owned()
        } else {
            format!("| setting | form | default | what |\n|---|---|---|---|\n{rows}")
        };
        tables.insert(name.to_owned(), table);
    }
    running.stop().await.unwrap();
    tables
}

struct Definitions(serde_json::Map<String, Value>);

impl Definitions {
    /// What a schema refers to, and under which name.
    fn resolved<'a>(&'a self, schema: &'a Value) -> (&'a str, &'a Value) {
        let to_null = |schema: &&Value| schema["type"] == "null";
        if let Some(any) = schema["anyOf"].as_array() {
            let some = any.iter().find(|schema| !to_null(schema)).unwrap();
            return self.resolved(some);
        }
        match schema["$ref"].as_str() {
            Some(path) => {
                let name = path.rsplit('/').next().unwrap();
                (name, &self.0[name])
            }
            None => ("", schema),
        }
    }

    fn rows(&self, above: &str, schema: &Value, default: &Value, rows: &mut String) {
        let (_, schema) = self.resolved(schema);
        let properties = schema["properties"].as_object();
        let required = schema["required"].as_array();
        let is_required = |key: &str| required.is_some_and(|all| all.iter().any(|one| one == key));
        for (key, property) in properties.into_iter().flatten() {
            let path = format!("{above}{key}");
            let default = if property["default"].is_null() {
                &default[key]
            } else {
                &property["default"]
            };
            let (name, resolved) = self.resolved(property);
            if resolved["properties"].is_object() {
                self.rows(&format!("{path}."), resolved, default, rows);
                continue;
            }
            let told = property["description"]
                .as_str()
                .or(resolved["description"].as_str());
            let mut what = told.expect("it is described").replace('\n', " ");
            let values = values_of(resolved);
            for (value, told) in &values {
                let _ = write!(what, "<br>`{value}`: {}", told.replace('\n', " "));
            }
            let form = match name {
                "Duration" => "time, as `30s`".into(),
                "Bytes" => "size, as `10MiB`".into(),
                _ if !values.is_empty() => "one of these".into(),
                _ => self.form(resolved),
            };
            let default = match default {
                Value::Null if is_required(key) => "has to be said".into(),
                default => written(default),
            };
            let _ = writeln!(rows, "| `{path}` | {form} | {default} | {what} |");
        }
    }

    fn form(&self, schema: &Value) -> String {
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds[0].as_str(),
            kind => kind.as_str(),
        };
        match kind.unwrap() {
            "array" => {
                let (_, items) = self.resolved(&schema["items"]);
                let values = values_of(items);
                if values.is_empty() {
                    return "list of texts".into();
                }
                let values: Vec<_> = values
                    .iter()
                    .map(|(value, _)| format!("`{value}`"))
                    .collect();
                format!("list of {}", values.join(", "))
            }
            "object" => {
                let (name, _) = self.resolved(&schema["additionalProperties"]);
                if name == "Duration" {
                    "map to times".into()
                } else {
                    "map to texts".into()
                }
            }
            "string" => "text".into(),
            "integer" => "number".into(),
            "boolean" => "`true`, `false`".into(),
            other => panic!("{other}"),
        }
    }
}

/// The values that there are, with what is told of each.
fn values_of(schema: &Value) -> Vec<(&str, &str)> {
    let all = schema["oneOf"].as_array().into_iter().flatten();
    all.filter_map(|one| Some((one["const"].as_str()?, one["description"].as_str()?)))
        .collect()
}

/// A default as a file would have it.
fn written(default: &Value) -> String {
    match default {
        Value::Null => "none".into(),
        Value::String(text) => format!("`{text}`"),
        Value::Array(all) if all.is_empty() => "`[]`".into(),
        Value::Array(all) => all.iter().map(written).collect::<Vec<_>>().join(", "),
        Value::Object(all) if all.is_empty() => "`{}`".into(),
        other => format!("`{other}`"),
    }
}

#[tokio::test]
async fn the_document_tells_every_type_and_setting_as_it_is() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let mut written = page.clone();
    let tables = tables().await;
    for (name, table) in &tables {
        let (begin, end) = (format!("<!-- settings of {name} -->\n"), "<!-- end -->\n");
        let (before, rest) = written
            .split_once(&begin)
            .unwrap_or_else(|| panic!("`{name}` is not told"));
        assert!(
            before.contains(&format!("## `{name}`\n")),
            "`{name}` has no heading"
        );
        let (_, after) = rest.split_once(end).unwrap();
        written = format!("{before}{begin}{table}{end}{after}");
    }
    let told = page.matches("<!-- settings of ").count();
    assert_eq!(told, tables.len(), "something is told that is not there");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(PAGE, written).unwrap();
        return;
    }
    assert!(
        page == written,
        "run with UPDATE_EXPECT=1: the document should be\n{written}"
    );
}
