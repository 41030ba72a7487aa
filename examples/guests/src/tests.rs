//! What the document says that is asked and answered is what is asked and answered.

use std::net::SocketAddr;

use byname::http::Server;
use byname::http::listen::Bound;
use byname::{App, Running};
use byname_testkit::http::{Answer, ask};

const PAGE: &str = include_str!("../../../docs/extending.md");
const FILE: &str = include_str!("../app.yaml");
/// Where the document says that the guest book answers.
const HERE: &str = "http://127.0.0.1:8080";

async fn start(convention: &str) -> (Running, SocketAddr) {
    let guests = format!("guests: {{ publish: {{ convention: {convention} }} }}");
    let file = FILE.replace("${PORT:8080}", "0");
    let file = file.replace("guests: {}", &guests);
    let app = crate::registered(App::from_text(&file));
    let running = app.start().await.expect("it starts");
    let listener = running
        .service::<Server>("servers.main.listeners.public")
        .await;
    let listener = listener.expect("a listener");
    let address = listener.address().and_then(Bound::tcp);
    (running, address.expect("a port"))
}

/// Asks as a line of the document does.
fn curl(address: SocketAddr, line: &str) -> Answer {
    let (options, path) = line.split_once(HERE).expect("an address");
    let body = options.split_once("--json '").map(|(_, rest)| rest);
    let body = body
        .and_then(|rest| rest.split_once('\''))
        .map(|(body, _)| body);
    let path = path.trim_end_matches('\'');
    let Some(body) = body else {
        let answer = ask(address, "GET", path, &[], b"");
        return match answer.header("location") {
            Some(path) if options.contains("--location") => ask(address, "GET", path, &[], b""),
            _ => answer,
        };
    };
    let json = [("content-type", "application/json")];
    ask(address, "POST", path, &json, body.as_bytes())
}

/// Asks all that one block of the document asks.
fn asked(address: SocketAddr, block: &str) -> usize {
    let mut answers = 0;
    let mut last = None;
    for line in block.lines() {
        if line.starts_with("curl ") {
            last = Some(curl(address, line));
        } else if let Some(told) = line.strip_prefix("# ") {
            let answer = last.as_ref().expect("something was asked");
            let in_head = told.split_once(": ");
            let in_head = in_head.filter(|(name, _)| name.bytes().all(|byte| byte != b'{'));
            match in_head {
                Some((name, value)) => assert_eq!(answer.header(name), Some(value), "{block}"),
                None => assert_eq!(answer.text().trim_end(), told, "{block}"),
            }
            answers += 1;
        }
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_document_asks_is_answered_as_it_says() {
    let mut answers = 0;
    for convention in ["rest", "ask-and-tell"] {
        let (running, address) = start(convention).await;
        let blocks = PAGE.split("```sh\n").skip(1);
        let blocks = blocks.filter_map(|block| block.split("```").next());
        for block in blocks.filter(|block| block.contains("curl ")) {
            if block.contains("ask-and-tell") == (convention == "ask-and-tell") {
                answers += asked(address, block);
            }
        }
        running.stop().await.expect("it stops");
    }
    assert!(answers >= 8, "{answers}");
}

#[test]
fn the_file_is_right() {
    let problems = crate::registered(App::from_text(FILE)).check();
    assert!(problems.is_empty(), "{problems}");
}
