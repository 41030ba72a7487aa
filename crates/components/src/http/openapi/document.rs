//! The document.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use axum::http::Method;
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::components::Components;
use super::operation::{Answer, Body, Header, Operation, Parameter, Security};
use crate::http::bind::Schema;
use crate::http::routes::parameters;
use crate::service_error::{ErrorKind, FieldPlace};

/// What a document says of all that is routed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// What it is called.
    pub title: String,
    /// Its version, which is not that of OpenAPI.
    pub version: String,
    /// What it is for, in `CommonMark`.
    pub description: Option<String>,
}

/// The methods that a document can describe (OpenAPI 3.1, 4.8.9).
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// Describes what is routed, as OpenAPI 3.1: of each route its method, its whole path in the syntax of
/// axum 0.8, and what it takes and answers.
///
/// The same routes make the same document, in whatever order they come. Hidden routes are not in it, nor
/// are those of methods that OpenAPI does not know. No two operations have one name: where one stands
/// several times, the first by its path keeps the name that it was given, and each other one has the words
/// of its path behind it.
pub fn document(
    info: Info,
    routed: impl IntoIterator<Item = (Method, String, Arc<Operation>)>,
) -> Value {
    let mut routed: Vec<_> = routed
        .into_iter()
        .map(|(method, path, operation)| (path, method.as_str().to_lowercase(), operation))
        .filter(|(_, method, operation)| !operation.hidden && METHODS.contains(&method.as_str()))
        .collect();
    routed.sort_by(|(path, method, _), (other_path, other_method, _)| {
        (path, method).cmp(&(other_path, other_method))
    });

    let mut writer = Writer::default();
    writer.reserve(&routed);
    // Its name is the same in every document.
    writer.components.reserve(&problem());
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for (path, method, operation) in &routed {
        let described = writer.operation(path, method, operation);
        let item = paths.entry(plain(path)).or_default();
        item.entry(method.clone()).or_insert(described);
    }
    let mut about = Map::new();
    about.insert("title".into(), info.title.into());
    about.insert("version".into(), info.version.into());
    if let Some(description) = info.description {
        about.insert("description".into(), description.into());
    }
    let mut document = Map::new();
    document.insert("openapi".into(), "3.1.0".into());
    document.insert("info".into(), about.into());
    document.insert("paths".into(), json!(paths));
    document.insert("components".into(), writer.components());
    document.into()
}

/// A path as OpenAPI writes it: a parameter that takes the rest is a parameter.
fn plain(path: &str) -> String {
    path.replace("{*", "{")
}

#[derive(Default)]
struct Writer {
    components: Components,
    securities: BTreeSet<Security>,
    ids: BTreeSet<String>,
    /// The names that were given to operations, and are written.
    given: BTreeSet<String>,
}

impl Writer {
    /// Takes the names that were given to operations, so that none is derived that is given elsewhere.
    fn reserve(&mut self, routed: &[(String, String, Arc<Operation>)]) {
        let given = routed.iter().filter_map(|(_, _, it)| it.id.clone());
        self.ids.extend(given);
    }

    fn operation(&mut self, path: &str, method: &str, operation: &Operation) -> Value {
        let mut written = Map::new();
        let id = match &operation.id {
            // What stands twice cannot have one name twice (OpenAPI 3.1, 4.8.10).
            Some(id) if self.given.insert(id.clone()) => id.clone(),
            Some(id) => self.unique(followed(id, path)),
            None => self.unique(followed(method, path)),
        };
        written.insert("operationId".into(), id.into());
        for (key, said) in [
            ("summary", &operation.summary),
            ("description", &operation.description),
        ] {
            if let Some(said) = said {
                written.insert(key.into(), said.clone().into());
            }
        }
        if !operation.tags.is_empty() {
            written.insert("tags".into(), operation.tags.clone().into());
        }
        if operation.deprecated {
            written.insert("deprecated".into(), true.into());
        }
        let parameters = self.parameters(path, operation);
        if !parameters.is_empty() {
            written.insert("parameters".into(), parameters.into());
        }
        if let Some(body) = &operation.body {
            written.insert("requestBody".into(), self.body(body));
        }
        let ways = self.ways(operation);
        if !ways.is_empty() {
            written.insert("security".into(), json!(ways));
        }
        written.insert("responses".into(), self.answers(operation));
        written.into()
    }

    /// The ways to show who asks: each is all that it takes (OpenAPI 3.1, 4.8.30).
    fn ways(&mut self, operation: &Operation) -> BTreeSet<BTreeMap<String, Vec<()>>> {
        let Operation {
            security, guards, ..
        } = operation;
        self.securities
            .extend(guards.iter().chain(security).cloned());
        let all = |one: Option<&Security>| {
            let shown = guards.iter().chain(one);
            shown.map(|it| (security_name(it), Vec::new())).collect()
        };
        match (security.as_slice(), guards.is_empty()) {
            ([], true) => BTreeSet::new(),
            ([], false) => BTreeSet::from([all(None)]),
            (any, _) => any.iter().map(|one| all(Some(one))).collect(),
        }
    }

    fn unique(&mut self, derived: String) -> String {
        let numbered = (2..).map(|number: u32| format!("{derived}-{number}"));
        let id = std::iter::once(derived.clone())
            .chain(numbered)
            .find(|id| !self.ids.contains(id))
            .unwrap_or(derived);
        self.ids.insert(id.clone());
        id
    }

    fn parameters(&mut self, path: &str, operation: &Operation) -> Vec<Value> {
        let mut written = Vec::new();
        let mut seen = BTreeSet::new();
        for (at, place) in parameters(path).enumerate() {
            let named = operation.parameters.iter().find(|parameter| {
                parameter.place == FieldPlace::Path && parameter.name == place.name
            });
            let in_order = operation.positions.as_ref().and_then(|all| all.get(at));
            let schema = match named.or(in_order) {
                Some(parameter) => self.components.take(&parameter.schema),
                None => json!({ "type": "string" }),
            };
            let said = place
                .rest
                .then_some("The rest of the path, slashes and all");
            written.push(parameter("path", place.name, true, schema, said));
        }
        for Parameter {
            place,
            name,
            required,
            schema,
        } in &operation.parameters
        {
            let place = match place {
                FieldPlace::Query => "query",
                // These are described elsewhere (OpenAPI 3.1, 4.8.12).
                FieldPlace::Header
                    if !["accept", "content-type", "authorization"].contains(&&**name) =>
                {
                    "header"
                }
                _ => continue,
            };
            // One that two take is one (OpenAPI 3.1, 4.8.10).
            if seen.insert((place, name.to_lowercase())) {
                let schema = self.components.take(schema);
                written.push(parameter(place, name, *required, schema, None));
            }
        }
        written
    }

    fn body(&mut self, body: &Body) -> Value {
        let content = self.content(body.schema.as_ref());
        json!({ "required": body.required, "content": { &body.content_type: content } })
    }

    fn content(&mut self, schema: Option<&Schema>) -> Value {
        match schema {
            Some(schema) => json!({ "schema": self.components.take(schema) }),
            None => json!({}),
        }
    }

    fn answers(&mut self, operation: &Operation) -> Value {
        let mut written = Map::new();
        for (
            status,
            Answer {
                description,
                contents,
                headers,
            },
        ) in &operation.answers
        {
            let mut answer = Map::new();
            answer.insert("description".into(), description.clone().into());
            let contents: Map<String, Value> = contents
                .iter()
                .map(|(content_type, schema)| (content_type.clone(), self.content(schema.as_ref())))
                .collect();
            if !contents.is_empty() {
                answer.insert("content".into(), contents.into());
            }
            if !headers.is_empty() {
                answer.insert("headers".into(), self.headers(headers));
            }
            written.insert(status.clone(), answer.into());
        }
        for kind in &operation.refusals {
            let status = kind.status().to_string();
            written.entry(status).or_insert_with(|| {
                let mut answer = self.problem(refusal(*kind));
                if let Some((name, header)) = header_of(*kind) {
                    answer["headers"] = self.headers(&BTreeMap::from([(name.into(), header)]));
                }
                answer
            });
        }
        if operation.answers.is_empty() && !operation.fails {
            // Nothing is known of it: it may answer anything.
            let open = json!({ "description": "An answer that is not described" });
            written.entry("default").or_insert(open);
        } else {
            let said = "Another error, as problem details (RFC 9457)";
            written
                .entry("default")
                .or_insert_with(|| self.problem(said));
        }
        written.into()
    }

    fn headers(&mut self, headers: &BTreeMap<String, Header>) -> Value {
        let written: Map<String, Value> = headers
            .iter()
            .map(|(name, header)| {
                let schema = self.components.take(&header.schema);
                let header = json!({
                    "description": header.description,
                    "required": header.required,
                    "schema": schema,
                });
                (name.clone(), header)
            })
            .collect();
        written.into()
    }

    fn problem(&mut self, said: &str) -> Value {
        let schema = self.components.take(&problem());
        json!({
            "description": said,
            "content": { "application/problem+json": { "schema": schema } },
        })
    }

    fn components(self) -> Value {
        let mut components = Map::new();
        let schemas = self.components.into_schemas();
        if !schemas.is_empty() {
            components.insert("schemas".into(), schemas.into());
        }
        if !self.securities.is_empty() {
            let ways: Map<String, Value> = self
                .securities
                .iter()
                .map(|security| (security_name(security), scheme(security)))
                .collect();
            components.insert("securitySchemes".into(), ways.into());
        }
        components.into()
    }
}

fn parameter(place: &str, name: &str, required: bool, schema: Value, said: Option<&str>) -> Value {
    let mut schema = schema;
    let told = schema
        .as_object_mut()
        .and_then(|schema| schema.remove("description"));
    let mut written = Map::new();
    written.insert("name".into(), name.into());
    written.insert("in".into(), place.into());
    written.insert("required".into(), required.into());
    if let Some(told) = told.or(said.map(Value::from)) {
        written.insert("description".into(), told);
    }
    written.insert("schema".into(), schema);
    written.into()
}

/// A name for an operation: its method or the name that it has elsewhere too, and the words of its path.
fn followed(before: &str, path: &str) -> String {
    let mut id = before.to_owned();
    let words = path.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    for word in words.filter(|word| !word.is_empty()) {
        let _ = write!(id, "-{word}");
    }
    id
}

fn security_name(security: &Security) -> String {
    match security {
        Security::Bearer => "bearer".into(),
        Security::Basic => "basic".into(),
        Security::Key(name) => {
            // Fewer letters may stand here than in the name of a header (OpenAPI 3.1, 4.8.7).
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            let name = name.to_lowercase();
            format!("key-{}", name.replace(|c| !plain(c), "_"))
        }
    }
}

fn scheme(security: &Security) -> Value {
    match security {
        Security::Bearer => json!({ "type": "http", "scheme": "bearer" }),
        Security::Basic => json!({ "type": "http", "scheme": "basic" }),
        Security::Key(name) => json!({ "type": "apiKey", "in": "header", "name": name }),
    }
}

/// The header that says more of an error of a kind, and is there wherever it is said to be required.
fn header_of(kind: ErrorKind) -> Option<(&'static str, Header)> {
    let (name, required, schema, description) = match kind {
        ErrorKind::Unauthenticated => {
            let said = "What to show, and for what (RFC 9110, section 11.6.1)";
            ("www-authenticate", true, json!({ "type": "string" }), said)
        }
        ErrorKind::Exhausted | ErrorKind::Unavailable => {
            let schema = json!({ "type": "integer", "minimum": 0 });
            let said = "In how many seconds to ask again";
            ("retry-after", false, schema, said)
        }
        _ => return None,
    };
    let header = Header {
        description: description.to_owned(),
        required,
        schema: Schema::plain(schema),
    };
    Some((name, header))
}

fn refusal(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Invalid => "The request cannot be read",
        ErrorKind::TooLarge => "The content is too large",
        ErrorKind::Unsupported => "The content is of another type",
        ErrorKind::Unprocessable => "The request breaks the rules given here",
        kind => kind.title(),
    }
}

/// The schema of problem details. What is not there is absent; it has no value in its place.
fn problem() -> Schema {
    let mut schema = Schema::read::<Problem>();
    let fields = schema.definitions.values_mut();
    for field in fields.filter_map(|it| it.get_mut("properties")?.as_object_mut()) {
        for part in field.values_mut().filter_map(Value::as_object_mut) {
            part.remove("default");
        }
    }
    schema
}

/// What an error is on the network (RFC 9457).
#[derive(JsonSchema)]
#[allow(dead_code, reason = "it is here for its schema alone")]
struct Problem {
    /// What kind of problem it is; `about:blank` is told by its status.
    r#type: String,
    /// The kind in words.
    title: String,
    /// The status.
    #[schemars(range(min = 400, max = 599))]
    status: u16,
    /// What happened.
    detail: String,
    /// The error's name for programs.
    #[schemars(default)]
    code: String,
    /// What is wrong with fields of the request.
    #[schemars(default)]
    errors: Vec<Field>,
    /// Facts for programs.
    #[schemars(default)]
    details: Map<String, Value>,
    /// In how many milliseconds to ask again.
    #[schemars(default)]
    retry_after_ms: u64,
    /// How to show who asks.
    #[schemars(default)]
    challenge: String,
}

/// What is wrong with one field of the request.
#[derive(JsonSchema)]
#[schemars(inline)]
#[allow(
    clippy::struct_field_names,
    reason = "its fields are named as they are sent"
)]
#[allow(dead_code, reason = "it is here for its schema alone")]
struct Field {
    /// Where the field is.
    #[schemars(extend("enum" = ["path", "query", "header", "body"]))]
    r#in: String,
    /// The name of a parameter or header, or a JSON pointer into the content (RFC 6901).
    field: String,
    /// What is wrong, and what was expected.
    message: String,
}
