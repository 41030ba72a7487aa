//! What a file says of who publishes what: checked before anything is built, and never decided by chance.

use std::net::SocketAddr;
use std::sync::Arc;

use byname::service::{Convention, Location, Method, Resource, Route};
use byname::{App, BoxError, Registrar, Running, ServiceError, need};

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
        if id == "broken" {
            return Err(ServiceError::internal("something inside"));
        }
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

/// They were told at `publish:`, or at the trait alone.
#[test]
fn what_is_wrong_with_an_override_is_told_where_that_stands() {
    for (said, message, place) in [
        (
            "      methods:\n        get_nmae: { hidden: true }",
            "has no method `get_nmae`; did you mean `get_name`?",
            "5:9",
        ),
        (
            "      methods:\n        get_name: { verb: FETCH }",
            "has the verb `FETCH`",
            "5:27",
        ),
        (
            "      methods:\n        get_name: { path: names }",
            "has the path `names`",
            "5:27",
        ),
        (
            "      methods:\n        get_name: { path: '/{is}' }",
            "not one argument `is`",
            "5:27",
        ),
        (
            "      methods:\n        get_name: { verb: GET, path: /asked }",
            "are both `GET /asked`",
            "6:41",
        ),
        (
            "      prefix: api",
            "the prefix `api` does not begin",
            "4:15",
        ),
        (
            "      resource: ''",
            "the resource of the service is empty",
            "4:17",
        ),
        (
            "      plural: ''",
            "the plural of the service is empty",
            "4:15",
        ),
    ] {
        let asked = "        count_asked: { verb: GET, path: /asked }";
        let methods = if said.contains("methods:") {
            ""
        } else {
            "      methods:\n"
        };
        let file = format!(
            "services:\n  names:\n    publish:\n{said}\n{methods}{asked}\n\
             servers: {{ main: {{ publish: [names], listeners: {{ one: {{ address: 127.0.0.1:0 }} }} }} }}\n"
        );
        let told = app(&file).server("main").check();
        let problem = told.iter().find(|one| one.message().contains(message));
        let problem = problem.unwrap_or_else(|| panic!("`{message}` is not in:\n{told}"));
        let (first, _) = problem.places().next().expect("a place");
        assert_eq!(
            first.to_string(),
            format!("default of the application:{place}"),
            "{problem}"
        );
        assert_eq!(told.errors(), 1, "{told}");
    }
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
      one: {{ url: 'http://127.0.0.1:1', publish: [names], listeners: {{ it: {{ address: 127.0.0.1:0 }} }} }}
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
    let told = app(&apart(
        "publish: [names], listeners: { it: { address: 127.0.0.1:0 } }",
    ))
    .server("d.far")
    .check();
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

/// Starts the server that publishes, and returns where it answers.
async fn far(file: &str) -> (Running, SocketAddr) {
    let far = app(file).server("d.far").start().await.expect("a server");
    let name = "deployments.d.servers.far.listeners.one";
    let server = far
        .service::<byname::http::Server>(name)
        .await
        .expect("a listener");
    let address = server
        .address()
        .and_then(byname::http::listen::Bound::tcp)
        .expect("an address");
    (far, address)
}

/// Starts the server that asks.
async fn near(file: &str, address: SocketAddr) -> Running {
    let near = app(&file.replace("URL", &address.to_string()));
    near.server("d.near").start().await.expect("a server")
}

/// The breaker took errors of a service for failures of its server: whoever knew one question that it could
/// not answer took it from everybody.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_cannot_answer_keeps_nobody_from_asking_something_else() {
    let file = format!(
        "
services: {{ names: {{ {REST} }}, asking: {{}} }}
deployments:
  d:
    servers:
      far: {{ url: 'http://URL', publish: [names], listeners: {{ one: {{ address: 127.0.0.1:0 }} }} }}
      near: {{ services: [asking] }}
"
    );
    let (far, address) = far(&file).await;
    let near = near(&file, address).await;
    let asking = near.service::<Asking>("asking").await.unwrap();
    for _ in 0..100 {
        let error = asking.0.get_name("broken".to_owned()).await.unwrap_err();
        assert_eq!(error.kind(), byname::ErrorKind::Internal, "{error}");
    }
    let found = asking.0.get_name("a".to_owned()).await.unwrap();
    assert_eq!(found, "a by the object itself");
    near.stop().await.unwrap();
    far.stop().await.unwrap();
}

#[test]
fn what_is_published_is_answered_by_a_listener() {
    tells(
        &apart("url: 'http://127.0.0.1:1', publish: [names]"),
        "d.far",
        &["server `d.far` publishes `names`, and no listener of it answers for that"],
    );
    tells(
        &apart("publish: [names], listeners: { one: { address: 127.0.0.1:0, publish: false } }"),
        "d.far",
        &[
            "no listener of it answers for that",
            "this one has `publish: false`",
        ],
    );
}

/// A rule was believed even if the server that it names has no such service: that server made one of its
/// own, which nobody else knew.
#[test]
fn a_server_that_does_not_publish_a_service_is_nobodys() {
    let file = |server: &str| {
        format!(
            "
services: {{ names: {{ {REST} }}, asking: {{}} }}
deployments:
  d:
    servers:
      far: {{ url: 'http://127.0.0.1:1', publish: [names], listeners: {{ it: {{ address: 127.0.0.1:0 }} }} }}
      near: {{ url: 'http://127.0.0.1:2', services: [asking] }}
clients: {{ names: {{ server: {server} }} }}
"
        )
    };
    for current in ["d.near", "d.far"] {
        tells(
            &file("d.near"),
            current,
            &[
                "server `d.near` does not publish `names`",
                "the application:8:12: it is chosen here",
                "the application:6:",
                "server `d.far` does",
            ],
        );
    }
    let told = app(&file("d.far")).server("d.near").check();
    assert_eq!(told.errors(), 0, "{told}");
}

#[test]
fn a_wrong_url_is_told_where_it_stands() {
    let file = format!(
        "{}\nclients: {{ names: {{ server: d.far, url: 'http://' }} }}",
        apart("url: 'http://127.0.0.1:1', publish: [names]")
    );
    tells(
        &file,
        "d.near",
        &["cannot be reached at `http://`", "the application:9:"],
    );
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
    let (far, address) = far(file).await;
    let json = [("content-type", "application/json")];
    let answer =
        byname_testkit::http::ask(address, "POST", "/names/GET_NAME", &json, br#"{"id":"a"}"#);
    assert_eq!(
        (answer.status, answer.text()),
        (200, r#""a by the object itself""#)
    );
    let near = near(file, address).await;
    let asking = near.service::<Asking>("asking").await.unwrap();
    assert_eq!(
        asking.0.get_name("/".to_owned()).await.unwrap(),
        "/ by the object itself"
    );
    near.stop().await.unwrap();
    far.stop().await.unwrap();
}
