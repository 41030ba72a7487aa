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

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;
    use crate::http::listen::settings::{Settings, Tls};

    fn put(folder: &Path) {
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("cert.pem"), pair.cert.pem()).unwrap();
        fs::write(folder.join("key.pem"), pair.signing_key.serialize_pem()).unwrap();
    }

    async fn follow(folder: &Path) -> Arc<Counters> {
        let tls = Tls {
            certificate: folder.join("cert.pem"),
            key: folder.join("key.pem"),
            client_ca: None,
            poll: Duration::from_secs(60).into(),
        };
        let counters = Arc::<Counters>::default();
        let encryption = Encryption::new(&tls, &Settings::default()).await.unwrap();
        tokio::spawn(encryption.follow(Arc::clone(&counters)));
        counters
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_tells_is_found_by_looking() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        put(&path("far/one"));
        put(&path("far/two"));
        symlink("one", path("far/now")).unwrap();
        symlink("far/now/cert.pem", path("cert.pem")).unwrap();
        symlink("far/now/key.pem", path("key.pem")).unwrap();
        let counters = follow(folder.path()).await;
        // The folder in which this happens is neither that of the files nor that of what they lead to.
        sleep(Duration::from_secs(1)).await;
        symlink("two", path("far/next")).unwrap();
        fs::rename(path("far/next"), path("far/now")).unwrap();
        sleep(Duration::from_secs(57)).await;
        assert_eq!(counters.stats().certificates_reloaded, 0);
        sleep(Duration::from_secs(3)).await;
        assert_eq!(counters.stats().certificates_reloaded, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_broken_is_told_of_once() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path());
        let counters = follow(folder.path()).await;
        fs::remove_file(folder.path().join("key.pem")).unwrap();
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(counters.stats().certificates_refused, 1);
        put(folder.path());
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(counters.stats().certificates_reloaded, 1);
    }

    // Reading a pipe has no end: it kept the thread that read it, and no later certificate was taken.
    #[tokio::test(start_paused = true)]
    async fn a_pipe_or_a_huge_file_in_the_place_of_a_certificate_keeps_nobody() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path());
        let counters = follow(folder.path()).await;
        let path = folder.path().join("cert.pem");
        fs::remove_file(&path).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(counters.stats().certificates_refused, 1);
        fs::remove_file(&path).unwrap();
        put(folder.path());
        let mut long = fs::read(&path).unwrap();
        long.resize(long.len() + (1 << 20), b'\n');
        fs::write(&path, long).unwrap();
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(counters.stats().certificates_refused, 2);
        put(folder.path());
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(counters.stats().certificates_reloaded, 1);
    }
}
