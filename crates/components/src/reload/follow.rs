//! Reloading when a file changes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::ReloadReport;
use crate::running::Running;

/// How long nothing may happen before the files are read: an editor writes in several steps.
const SETTLE: Duration = Duration::from_millis(50);

/// How long they are waited for at most.
const LONGEST_SETTLE: Duration = Duration::from_secs(1);

/// Reloads an application whenever a file of its configuration changes; dropping ends it.
#[derive(Debug)]
pub struct Following {
    task: JoinHandle<()>,
    watcher: Option<RecommendedWatcher>,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Following {
    /// Returns whether changes are heard of; where the system does not tell, they are found by looking.
    #[must_use]
    pub fn hears(&self) -> bool {
        self.watcher.is_some()
    }
}

/// What the files were when they were read last.
type Contents = Vec<(PathBuf, Option<Vec<u8>>)>;

impl Running {
    /// [Reloads](Self::reload) whenever a file of the configuration changes, also one that is replaced
    /// by a rename or reached by a link that is switched, and looks by itself every `poll`, because
    /// the system does not tell everything. `told` is called with each report that is not
    /// [`Unchanged`](super::ReloadOutcome::Unchanged).
    ///
    /// To be called in a tokio runtime. Ends with what is returned, and with the application, which
    /// this does not keep alive.
    #[must_use = "dropping it ends it"]
    pub fn follow(
        &self,
        poll: Duration,
        told: impl Fn(&ReloadReport) + Send + Sync + 'static,
    ) -> Following {
        let files = self.files();
        let happened = Arc::new(Notify::new());
        let watcher = watch(&files, &happened);
        let weak = self.downgrade();
        let task = tokio::spawn(async move {
            // What happened since the files were read for the start has not been heard of.
            let mut known = None;
            loop {
                let Some(app) = weak.upgrade() else { return };
                let mut all = files.clone();
                all.extend(app.files());
                all.sort();
                all.dedup();
                let now = Some(contents(all).await);
                if now != known {
                    known = now;
                    let report = app.reload().await;
                    if report.outcome() != super::ReloadOutcome::Unchanged {
                        told(&report);
                    }
                }
                drop(app);
                tokio::select! {
                    () = happened.notified() => quiet(&happened).await,
                    () = tokio::time::sleep(poll) => {}
                    () = weak.stopping() => return,
                }
            }
        });
        Following { task, watcher }
    }
}

impl Running {
    /// The files that the configuration was read from.
    fn files(&self) -> Vec<PathBuf> {
        let now = self.0.config.counting();
        now.map_or_else(Vec::new, |now| now.config.files().iter().cloned().collect())
    }
}

async fn contents(files: Vec<PathBuf>) -> Contents {
    let read = tokio::task::spawn_blocking(move || {
        let read = files.into_iter();
        read.map(|path| {
            let bytes = std::fs::read(&path).ok();
            (path, bytes)
        })
        .collect()
    });
    read.await.unwrap_or_default()
}

/// Waits until nothing has happened for a while; in a folder in which something happens all the time,
/// not for ever.
pub(crate) async fn quiet(happened: &Notify) {
    let quiet = async { while timeout(SETTLE, happened.notified()).await.is_ok() {} };
    let _ = timeout(LONGEST_SETTLE, quiet).await;
}

/// Hears of the folders of the files, and of those that links lead to.
pub(crate) fn watch(files: &[PathBuf], happened: &Arc<Notify>) -> Option<RecommendedWatcher> {
    let happened = Arc::clone(happened);
    let heard = move |event: notify::Result<Event>| {
        if !matches!(&event, Ok(event) if matches!(event.kind, EventKind::Access(_))) {
            happened.notify_one();
        }
    };
    let mut watcher = notify::recommended_watcher(heard)
        .map_err(|error| {
            tracing::warn!("changes of files are found by looking only: {error}");
        })
        .ok()?;
    let folder = |path: &Path| match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let folders: BTreeSet<PathBuf> = files
        .iter()
        .flat_map(|path| {
            [
                Some(folder(path)),
                path.canonicalize().ok().map(|path| folder(&path)),
            ]
        })
        .flatten()
        .collect();
    for folder in folders {
        if let Err(error) = watcher.watch(&folder, RecursiveMode::NonRecursive) {
            let folder = folder.display();
            tracing::warn!("changes in {folder} are found by looking only: {error}");
        }
    }
    Some(watcher)
}
