//! What an application is at this moment, for those who operate it.
//!
//! [`admin`] returns [`Admin`], whose [`router`](Admin::router) belongs on a listener of its own, on a
//! loopback address or behind whoever knows who may ask: it shows names, places in files and messages of
//! errors, though no secret. It answers only for host names that are known ([`Settings::hosts`]), so that
//! no page of another site can read it through a browser. All paths are for `GET`; no answer may be kept.
//!
//! | path | what |
//! |---|---|
//! | `/` | a page of HTML: health, registries, services and the latest changes, with links; it needs no script, and with one follows what changes |
//! | `/page.css`, `/page.js` | its style and script |
//! | `/registries` | `{"registries": [{"name", "kind", "revision", "count"}]}`, the application's own and those that services [list](crate::Made::listed) |
//! | `/registries/{name}` | one page of entries, see below; `?limit=` (1 to 1000), `?after=NAME`; a page of HTML for who accepts `text/html` by name |
//! | `/graph` | which service needs which; `?format=` `json` (the default), `mermaid`, `dot`, `text` |
//! | `/health` | all that checks say, see below; 200 if live and ready, else 503 |
//! | `/livez`, `/readyz` | `{"passing", "switched_off", "checks": [{"check", "optional", "outcome"}]}`; 200 or 503 |
//! | `/metrics` | measurements, OpenMetrics 1.0 |
//! | `/changes` | the latest changes and all further ones, as server-sent events |
//! | `/config` | the effective configuration as YAML with origins, secrets masked; `?format=json` |
//!
//! **Registries.** The application's own have names without `/`: `services`, `values`. One of a service's
//! own is `service/name`, such as `machines/machines`, from the moment that the service is alive until it has
//! stopped. Its changes are noted from then on; those that came between the two are told as one `lost`.
//!
//! **Entries.** `{"name", "kind", "revision", "count", "entries": [...], "next"}`, of one revision, in the
//! order of names. An entry has `name`, `revision` (of the change that brought it), `place` (where it was
//! registered), `build` if a factory makes it (`unbuilt`, `building`, `failed`, `built`), and what may be
//! told of its value: `type` for a part, `value` for a configuration value, with `***` for a secret.
//! `next` is `null`, or a reference to the next page, relative to this one.
//!
//! **Health.** `{"live", "ready", "switched_off", "liveness": [...], "readiness": [...]}`; a check is
//! `{"check", "optional", "outcome", "took_seconds", "age_seconds", "message"}`, the last only if it does
//! not pass. `outcome` is `passing`, `failing`, `panicked`, `timed-out` or `still-running`.
//!
//! **Changes.** `event: change`, with `{"registry", "name", "revision", "kind", "at"}`: `kind` is `added`,
//! `replaced`, `removed`, or `lost` with `name: null` where more changes came than could be noted; `at`
//! is in seconds since 1970. `Last-Event-ID` goes on behind that change. `event: gap`, with
//! `{"missed": NUMBER}`, stands in the place of changes that are not kept any more, because the follower
//! reads too slowly or comes too late; the number is `null` where nobody knows it, because the id is of
//! another run of the program. A follower holds nobody up.
//!
//! **Configuration.** With `?format=json`: `{"values": [{"path", "value", "secret", "origin", "over"}]}`,
//! for each value that is no map and no list; `over` is where the values came from that it was laid over.

mod address;
#[allow(clippy::module_inception, reason = "the type is called so")]
mod admin;
mod alone;
mod answer;
mod changes;
mod config;
mod handle;
mod health;
mod host;
mod listed;
pub mod metrics;
mod page;
mod registries;
mod settings;

pub use address::shown_address;
pub use admin::{Admin, admin};
pub use alone::{HealthSettings, MetricsSettings};
pub(super) use alone::{health as probes, measurements};
pub use listed::Listed;
pub use settings::{AdminError, Settings};
