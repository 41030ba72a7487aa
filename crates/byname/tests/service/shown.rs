//! What a client shows to a publisher that asks for it, and who is told of what when that is wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use byname::{App, BoxError, ErrorKind, Registrar, Running, ServiceError, need};

#[byname::service]
trait Names {
    /// Finds a name.
    async fn get_name(&self, id: String) -> Result<String, ServiceError>;
    /// Tells how often it was too much.
    #[get("/busy")]
    async fn count_busy(&self) -> Result<u64, ServiceError>;
}

#[derive(Default)]
struct Named(AtomicU64);

#[byname::service]
impl Names for Named {
    async fn get_name(&self, id: String) -> Result<String, ServiceError> {
        match &*id {
            "who" => {
                Err(ServiceError::new(ErrorKind::Unauthenticated, "who are you?").with_code("who"))
            }
            "not" => Err(ServiceError::new(ErrorKind::Denied, "not for you")),
            "busy" => {
                self.0.fetch_add(1, Ordering::SeqCst);
                Err(ServiceError::new(ErrorKind::Unavailable, "it is too much"))
            }
            _ => Ok(id),
        }
    }

    async fn count_busy(&self) -> Result<u64, ServiceError> {
        Ok(self.0.load(Ordering::SeqCst))
    }
}

/// Something that needs names.
struct Asking(Arc<dyn Names>);

fn app(file: &str, server: &str) -> App {
    App::from_text(file)
        .server(server)
        .register(|registrar: &mut Registrar<'_>| {
            registrar.interface::<dyn Names>();
            registrar.factory("names", (), |(): ()| async {
                let names: Arc<dyn Names> = Arc::new(Named::default());
                Ok::<_, BoxError>(names)
            });
            registrar.factory("asking", (need("names"),), |(): (), names| async {
                Ok::<_, BoxError>(Arc::new(Asking(names)))
            });
        })
}

fn file(url: &str, client: &str) -> String {
    format!(
        "
middleware:
  by-token: {{ type: bearer-auth, settings: {{ keys: {{ given: ['near:right', 'other:known'] }}, allow: [near] }} }}
  by-key: {{ type: api-key, settings: {{ header: x-mine, keys: {{ given: ['near:right'] }} }} }}
services:
  names: {{ publish: {{ middleware: [by-token, by-key] }} }}
  asking: {{}}
servers:
  far: {{ {url} publish: [names], listeners: {{ one: {{ address: 127.0.0.1:0 }} }} }}
  near: {{ services: [asking] }}
{client}
"
    )
}

async fn far() -> (Running, String) {
    let far = app(&file("", ""), "far").start().await.expect("it starts");
    let name = "servers.far.listeners.one";
    let server = far.service::<byname::http::Server>(name).await;
    let bound = server.expect("a listener").address().expect("bound").tcp();
    let url = format!("url: 'http://{}',", bound.expect("a port"));
    (far, url)
}

async fn ask(near: &Running, id: &str) -> Result<String, ServiceError> {
    let asking = near.service::<Asking>("asking").await.expect("it is there");
    asking.0.get_name(id.to_owned()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_shows_what_is_asked_for_is_let_in() {
    let (far, url) = far().await;
    for client in [
        "clients: { names: { token: right, key: { header: x-mine, value: right } } }",
        "clients: { names: { server: far, token: right, key: { header: x-mine, value: right } } }",
    ] {
        let near = app(&file(&url, client), "near")
            .start()
            .await
            .expect("it starts");
        assert_eq!(ask(&near, "ada").await.as_deref(), Ok("ada"));
        // What the method itself says of who asks comes out as it would here.
        for id in ["who", "not"] {
            let here = Named::default().get_name(id.to_owned()).await;
            assert_eq!(ask(&near, id).await, here);
        }
        near.stop().await.expect("it stops");
    }
    far.stop().await.expect("it stops");
}

/// Whoever calls the caller has shown nothing that was wrong, and is told nothing of keys.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_not_let_in_is_no_fault_of_who_called_it() {
    let (far, url) = far().await;
    for (shown, status) in [
        ("", "401"),
        ("token: wrong", "401"),
        ("token: known", "403"),
        ("token: right", "401"),
        ("token: right, key: { value: right }", "401"),
        ("token: right, key: { header: x-mine, value: wrong }", "401"),
    ] {
        let client = format!("clients: {{ names: {{ {shown} }} }}");
        let near = app(&file(&url, &client), "near")
            .start()
            .await
            .expect("it starts");
        let error = ask(&near, "ada").await.expect_err("it is not let in");
        assert_eq!(error.kind(), ErrorKind::BadUpstream, "{shown}: {error:?}");
        let told = error.to_problem().to_string();
        for word in ["401", "403", "key", "token", "right", "wrong", "byname."] {
            assert!(!told.contains(word), "{told}");
        }
        let source = std::error::Error::source(&error).expect("a cause, for the log");
        let cause = source.to_string();
        assert!(
            cause.contains(status) && cause.contains("`token`"),
            "{cause}"
        );
        near.stop().await.expect("it stops");
    }
    far.stop().await.expect("it stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_a_service_is_called_as_the_file_says() {
    let shown = "token: right, key: { header: x-mine, value: right }";
    for tries in [1, 4] {
        let (far, url) = far().await;
        let client =
            format!("clients: {{ names: {{ {shown}, retry: {{ tries: {tries}, pause: 0s }} }} }}");
        let near = app(&file(&url, &client), "near")
            .start()
            .await
            .expect("it starts");
        let error = ask(&near, "busy").await.expect_err("it is busy");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let asking = near.service::<Asking>("asking").await.expect("it is there");
        assert_eq!(asking.0.count_busy().await, Ok(tries));
        near.stop().await.expect("it stops");
        far.stop().await.expect("it stops");
    }
}

/// A predecessor handed every header of a request on to whomever it called.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_showed_is_not_handed_on() {
    let (far, url) = far().await;
    let key = "clients: { names: { key: { header: x-mine, value: right } } }";
    let near = app(&file(&url, key), "near")
        .start()
        .await
        .expect("it starts");
    let request = axum::http::Request::get("/").header("authorization", "Bearer right");
    let parts = request.body(()).expect("a request").into_parts().0;
    let context = byname::service::CallContext::of(&parts);
    let error = context
        .scope(ask(&near, "ada"))
        .await
        .expect_err("it is not let in");
    assert_eq!(error.kind(), ErrorKind::BadUpstream);
    near.stop().await.expect("it stops");
    far.stop().await.expect("it stops");
}
