//! The schema of the file and the check of the application agree on the settings of middleware.

use std::collections::BTreeSet;

use byname_components::config::{Path, Source, parse, read_node};
use byname_components::{App, Severity};
use serde_json::Value;

const DOCUMENT: &str = include_str!("../../../../docs/middleware.md");

/// What is wrong for each type: a value of one of its settings.
const WRONG: [(&str, &str); 15] = [
    ("access-log", "{ level: loud }"),
    ("api-key", "{ keys: { reload: often } }"),
    ("bearer-auth", "{ file: /run/secrets/tokens }"),
    ("body-limit", "{ max: 10 }"),
    ("cache-control", "{ scope: everybody }"),
    ("compression", "{ codings: [brotli] }"),
    ("cors", "{ origins: https://app.example }"),
    ("headers", "{ set: [x] }"),
    ("rate-limit", "{ requests: many }"),
    ("recover", "{ from: panics }"),
    ("request-id", "{ trust: sometimes }"),
    ("security-headers", "{ overwrite: 3 }"),
    ("slow-log", "{ routes: { /a: 3 } }"),
    ("timeout", "{ within: 30 }"),
    ("trace", "{ proxies: { header: x-real-ip } }"),
];

fn json(file: &str) -> Value {
    let node = parse(file, &Source::Code("a test".into())).unwrap();
    read_node(&node, &Path::root(), "a file").unwrap().value
}

/// Where the schema refuses a file, if it does.
fn refused(schema: &jsonschema::Validator, file: &str) -> Vec<String> {
    let file = json(file);
    let errors = schema.iter_errors(&file);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn schema() -> jsonschema::Validator {
    jsonschema::draft202012::new(&App::from_text("").schema()).unwrap()
}

/// What the check says is wrong with a file.
fn checked(file: &str) -> Vec<String> {
    let problems = App::from_text(file).check();
    let errors = problems
        .iter()
        .filter(|one| one.severity() == Severity::Error);
    errors.map(ToString::to_string).collect()
}

#[test]
fn a_wrong_setting_is_refused_by_the_schema_and_by_the_check() {
    let schema = schema();
    for (of, settings) in WRONG {
        for settings in [settings, "{ zzz: 1 }", "[]"] {
            let by_name = format!("middleware: {{ {of}: {{ settings: {settings} }} }}");
            let by_type = format!("middleware: {{ one: {{ type: {of}, settings: {settings} }} }}");
            for file in [by_name, by_type] {
                let told = refused(&schema, &file);
                assert!(
                    told.iter().any(|told| told.contains("/middleware/")),
                    "{file}: {told:?}"
                );
                assert!(!checked(&file).is_empty(), "{file}");
            }
        }
    }
}

#[test]
fn every_type_has_a_wrong_setting_among_those() {
    let told: BTreeSet<&str> = DOCUMENT
        .lines()
        .filter_map(|line| line.strip_prefix("<!-- settings of ")?.strip_suffix(" -->"))
        .collect();
    assert_eq!(
        WRONG.map(|(of, _)| of).into_iter().collect::<BTreeSet<_>>(),
        told
    );
}

/// What nothing can be made without was wanted by the check alone.
#[test]
fn what_nothing_can_be_made_without_is_wanted_by_the_schema_and_by_the_check() {
    let schema = schema();
    for file in [
        "middleware: { cors: }",
        "middleware: { cors: { settings: {} } }",
        "middleware: { cors: { settings: { origins: [] } } }",
        "middleware: { one: { type: cors, settings: { credentials: true } } }",
        "middleware: { api-key: {} }",
        "middleware: { api-key: { settings: { header: x-key } } }",
        "middleware: { bearer-auth: { settings: {} } }",
    ] {
        assert!(!refused(&schema, file).is_empty(), "{file}");
        assert_eq!(checked(file).len(), 1, "{file}: {:?}", checked(file));
    }
}

/// A setting that may be left out may be null as well, to the schema and to whoever reads it.
#[test]
fn null_is_a_setting_that_is_left_out_wherever_the_schema_says_so() {
    let schema = schema();
    for (settings, may) in [
        ("timeout: { settings: { within: 5s, header: null } }", true),
        ("timeout: { settings: { within: 5s, header: } }", true),
        ("timeout: { settings: { within: null } }", false),
        (
            "cache-control: { settings: { max-age: 1h, scope: null } }",
            true,
        ),
        (
            "cache-control: { settings: { max-age: 1h, overwrite: null } }",
            false,
        ),
        (
            "api-key: { settings: { keys: { given: ['a:b'], file: null } } }",
            true,
        ),
        (
            "api-key: { settings: { keys: { given: null, variable: X } } }",
            false,
        ),
        ("recover: null", true),
        (
            "cors: { settings: { origins: ['*'], expose: null } }",
            false,
        ),
    ] {
        let file = format!("middleware: {{ {settings} }}");
        assert_eq!(refused(&schema, &file).is_empty(), may, "{file}");
        assert_eq!(checked(&file).is_empty(), may, "{file}");
    }
}

#[test]
fn what_is_right_is_taken_by_the_schema_and_by_the_check() {
    let blocks = DOCUMENT.split("```yaml\n").skip(1);
    let mut files: Vec<&str> = blocks
        .map(|block| block.split("```").next().unwrap())
        .collect();
    assert!(!files.is_empty());
    files.extend([
        "middleware: { recover: }",
        "middleware: { recover: { settings: {} } }",
        "middleware: { cors: { settings: { origins: [https://app.example] } } }",
        "middleware: { slow: { type: slow-log, settings: { routes: { /a: 3s }, level: debug } } }",
        "middleware: { timeout: { settings: { within: '${WITHIN:5s}' } } }",
        "middleware: { access-log: { settings: { level: '${LEVEL:warn}' } } }",
        "middleware: { rate-limit: { settings: { requests: '${MANY:5}', by: '${BY:all}' } } }",
        "middleware: { one: { type: '${KIND:recover}' } }",
    ]);
    let schema = schema();
    for file in files {
        assert_eq!(refused(&schema, file), Vec::<String>::new(), "{file}");
        assert_eq!(checked(file), Vec::<String>::new(), "{file}");
    }
}

#[test]
fn a_type_that_is_not_there_is_refused_by_the_schema_and_by_the_check() {
    let schema = schema();
    for file in [
        "middleware: { one: { type: rate-limits } }",
        "middleware: { rate-limits: {} }",
        "middleware: { recover: { setting: {} } }",
    ] {
        assert_eq!(refused(&schema, file).len(), 1, "{file}");
        assert_eq!(checked(file).len(), 1, "{file}");
    }
}
