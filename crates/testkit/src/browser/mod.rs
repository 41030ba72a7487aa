//! A real browser, driven by the protocol of W3C `WebDriver` 2 through `chromedriver`.
//!
//! Each [`Browser`] is a process of its own with an empty profile; all of it is gone when the value is
//! dropped, and when the process of the test ends in any other way.

mod driver;
mod profile;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::PATIENCE;
use driver::Driver;
use profile::Profile;

/// The variable that says that no browser can be had on this machine: with `1`, [`Browser::start`] gives
/// none. Where `CI` is set it says nothing.
pub const NO_BROWSER: &str = "BYNAME_NO_BROWSER";

/// What leaves nothing to the machine: no profile of a user, no proxy, and no call to anybody but the test.
const ARGUMENTS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    // A page that was left is gone, with its connections.
    "--disable-features=BackForwardCache",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    // The browser ends when the other end of the pipe does.
    "--remote-debugging-pipe",
];

/// The member that stands for an element (`WebDriver` 2, 11.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How long a condition rests before it is asked for again.
const BETWEEN: Duration = Duration::from_millis(20);

/// A browser with one open window.
#[derive(Debug)]
pub struct Browser {
    /// The path of the session.
    session: String,
    driver: Driver,
    /// Goes after the processes that write to it.
    _profile: Profile,
}

/// What a page, or the browser about a page, wrote to the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `SEVERE`, `WARNING`, `INFO` or `DEBUG`.
    pub level: String,
    /// Who wrote it: `javascript`, `network`, `security`, `console-api`, and others.
    pub source: String,
    /// What, after its place.
    pub text: String,
}

impl Browser {
    /// Starts a browser; `None` where there is none and [`NO_BROWSER`] says that this is known.
    ///
    /// # Panics
    ///
    /// If there is no `chromedriver`, or no browser that it can start.
    #[must_use]
    pub fn start() -> Option<Self> {
        let driver = Driver::start()?;
        let profile = Profile::new();
        let folder = format!("--user-data-dir={}", profile.path().display());
        let arguments: Vec<&str> = ARGUMENTS.into_iter().chain([&*folder]).collect();
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let session = driver.ask("POST", "/session", &wanted);
        let id = session["sessionId"].as_str().expect("a session");
        Some(Self {
            session: format!("/session/{id}"),
            driver,
            _profile: profile,
        })
    }

    /// Loads a page, and waits until it and what it is made of are there.
    ///
    /// # Panics
    ///
    /// If nobody answers.
    pub fn go_to(&self, url: &str) {
        self.ask("/url", &json!({ "url": url }));
    }

    /// Loads the page again.
    ///
    /// # Panics
    ///
    /// If nobody answers.
    pub fn reload(&self) {
        self.ask("/refresh", &json!({}));
    }

    /// Runs a script as the body of an `async` function in the page, and returns what it returns.
    /// `arguments` has the arguments.
    ///
    /// # Panics
    ///
    /// If it throws.
    #[allow(
        clippy::must_use_candidate,
        reason = "often what a script does is all that is asked of it"
    )]
    pub fn run(&self, script: &str, arguments: &[Value]) -> Value {
        // An arrow has the arguments of the function around it.
        let script = format!("return (async () => {{\n{script}\n}})()");
        let script = json!({ "script": script, "args": arguments });
        self.ask("/execute/sync", &script)
    }

    /// Returns the text of the first element that a CSS selector matches, as a reader sees it.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn text(&self, selector: &str) -> String {
        let element = self.element(selector);
        let text = self.get(&format!("/element/{element}/text"));
        text.as_str().expect("a text").to_owned()
    }

    /// Clicks at the first element that a CSS selector matches, as a pointer does.
    ///
    /// # Panics
    ///
    /// If there is none, or something else lies over it.
    pub fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.ask(&format!("/element/{element}/click"), &json!({}));
    }

    /// Presses keys, one after another, on whatever has the focus. Keys without a character are those of
    /// `WebDriver` 2, 15.4.2, such as `\u{e004}` for the tabulator.
    ///
    /// # Panics
    ///
    /// If the browser does not answer.
    pub fn press(&self, keys: &str) {
        let presses = keys.chars().flat_map(|key| {
            let key = key.to_string();
            [
                json!({ "type": "keyDown", "value": key }),
                json!({ "type": "keyUp", "value": key }),
            ]
        });
        let presses: Vec<Value> = presses.collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": presses });
        self.ask("/actions", &json!({ "actions": [keyboard] }));
    }

    /// Runs a script until it returns something that counts as true, and returns that.
    ///
    /// # Panics
    ///
    /// If it does not within [`PATIENCE`], or throws.
    #[allow(
        clippy::must_use_candidate,
        reason = "often what a script does is all that is asked of it"
    )]
    #[track_caller]
    pub fn until(&self, script: &str, arguments: &[Value]) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.run(script, arguments);
            let is_false = match &found {
                Value::Null | Value::Bool(false) => true,
                Value::Number(number) => number.as_f64() == Some(0.0),
                Value::String(text) => text.is_empty(),
                _ => false,
            };
            if !is_false {
                return found;
            }
            assert!(
                Instant::now() < deadline,
                "it did not come true: {script}\nin {}\nconsole: {:?}",
                self.run("return document.documentElement.outerHTML", &[]),
                self.console()
            );
            thread::sleep(BETWEEN);
        }
    }

    /// Returns what was written to the console since this was last asked for.
    ///
    /// # Panics
    ///
    /// If the browser does not answer.
    #[must_use]
    pub fn console(&self) -> Vec<Message> {
        let entries = self.ask("/se/log", &json!({ "type": "browser" }));
        let entries = entries.as_array().expect("a list").iter().map(|entry| {
            let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
            Message {
                level: text("level"),
                source: text("source"),
                text: text("message"),
            }
        });
        entries.collect()
    }

    /// Returns a picture of the window: a PNG file, in base64.
    ///
    /// # Panics
    ///
    /// If the browser does not answer.
    #[must_use]
    pub fn picture(&self) -> String {
        let picture = self.get("/screenshot");
        picture.as_str().expect("a picture").to_owned()
    }

    fn element(&self, selector: &str) -> String {
        let wanted = json!({ "using": "css selector", "value": selector });
        let found = self.ask("/element", &wanted);
        found[ELEMENT].as_str().expect("an element").to_owned()
    }

    fn ask(&self, path: &str, content: &Value) -> Value {
        let path = format!("{}{path}", self.session);
        self.driver.ask("POST", &path, content)
    }

    fn get(&self, path: &str) -> Value {
        let path = format!("{}{path}", self.session);
        self.driver.ask("GET", &path, &Value::Null)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends by itself once the driver does; asked to, it has ended before its folder goes. A panic
        // in the middle of another one would end the process.
        let end = || self.driver.ask("DELETE", &self.session, &Value::Null);
        let _ = catch_unwind(AssertUnwindSafe(end));
    }
}
