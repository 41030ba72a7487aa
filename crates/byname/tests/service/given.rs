//! A service that code gives as it is runs where a file says, as what a factory makes does.

use std::sync::Arc;

use byname::{App, BoxError, PartOutcome, Registrar, Running, ServiceError, need};

#[byname::service]
trait Users {
    /// Finds a user.
    async fn get_user(&self, id: u64) -> Result<String, ServiceError>;
}

/// Says whose it is.
struct Kept(&'static str);

#[byname::service]
impl Users for Kept {
    async fn get_user(&self, id: u64) -> Result<String, ServiceError> {
        Ok(format!("{id} by {}", self.0))
    }
}

fn kept(whose: &'static str) -> Arc<dyn Users> {
    Arc::new(Kept(whose))
}

struct Asking(Arc<dyn Users>);

/// A program whose code gives the service on every server.
fn app(file: &str, server: &str, whose: &'static str) -> App {
    given(App::from_text(file), server, whose)
}

fn given(app: App, server: &str, whose: &'static str) -> App {
    let module = |registrar: &mut Registrar<'_>| {
        registrar.interface::<dyn Users>();
        registrar.factory("asking", (need("users"),), |(): (), users| async {
            Ok::<_, BoxError>(Arc::new(Asking(users)))
        });
    };
    let app = app.register(module).server(server);
    app.service("users", kept(whose))
}

const FILE: &str = "
services: { asking: {} }
deployments:
  d:
    servers:
      far: { url: 'http://URL', publish: [users], services: [], listeners: { one: { address: 127.0.0.1:0 } } }
      near: { SERVICES }
";

/// Starts the server that publishes, and returns the file with where it answers.
async fn far(file: &str) -> (Running, String) {
    let far = app(file, "d.far", "far").start().await.expect("a server");
    let name = "deployments.d.servers.far.listeners.one";
    let server = far.service::<byname::http::Server>(name).await;
    let server = server.expect("a listener");
    let address = server.address().expect("an address").tcp();
    let address = address.expect("of TCP").to_string();
    (far, file.replace("URL", &address))
}

async fn asked(running: &Running) -> Result<String, ServiceError> {
    let asking = running.service::<Asking>("asking").await.expect("asking");
    asking.0.get_user(7).await
}

/// What code gave ran on every server, whoever published it: an order was refused for a user whom the
/// server that keeps users knows.
#[tokio::test(flavor = "multi_thread")]
async fn what_code_gives_runs_on_the_server_that_publishes_it_and_others_call_that() {
    for of_near in ["services: [asking]", "{}"] {
        let of_near = of_near.trim_matches(['{', '}']);
        let (far, file) = far(&FILE.replace("SERVICES", of_near)).await;
        let near = app(&file, "d.near", "near");
        assert_eq!(near.check().to_string(), "", "nothing is wrong");
        let near = near.start().await.expect("a server");
        assert_eq!(asked(&near).await.as_deref(), Ok("7 by far"));
        let users = near.service::<dyn Users>("users").await.expect("a client");
        assert_eq!(users.get_user(1).await.as_deref(), Ok("1 by far"));
        near.stop().await.expect("stopped");
        far.stop().await.expect("stopped");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lists_what_code_gives_has_its_own() {
    let (far, file) = far(&FILE.replace("SERVICES", "services: [asking, users]")).await;
    let near = app(&file, "d.near", "near")
        .start()
        .await
        .expect("a server");
    assert_eq!(asked(&near).await.as_deref(), Ok("7 by near"));
    near.stop().await.expect("stopped");
    far.stop().await.expect("stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_the_place_of_others_on_purpose_takes_that_of_a_client() {
    let file = FILE.replace("SERVICES", "services: [asking]");
    let near = app(&file, "d.near", "near").with_service("users", kept("a test"));
    let near = near.start().await.expect("a server");
    assert_eq!(asked(&near).await.as_deref(), Ok("7 by a test"));
    near.stop().await.expect("stopped");
}

/// The client in its place is wrong where any client would be.
#[test]
fn the_check_looks_for_where_what_code_gives_is_reached() {
    let file = FILE.replace("SERVICES", "services: [asking]");
    let told = app(&file.replace("url: 'http://URL', ", ""), "d.near", "near").check();
    let words = "nothing says where service `users` is reached";
    assert!(
        told.is_fatal() && told.to_string().contains(words),
        "{told}"
    );
    let second = "\n      third: { url: 'http://127.0.0.1:2', publish: [users] }\n";
    let told = app(&format!("{}{second}", file.trim_end()), "d.near", "near").check();
    let words = "`users` is published by 2 servers, `d.far` and `d.third`";
    assert!(
        told.is_fatal() && told.to_string().contains(words),
        "{told}"
    );
    // Where nobody publishes it, it is everybody's own.
    let told = app(
        "services: { asking: {} }\nservers: { near: {} }",
        "near",
        "near",
    )
    .check();
    assert_eq!(told.to_string(), "");
}

/// Both are still told of, on the server that would have a client too.
#[test]
fn a_name_that_is_given_and_defined_is_an_error_on_every_server() {
    let file = FILE.replace("SERVICES", "services: [asking]");
    let file = file.replace("{ asking: {} }", "{ asking: {}, users: { type: asking } }");
    for server in ["d.near", "d.far"] {
        let told = app(&file, server, "it").check().to_string();
        let words = "service `users` is both given and defined";
        assert!(told.contains(words), "{server}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_says_that_what_code_gives_needs_a_restart_to_give_way_or_to_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.yaml");
    let own = FILE.replace("SERVICES", "services: [asking, users]");
    let others = FILE.replace("SERVICES", "services: [asking]");
    for (before, after) in [(&own, &others), (&others, &own)] {
        std::fs::write(&path, before).expect("written");
        let app = App::from_file(&path).expect("a file");
        let near = given(app, "d.near", "near")
            .start()
            .await
            .expect("a server");
        std::fs::write(&path, after).expect("written");
        let report = near.reload().await;
        let mut parts = report.parts().iter();
        let told = parts.any(|part| {
            &*part.name == "users" && matches!(part.outcome, PartOutcome::NeedsRestart)
        });
        assert!(told, "{report}");
        near.stop().await.expect("stopped");
    }
}
