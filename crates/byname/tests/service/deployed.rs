//! What a file says of who publishes what: checked before anything is built, and never decided by chance.

use std::sync::Arc;

use byname::service::{Convention, Location, Method, Resource, Route};
use byname::{App, BoxError, Registrar, ServiceError, need};

#[byname::service]
trait Names {
    /// Finds a name.
    async fn get_name(&self, id: String) -> Result<String, ServiceError>;
    /// Tells how often it was asked.
    async fn count_asked(&self) -> Result<u64, ServiceError>;
}

/// Says who it is, so that a test sees who was asked.
struct Named(&'static str);

#[byname::service]
impl Names for Named {
    async fn get_name(&self, id: String) -> Result<String, ServiceError> {
        Ok(format!("{id} by {}", self.0))
    }

    async fn count_asked(&self) -> Result<u64, ServiceError> {
        Ok(0)
    }
}

/// Something that needs names.
struct Asking(Arc<dyn Names>);

/// A rule of a user's own.
#[derive(Debug)]
struct Shouting;

impl Convention for Shouting {
    fn route(&self, resource: &Resource, method: &Method) -> Result<Route, String> {
        let name = method.name().to_uppercase();
        let route = Route::new(http_post(), format!("/{}/{name}", resource.plural()));
        let arguments = method.arguments().iter();
        Ok(arguments.fold(route, |route, one| {
            route.with(one.name(), Location::Field(one.name().to_owned()))
        }))
    }
}

fn http_post() -> axum::http::Method {
    axum::http::Method::POST
}

fn module(registrar: &mut Registrar<'_>) {
    registrar.interface::<dyn Names>();
    registrar.convention("shouting", Shouting);
    registrar.factory("names", (), |(): ()| async {
        let names: Arc<dyn Names> = Arc::new(Named("the object itself"));
        Ok::<_, BoxError>(names)
    });
    registrar.factory("asking", (need("names"),), |(): (), names| async {
        Ok::<_, BoxError>(Arc::new(Asking(names)))
    });
    registrar.factory("plain", (), |(): ()| async {
        Ok::<_, BoxError>(Arc::new(7_u8))
    });
}

fn app(file: &str) -> App {
    App::from_text(file).register(module)
}

/// The errors of a file, when this server of it is looked at, say all of this.
#[track_caller]
fn tells(file: &str, server: &str, words: &[&str]) {
    let told = app(file).server(server).check();
    assert!(told.is_fatal(), "nothing is wrong: {told}");
    for word in words {
        assert!(
            told.to_string().contains(word),
            "`{word}` is not in:\n{told}"
        );
    }
}

const REST: &str = "publish: { methods: { count_asked: { verb: GET, path: /asked } } }";

fn apart(of_far: &str) -> String {
    format!(
        "
services: {{ names: {{ {REST} }}, asking: {{}} }}
deployments:
  d:
    servers:
      far: {{ {of_far} }}
      near: {{ services: [asking] }}
"
    )
}

#[test]
fn a_method_that_maps_to_no_route_is_an_error() {
    tells(
        "
services: { names: {} }
servers: { main: { publish: [names] } }
",
        "main",
        &["count_asked", "the application:3:"],
    );
}

#[test]
fn what_is_published_must_be_known() {
    let of = |server: &str| {
        format!(
            "services: {{ names: {{ {REST} }}, plain: {{}} }}\nservers: {{ main: {{ {server} }} }}"
        )
    };
    tells(
        &of("publish: [nmes]"),
        "main",
        &["service `nmes` is published, and not defined", "`names`"],
    );
    tells(
        &of("publish: [plain]"),
        "main",
        &["service `plain` cannot be published", "u8", "interface"],
    );
    tells(
        "services: { names: { publish: { convention: rset } } }\nservers: { main: { publish: [names] } }",
        "main",
        &["there is no convention `rset`", "did you mean `rest`"],
    );
    tells(
        "services: { names: { publish: { methods: { get_nam: { hidden: true } } } } }\nservers: { main: { publish: [names] } }",
        "main",
        &["get_nam"],
    );
}

#[test]
fn two_methods_on_one_route_are_an_error() {
    tells(
        "services: { names: { publish: { methods: { count_asked: { verb: GET, path: '/names/{id}' } } } } }\nservers: { main: { publish: [names] } }",
        "main",
        &["count_asked"],
    );
    tells(
        "services: { names: { publish: { methods: { count_asked: { verb: GET, path: /names/x }, get_name: { verb: GET, path: /names/x } } } } }\nservers: { main: { publish: [names] } }",
        "main",
        &["count_asked", "get_name"],
    );
}

#[test]
fn two_publishers_without_a_rule_are_an_error_and_a_rule_chooses() {
    let file = |rule: &str| {
        format!(
            "
services: {{ names: {{ {REST} }}, asking: {{}} }}
deployments:
  d:
    servers:
      one: {{ url: 'http://127.0.0.1:1', publish: [names] }}
      two: {{ url: 'http://127.0.0.1:2', publish: [names] }}
      near: {{ services: [asking] }}
{rule}
"
        )
    };
    tells(
        &file(""),
        "d.near",
        &[
            "`names` is published by 2 servers, `d.one` and `d.two`",
            "the application:6:",
            "the application:7:",
        ],
    );
    let told = app(&file("clients: { names: { server: d.two } }"))
        .server("d.near")
        .check();
    assert_eq!(told.errors(), 0, "{told}");
    // Each of the two has its own, whatever the others use.
    let told = app(&file("")).server("d.one").check();
    assert_eq!(told.errors(), 0, "{told}");
}

#[test]
fn who_needs_a_service_must_be_told_where_it_is() {
    tells(
        &apart("publish: [names]"),
        "d.near",
        &[
            "nothing says where service `names` is reached",
            "give the server a `url`",
        ],
    );
    // Who does not need it does not have to know.
    let told = app(&apart("publish: [names]")).server("d.far").check();
    assert_eq!(told.errors(), 0, "{told}");
}

/// Go registered every service of the file as a local one before it looked at who publishes it: a service
/// of another server was silently run in this process.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_of_another_server_never_runs_here() {
    // Nobody listens there.
    let file = apart("url: 'http://127.0.0.1:1', publish: [names]");
    let near = app(&file).server("d.near").start().await.unwrap();
    let asking = near.service::<Asking>("asking").await.unwrap();
    let error = asking.0.get_name("a".to_owned()).await.unwrap_err();
    assert_eq!(error.kind(), byname::ErrorKind::Unavailable, "{error}");
    near.stop().await.unwrap();
    // A server that lists it asks for one of its own.
    let listed = file.replace("services: [asking]", "services: [asking, names]");
    let near = app(&listed).server("d.near").start().await.unwrap();
    let asking = near.service::<Asking>("asking").await.unwrap();
    let found = asking.0.get_name("a".to_owned()).await.unwrap();
    assert_eq!(found, "a by the object itself");
    near.stop().await.unwrap();
}

/// Conventions that users registered were never asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_convention_of_a_user_is_asked_by_server_and_client() {
    let file = "
services: { names: { publish: { convention: shouting } }, asking: {} }
deployments:
  d:
    servers:
      far: { url: 'http://URL', publish: [names], listeners: { one: { address: 127.0.0.1:0 } } }
      near: { services: [asking] }
";
    let far = app(file).server("d.far").start().await.unwrap();
    let name = "deployments.d.servers.far.listeners.one";
    let server = far.service::<byname::http::Server>(name).await.unwrap();
    let address = server.address().unwrap().tcp().unwrap();
    let json = [("content-type", "application/json")];
    let answer =
        byname_testkit::http::ask(address, "POST", "/names/GET_NAME", &json, br#"{"id":"a"}"#);
    assert_eq!(
        (answer.status, answer.text()),
        (200, r#""a by the object itself""#)
    );
    let near = app(&file.replace("URL", &address.to_string()));
    let near = near.server("d.near").start().await.unwrap();
    let asking = near.service::<Asking>("asking").await.unwrap();
    assert_eq!(
        asking.0.get_name("/".to_owned()).await.unwrap(),
        "/ by the object itself"
    );
    near.stop().await.unwrap();
    far.stop().await.unwrap();
}
