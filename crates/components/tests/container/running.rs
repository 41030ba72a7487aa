//! A whole `main`, until a signal.

use std::fs;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use byname_components::{
    App, BoxError, Context, Made, Prepared, Registrar, Reloads, context, need,
};
use serde::Deserialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

#[derive(Deserialize, schemars::JsonSchema)]
struct Settings {
    text: String,
}

/// Tells of its phases and of the settings that it takes.
fn module(told: UnboundedSender<String>) -> impl FnOnce(&mut Registrar<'_>) {
    move |registrar: &mut Registrar<'_>| {
        registrar.factory("teller", (), move |settings: Settings| {
            let told = told.clone();
            async move {
                told.send(format!("started with {}", settings.text))?;
                let (changed, stopped) = (told.clone(), told);
                let reloads = Reloads::new(move |settings: Settings| {
                    let told = changed.clone();
                    async move {
                        Ok(Prepared::new(move || async move {
                            Ok(told.send(format!("changed to {}", settings.text))?)
                        }))
                    }
                });
                Ok::<_, BoxError>(
                    Made::new(Arc::new(()))
                        .reloads(reloads)
                        .on_stop(move || async move { Ok(stopped.send("stopped".into())?) }),
                )
            }
        });
    }
}

fn is(code: ExitCode, expected: u8) -> bool {
    code == ExitCode::from(expected)
}

/// Whoever sends this process a signal: it reaches all applications that run in it.
static SIGNALS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Sends this process a signal.
fn terminate() {
    let pid = std::process::id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
}

async fn next(told: &mut UnboundedReceiver<String>) -> String {
    told.recv().await.unwrap()
}

#[tokio::test]
async fn it_follows_its_files_and_ends_in_order() {
    let _alone = SIGNALS.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.yaml");
    let write = |text: &str, reload: bool| {
        let text = format!(
            "life: {{ reload: {reload} }}\nservices: {{ teller: {{ settings: {{ text: {text} }} }} }}"
        );
        fs::write(folder.path().join("new"), text).unwrap();
        fs::rename(folder.path().join("new"), &path).unwrap();
    };
    for reload in [true, false] {
        write("one", reload);
        let (tell, mut told) = unbounded_channel();
        let app = App::from_file(&path).unwrap().register(module(tell));
        let running = tokio::spawn(app.run_with(["--report".to_owned()]));
        assert_eq!(next(&mut told).await, "started with one");
        write("two", reload);
        if reload {
            assert_eq!(next(&mut told).await, "changed to two");
        }
        terminate();
        assert_eq!(next(&mut told).await, "stopped");
        assert!(is(running.await.unwrap(), 0));
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_by_the_code_it_ends_with() {
    let app = || {
        App::from_text("services: { teller: { settings: { text: 1 } } }")
            .register(module(unbounded_channel().0))
    };
    let run = |arguments: &[&str]| {
        let arguments: Vec<String> = arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect();
        app().run_with(arguments)
    };
    assert!(is(run(&["--help"]).await, 0));
    assert!(is(run(&["--check"]).await, 0));
    assert!(is(run(&["--nothing"]).await, 2));
    assert!(is(
        run(&["--check", "--set", "services.teller.type=none"]).await,
        1
    ));
    assert!(is(run(&["--set", "services.teller.type=none"]).await, 1));
    assert!(is(run(&["--server", "none"]).await, 1));
}

#[tokio::test]
async fn a_signal_in_the_middle_of_the_start_ends_it_in_order_and_a_second_one_at_once() {
    let _alone = SIGNALS.lock().await;
    for hangs in [false, true] {
        let (tell, mut told) = unbounded_channel();
        let stops = tell.clone();
        let app = App::from_text("services: { first: {}, second: {} }").register(
            move |registrar: &mut Registrar<'_>| {
                registrar.factory("first", (), move |(): ()| {
                    let stops = stops.clone();
                    async move {
                        Ok::<_, BoxError>(Made::new(Arc::new(1_u8)).on_stop(move || async move {
                            stops.send("stop first".into())?;
                            if hangs {
                                std::future::pending::<()>().await;
                            }
                            Ok(())
                        }))
                    }
                });
                let needs = (need("first"), context());
                registrar.factory("second", needs, move |(): (), _: Arc<u8>, app: Context| {
                    let tell = tell.clone();
                    async move {
                        tell.send("building second".into())?;
                        terminate();
                        // In the middle of its build until the signal has been heard.
                        app.stopping().await;
                        Ok::<_, BoxError>(Arc::new(2_u8))
                    }
                });
            },
        );
        let running = tokio::spawn(app.run_with([]));
        assert_eq!(next(&mut told).await, "building second");
        assert_eq!(next(&mut told).await, "stop first");
        if hangs {
            terminate();
        }
        assert!(is(running.await.unwrap(), u8::from(hangs)));
    }
}
