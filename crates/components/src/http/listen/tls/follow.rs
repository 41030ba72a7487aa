//! Taking a certificate that has changed.

use std::sync::Arc;

use tokio::sync::Notify;
use tracing::{info, warn};

use super::Encryption;
use crate::http::listen::stats::Counters;
use crate::reload::{quiet, watch};

impl Encryption {
    /// Looks at the files whenever something happens beside them, and every now and then; takes what is
    /// in them when it has changed and can be used, and keeps what was before when not. Never ends.
    pub(in crate::http::listen) async fn follow(self, counters: Arc<Counters>) {
        let happened = Arc::new(Notify::new());
        // Kept for as long as this runs: dropping it ends the watch.
        let _watcher = watch(&self.files.paths(), &happened);
        let mut known = self.read;
        loop {
            let (config, read) = self.files.read().await;
            if read != known {
                // What is broken is told of once.
                known = read;
                match config {
                    Ok(config) => {
                        self.now.send_replace(config);
                        counters.certificates_reloaded.up();
                        info!("a certificate has changed; new connections have it");
                    }
                    Err(error) => {
                        counters.certificates_refused.up();
                        warn!(
                            "a changed certificate cannot be used, and the one before is kept: {error}"
                        );
                    }
                }
            }
            tokio::select! {
                () = happened.notified() => quiet(&happened).await,
                () = tokio::time::sleep(self.files.poll()) => {}
            }
        }
    }
}
