//! One process or three: whatever is asked, the answers are the same.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use byname_testkit::PATIENCE;
use byname_testkit::http::{Answer, ask};

/// A running program of the shop; it ends with the test.
struct Process {
    process: Child,
    address: SocketAddr,
}

impl Process {
    /// Starts the program, and waits until it listens.
    fn start(file: &str, arguments: &[&str], ports: &[(&str, u16)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
        command
            .arg(format!("{}/{file}", env!("CARGO_MANIFEST_DIR")))
            .args(arguments)
            .envs(ports.iter().map(|(name, port)| (name, port.to_string())))
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut told = Vec::new();
        let address = loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("{file} {arguments:?} does not listen: {told:?}");
            };
            let plain = line
                .replace("\u{1b}[0m", "")
                .replace("\u{1b}[3m", "")
                .replace("\u{1b}[2m", "");
            if let Some((_, address)) = plain.split_once("serving address=http://") {
                let address = address.split(' ').next().unwrap();
                break address.parse().unwrap();
            }
            told.push(plain);
        };
        // What it says from now on is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { process, address }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The shop, and where each of its services answers.
struct Shop {
    processes: BTreeMap<&'static str, Process>,
}

const SERVICES: [&str; 3] = ["users", "billing", "orders"];

impl Shop {
    fn together() -> Self {
        let all = Process::start("together.yaml", &[], &[("PORT", 0)]);
        Self {
            processes: BTreeMap::from([("shop", all)]),
        }
    }

    fn apart() -> Self {
        let mut shop = Self {
            processes: BTreeMap::new(),
        };
        for service in SERVICES {
            shop.begin(service, 0);
        }
        shop
    }

    /// Starts the process of a service, which is told where those before it are.
    fn begin(&mut self, service: &'static str, port: u16) {
        let server = format!("shop.{service}");
        let names = [
            ("users", "USERS", 1),
            ("billing", "BILLING", 2),
            ("orders", "ORDERS", 3),
        ];
        let ports: Vec<(&str, u16)> = names
            .iter()
            .map(|(name, variable, unknown)| {
                // Of those that come later only that they have a port each is known.
                let other = self
                    .processes
                    .get(name)
                    .map_or(*unknown, |one| one.address.port());
                (*variable, if *name == service { port } else { other })
            })
            .collect();
        let process = Process::start("apart.yaml", &["--server", &server], &ports);
        self.processes.insert(service, process);
    }

    fn at(&self, service: &str) -> SocketAddr {
        let process = self.processes.get(service).or(self.processes.get("shop"));
        process.unwrap().address
    }

    fn ask(&self, service: &str, method: &str, path: &str, body: &str) -> Answer {
        let json = [("content-type", "application/json")];
        let headers = if body.is_empty() { &[][..] } else { &json[..] };
        ask(self.at(service), method, path, headers, body.as_bytes())
    }
}

/// What an answer says: its status, the kind of its content, and the content.
fn said(answer: &Answer) -> (u16, Option<String>, String) {
    let kind = answer.header("content-type").map(str::to_owned);
    (answer.status, kind, answer.text().to_owned())
}

const WISH: &str = r#"{"user":"a/b","what":"a ball","cents":250}"#;

#[test]
fn one_process_and_three_answer_alike() {
    let (together, apart) = (Shop::together(), Shop::apart());
    let asked: &[(&str, &str, &str, &str, u16)] = &[
        (
            "users",
            "POST",
            "/users",
            r#"{"id":"a/b","name":"Ada"}"#,
            201,
        ),
        (
            "users",
            "POST",
            "/users",
            r#"{"id":"a/b","name":"Ada"}"#,
            409,
        ),
        (
            "users",
            "POST",
            "/users",
            r#"{"id":"ü","name":"Über"}"#,
            201,
        ),
        ("users", "POST", "/users", r#"{"id":7}"#, 422),
        ("users", "POST", "/users", "{", 400),
        ("users", "GET", "/users/a%2Fb", "", 200),
        ("users", "GET", "/users/nobody", "", 404),
        ("users", "GET", "/users", "", 200),
        ("users", "GET", "/users?name=A", "", 200),
        ("orders", "POST", "/orders", WISH, 201),
        ("orders", "POST", "/orders", WISH, 201),
        // What a service that is needed says is said by the one that needs it.
        (
            "orders",
            "POST",
            "/orders",
            r#"{"user":"nobody","what":"x","cents":1}"#,
            404,
        ),
        (
            "orders",
            "POST",
            "/orders",
            r#"{"user":"..","what":"x","cents":1}"#,
            404,
        ),
        (
            "orders",
            "POST",
            "/orders",
            r#"{"user":"","what":"x","cents":1}"#,
            404,
        ),
        (
            "orders",
            "POST",
            "/orders",
            r#"{"user":"a/b","what":"x","cents":0}"#,
            422,
        ),
        ("orders", "GET", "/orders/1", "", 200),
        ("orders", "GET", "/orders/9", "", 404),
        ("orders", "GET", "/orders/none", "", 422),
        ("billing", "GET", "/bills/a%2Fb", "", 200),
        (
            "billing",
            "POST",
            "/bills/a%2Fb/charges",
            r#"{"cents":5}"#,
            200,
        ),
        ("users", "DELETE", "/users/a%2Fb", "", 204),
        ("users", "DELETE", "/users/a%2Fb", "", 404),
        ("users", "PATCH", "/users", "", 405),
    ];
    for (service, method, path, body, status) in asked {
        let one = together.ask(service, method, path, body);
        let three = apart.ask(service, method, path, body);
        assert_eq!(said(&one), said(&three), "{method} {path} {body}");
        assert_eq!(
            one.status,
            *status,
            "{method} {path} {body}: {}",
            one.text()
        );
    }
    // Each of the three has its own service only.
    assert_eq!(apart.ask("orders", "GET", "/users", "").status, 404);
    assert_eq!(apart.ask("billing", "GET", "/orders/1", "").status, 404);
}

#[test]
fn a_publisher_that_is_killed_is_missed_and_found_again() {
    let mut shop = Shop::apart();
    let user = r#"{"id":"a/b","name":"Ada"}"#;
    assert_eq!(shop.ask("users", "POST", "/users", user).status, 201);
    assert_eq!(shop.ask("orders", "POST", "/orders", WISH).status, 201);
    let port = shop.at("users").port();
    for _ in 0..3 {
        // The process is killed: nothing of it answers, and nothing takes its place.
        drop(shop.processes.remove("users"));
        let missed = shop.ask("orders", "POST", "/orders", WISH);
        assert_eq!(missed.status, 503, "{}", missed.text());
        assert!(
            missed.text().contains("service `users` cannot be reached"),
            "{}",
            missed.text()
        );
        assert!(!missed.text().contains("127.0.0.1"), "{}", missed.text());
        shop.begin("users", port);
        assert_eq!(shop.ask("users", "POST", "/users", user).status, 201);
        // It may be left alone for a moment, after what happened.
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = shop.ask("orders", "POST", "/orders", WISH);
            if answer.status == 201 {
                break;
            }
            assert_eq!(answer.status, 503, "{}", answer.text());
            assert!(Instant::now() < deadline, "{}", answer.text());
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
}
