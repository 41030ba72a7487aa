//! The site by Byname, from a file.

use std::future::pending;

use byname::http::Server;
use byname::http::bind::{Json, Path};
use byname::http::routes::Routes;
use byname::{App, BoxError, Registrar};

use super::{Before, User, tell};

const FIVE: &str = "
middleware:
  ids: { type: request-id }
  log: { type: access-log }
  guard: { type: security-headers }
  pages: { type: cors, settings: { origins: [\"https://app.example.com\"] } }
  small: { type: body-limit, settings: { max: 2MiB } }
";

fn file(before: Before, port: u16) -> String {
    let (middleware, names, others) = match before {
        Before::Nothing => ("", "", ""),
        Before::Five => (FIVE, "ids, log, guard, pages, small", ""),
        Before::Readiness => ("", "", ", { admin: {} }"),
    };
    format!(
        "{middleware}
routers:
  site: {{ routes: [{{ router: users }}{others}] }}
servers:
  main:
    middleware: [{names}]
    listeners:
      public: {{ address: \"127.0.0.1:{port}\", routers: [site] }}
"
    )
}

fn module(registrar: &mut Registrar<'_>) {
    let users = Routes::new().get("/users/{id}", async |Path(id): Path<u64>| {
        Json(User::of(id))
    });
    registrar.router("users", (), |()| (), users);
}

pub(super) async fn serve(before: Before, port: u16) -> Result<(), BoxError> {
    let app = App::from_text(&file(before, port)).register(module);
    let running = app.start().await?;
    for service in running.graph().services() {
        let server = running.services().get::<Server>(service.name());
        // Other services are no servers.
        let Some(server) = server.ok().flatten() else {
            continue;
        };
        let address = server.address().ok_or("it does not listen")?.to_string();
        let port = address
            .rsplit(':')
            .next()
            .ok_or("an address without a port")?;
        tell(port.trim_end_matches('/').parse()?)?;
    }
    pending().await
}
