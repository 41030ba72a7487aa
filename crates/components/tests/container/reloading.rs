//! A changed configuration is taken while the application runs, whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use byname_components::{
    App, BoxError, Made, PartOutcome, Prepared, Registrar, ReloadOutcome, ReloadReport, Reloads,
    Running,
};
use byname_testkit::PATIENCE;
use serde::Deserialize;
use tempfile::TempDir;

use crate::rig::Log;

#[derive(Clone, Deserialize, schemars::JsonSchema)]
struct Settings {
    text: String,
}

/// Shows the settings that it works with.
struct Shown(Mutex<String>);

/// Services that take new settings, but for what their text tells them to do.
fn module(log: &Log) -> impl FnOnce(&mut Registrar<'_>) + use<> {
    let log = log.clone();
    move |registrar: &mut Registrar<'_>| {
        registrar.factory("stubborn", (), |settings: Settings| async move {
            Ok::<_, BoxError>(Arc::new(Shown(Mutex::new(settings.text))))
        });
        registrar.factory("taking", (), move |settings: Settings| {
            let log = log.clone();
            async move {
                let shown = Arc::new(Shown(Mutex::new(settings.text)));
                let taking = Arc::clone(&shown);
                let reloads = Reloads::new(move |settings: Settings| {
                    let (shown, log) = (Arc::clone(&taking), log.clone());
                    async move { prepare(settings.text, shown, log) }
                });
                Ok::<_, BoxError>(Made::new(shown).reloads(reloads))
            }
        });
    }
}

fn prepare(text: String, shown: Arc<Shown>, log: Log) -> Result<Prepared, BoxError> {
    log.note(format!("prepare {text}"));
    match text.as_str() {
        "refuse" => return Err("not this".into()),
        "panic" => panic!("not that"),
        _ => {}
    }
    let before = shown.0.lock().unwrap().clone();
    let (back, notes) = (Arc::clone(&shown), log.clone());
    let told = text.clone();
    let prepared = Prepared::new(move || async move {
        log.note(format!("commit {text}"));
        if text == "fail" {
            return Err("too late".into());
        }
        *shown.0.lock().unwrap() = text;
        Ok(())
    });
    if told == "for good" {
        return Ok(prepared);
    }
    Ok(prepared.or_back(move || async move {
        notes.note(format!("back {told}"));
        *back.0.lock().unwrap() = before;
        Ok(())
    }))
}

struct Place {
    folder: TempDir,
    log: Log,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            log: Log::default(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("app.yaml")
    }

    /// Writes what three services have as their settings; the first two take changes.
    fn write(&self, [a, b, c]: [&str; 3], more: &str) {
        write_to(&self.path(), [a, b, c], more);
    }

    async fn start(&self) -> Running {
        self.write(["a", "b", "c"], "values: { max: 1 }");
        let app = App::from_file(self.path()).unwrap();
        app.register(module(&self.log)).start().await.unwrap()
    }
}

fn write_to(path: &Path, [a, b, c]: [&str; 3], more: &str) {
    let text = format!(
        "{more}
services:
  a: {{ type: taking, settings: {{ text: \"{a}\" }} }}
  b: {{ type: taking, settings: {{ text: \"{b}\" }} }}
  c: {{ type: stubborn, settings: {{ text: \"{c}\" }} }}
  later: {{ type: stubborn, lazy: true, settings: {{ text: \"{c}\" }} }}
"
    );
    fs::write(path, text).unwrap();
}

fn shown(running: &Running) -> [String; 3] {
    ["a", "b", "c"].map(|name| {
        running
            .services()
            .require::<Shown>(name)
            .unwrap()
            .0
            .lock()
            .unwrap()
            .clone()
    })
}

fn parts(report: &ReloadReport) -> Vec<String> {
    report.parts().iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn what_has_changed_is_taken_by_those_who_can() {
    let place = Place::new();
    let running = place.start().await;
    assert_eq!(running.reload().await.outcome(), ReloadOutcome::Unchanged);
    place.write(["A", "b", "C"], "values: { max: 2 }");
    let report = running.reload().await;
    assert_eq!(report.outcome(), ReloadOutcome::Applied, "{report}");
    assert_eq!(
        parts(&report),
        [
            "`a` took its new settings",
            "`c` goes on as it is until a restart",
            "`later` will be built with its new settings",
        ]
    );
    assert_eq!(report.revision(), 2);
    assert_eq!(shown(&running), ["A", "b", "c"]);
    assert_eq!(
        running.registries().values.get::<u32>("max").unwrap(),
        Some(2)
    );
    let later = running.service::<Shown>("later").await.unwrap();
    assert_eq!(*later.0.lock().unwrap(), "C");
    assert_eq!(place.log.all(), ["prepare A", "commit A"]);
    running.stop().await.unwrap();
    assert_eq!(running.reload().await.outcome(), ReloadOutcome::Refused);
}

#[tokio::test]
async fn a_bad_file_changes_nothing() {
    let place = Place::new();
    let running = place.start().await;
    for (bad, told) in [
        ("values: { max: [", "app.yaml:"),
        ("servces: {}", "unknown key `servces`"),
        ("values: { max: 2 }\nname: { x: 1 }", "name"),
    ] {
        place.write(["A", "B", "C"], bad);
        let report = running.reload().await;
        assert_eq!(report.outcome(), ReloadOutcome::Refused, "{report}");
        assert!(report.problems().to_string().contains(told), "{report}");
    }
    fs::remove_file(place.path()).unwrap();
    assert_eq!(running.reload().await.outcome(), ReloadOutcome::Refused);
    assert_eq!(shown(&running), ["a", "b", "c"]);
    assert_eq!(
        running.registries().values.get::<u32>("max").unwrap(),
        Some(1)
    );
    assert!(place.log.all().is_empty());
    running.stop().await.unwrap();
}

/// A panic in a reload ended Modular's loop for ever: 1 of 111 requests was served.
#[tokio::test]
async fn who_refuses_or_panics_keeps_everything_from_changing() {
    let place = Place::new();
    let running = place.start().await;
    for (text, told) in [
        ("refuse", "it failed: not this"),
        ("panic", "it panicked: not that"),
    ] {
        place.write(["A", text, "c"], "values: { max: 2 }");
        let report = running.reload().await;
        assert_eq!(report.outcome(), ReloadOutcome::Refused, "{report}");
        assert_eq!(
            parts(&report),
            [
                "`a` was left as it is".to_owned(),
                format!("`b` refused its new settings: {told}")
            ]
        );
        assert_eq!(shown(&running), ["a", "b", "c"]);
        assert_eq!(
            running.registries().values.get::<u32>("max").unwrap(),
            Some(1)
        );
    }
    place.write(["A", "B", "c"], "values: { max: 2 }");
    assert_eq!(running.reload().await.outcome(), ReloadOutcome::Applied);
    assert_eq!(shown(&running), ["A", "B", "c"]);
    assert_eq!(place.log.count("commit A"), 1);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn who_fails_late_has_the_others_take_it_back() {
    let place = Place::new();
    let running = place.start().await;
    place.write(["A", "fail", "c"], "values: { max: 2 }");
    let report = running.reload().await;
    assert_eq!(report.outcome(), ReloadOutcome::RolledBack, "{report}");
    assert_eq!(
        parts(&report),
        [
            "`a` took its new settings back",
            "`b` did not take its new settings: it failed: too late"
        ]
    );
    assert_eq!(
        place.log.all(),
        [
            "prepare A",
            "prepare fail",
            "commit A",
            "commit fail",
            "back A"
        ]
    );
    assert_eq!(
        (shown(&running), report.revision()),
        (["a", "b", "c"].map(Into::into), 1)
    );
    assert_eq!(
        running.registries().values.get::<u32>("max").unwrap(),
        Some(1)
    );
    place.write(["for good", "fail", "c"], "");
    let report = running.reload().await;
    assert!(
        matches!(report.parts()[0].outcome, PartOutcome::NotRolledBack(None)),
        "{report}"
    );
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_reloads_apply_each_change_once() {
    let place = Place::new();
    let running = place.start().await;
    for round in 0..20 {
        place.write([&format!("a{round}"), "fail", "c"], "");
        let ask = || {
            (0..10).map(|_| {
                let running = running.clone();
                tokio::spawn(async move { running.reload().await.outcome() })
            })
        };
        let asking: Vec<_> = ask().collect();
        for asker in asking {
            assert_eq!(asker.await.unwrap(), ReloadOutcome::RolledBack);
        }
        let back = format!("back a{round}");
        assert_eq!(
            place.log.count(&back),
            10,
            "each that failed rolled back once"
        );
        place.write([&format!("a{round}"), "b", "c"], "");
        let asking: Vec<_> = ask().collect();
        let mut outcomes = Vec::new();
        for asker in asking {
            outcomes.push(asker.await.unwrap());
        }
        let applied = outcomes
            .iter()
            .filter(|outcome| **outcome == ReloadOutcome::Applied);
        assert_eq!(applied.count(), 1);
        let unchanged = outcomes
            .iter()
            .filter(|outcome| **outcome == ReloadOutcome::Unchanged);
        assert_eq!(unchanged.count(), 9);
        assert_eq!(shown(&running)[0], format!("a{round}"));
    }
    running.stop().await.unwrap();
}

/// Modular's watcher saw no save by an atomic rename, and its reloads were empty: 5 edits, 0 reloads.
#[tokio::test]
async fn files_are_followed_however_they_are_saved() {
    let place = Place::new();
    let running = place.start().await;
    let (told, mut reports) = tokio::sync::mpsc::unbounded_channel();
    let following = running.follow(Duration::from_millis(200), move |report| {
        told.send((report.outcome(), report.to_string())).unwrap();
    });
    for round in 0..6 {
        let text = format!("a{round}");
        match round % 3 {
            0 => place.write([&text, "b", "c"], ""),
            1 => {
                let aside = place.folder.path().join("new");
                write_to(&aside, [&text, "b", "c"], "");
                fs::rename(aside, place.path()).unwrap();
            }
            _ => {
                // As Kubernetes does: a link that is switched.
                let real = place.folder.path().join(format!("real{round}"));
                write_to(&real, [&text, "b", "c"], "");
                let link = place.folder.path().join("link");
                std::os::unix::fs::symlink(real, &link).unwrap();
                fs::rename(link, place.path()).unwrap();
            }
        }
        loop {
            let report = tokio::time::timeout(PATIENCE, reports.recv())
                .await
                .unwrap()
                .unwrap();
            // A file that is being written may be seen half.
            if report.0 == ReloadOutcome::Applied && shown(&running)[0] == text {
                break;
            }
        }
    }
    fs::write(place.path(), "services: [").unwrap();
    let bad = tokio::time::timeout(PATIENCE, reports.recv())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(bad.0, ReloadOutcome::Refused, "{}", bad.1);
    assert_eq!(shown(&running)[0], "a5");
    drop(following);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_a_file_takes_from_a_resolver_is_asked_for_anew() {
    let place = Place::new();
    let secret = Arc::new(Mutex::new("one".to_owned()));
    let path = place.path();
    write_to(&path, ["${vault:a}", "b", "c"], "");
    let asked = Arc::clone(&secret);
    let app = App::from_file(&path)
        .unwrap()
        .resolver("vault", move |key: &str| match key {
            "a" => Ok(asked.lock().unwrap().clone()),
            _ => Err("it has only `a`"),
        });
    let running = app.register(module(&place.log)).start().await.unwrap();
    assert_eq!(shown(&running)[0], "one");
    *secret.lock().unwrap() = "two".into();
    assert_eq!(running.reload().await.outcome(), ReloadOutcome::Applied);
    assert_eq!(shown(&running)[0], "two");
    write_to(&path, ["${vault:b}", "b", "c"], "");
    let report = running.reload().await;
    assert!(
        report.problems().to_string().contains("it has only `a`"),
        "{report}"
    );
    running.stop().await.unwrap();
    let missing = App::from_file(place.folder.path().join("none.yaml")).unwrap_err();
    assert!(
        missing.to_string().contains("none.yaml` cannot be read"),
        "{missing}"
    );
    fs::write(&path, "a: [").unwrap();
    assert!(App::from_file(&path).is_err());
}
