//! Static files, and applications of a single page.
//!
//! [`serve`] checks a folder at the start and returns [`Files`], a `tower::Service` that answers `GET`
//! and `HEAD` for the path that is left once its prefix has been stripped.
//!
//! **What is answered.** A regular file inside of the folder, by the names in the path, percent-decoded
//! once. A path with an empty name, `.` or `..`, a slash, backslash, colon or control character inside a
//! name, or a name that ends in a dot or a space, is not found, and neither is any name that begins with
//! a dot unless [`Settings::dotfiles`] lists it. No folder is ever listed. Symbolic links are followed as
//! [`Settings::symlinks`] says; without a race, because what was checked is opened from the folder
//! downwards without following a link.
//!
//! **Folders.** `docs/` is its index file. `docs` is sent to `docs/` by a relative `Location`, which is
//! right under any prefix, also one that another server stripped.
//!
//! **Applications of a single page.** With [`Settings::fallback`] a path that is no file and looks like
//! a page is that file, with status 200 and without a redirect. A missing script or picture stays 404.
//!
//! **Validators.** The entity tag is made of the file's size, times of modification and change, and
//! inode, and of the coding. It is strong once both times are two seconds old: a change after that has a
//! later time of change, which no program can set. Before that it is weak (RFC 9110, 8.8.1), because two
//! changes within one tick of the clock of the file system could look alike. [`EntityTags::Portable`] is
//! made of size and time of modification only, the same on every replica of one archive, and always
//! weak, because a build with fixed times gives two contents the same.
//!
//! **Changes while sending.** A file that is not what it was when its headers were written ends the
//! answer with an error before its last bytes, so that whoever asked sees that it is broken; a file that
//! fits into one piece is read before anything is sent, and read again if it changed meanwhile.
//!
//! # Examples
//!
//! ```
//! use byname_components::http::files::{self, Settings};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # std::fs::write(folder.path().join("index.html"), "hello")?;
//! let files = files::serve(Settings {
//!     folder: folder.path().to_owned(),
//!     fallback: Some("index.html".into()),
//!     ..Settings::default()
//! })
//! .await?;
//! let router: axum::Router = axum::Router::new().nest_service("/app", files);
//! # drop(router);
//! # Ok(())
//! # }
//! ```

pub(super) mod accept;
mod answer;
mod body;
mod check;
mod conditions;
mod error;
mod open;
mod path;
mod pattern;
mod range;
mod service;
mod settings;
mod site;
mod types;
mod validators;

pub use error::FilesError;
pub use service::{Files, serve};
pub use settings::{CacheControl, Coding, EntityTags, Pages, Settings, Symlinks};
