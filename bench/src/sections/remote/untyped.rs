//! An upstream of one backend beside bare clients, the answer a text that nobody parses.

use std::io;
use std::time::Duration;

use byname_upstream::{Backend, Call, Options, Upstream};
use bytes::Bytes;
use hyper::{Method, Uri};
use tokio::runtime::Runtime;

use super::bare::{self, by_hyper, by_reqwest};
use super::{BASE, Table, WINDOW, callers, rows};
use crate::tiny::USER;
use crate::turns::{self, closed};

const PATH: &str = "/users/7";

/// How many callers there are at once.
const CALLERS: [usize; 3] = [1, 8, 64];

/// Longer than any answer takes.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) fn measure(runtime: &Runtime, quick: bool, url: &str) -> io::Result<Vec<Table>> {
    let full: Uri = format!("{url}{PATH}").parse().map_err(io::Error::other)?;
    let mut tables = Vec::new();
    for count in CALLERS {
        let hyper = || {
            let (client, full) = (bare::hyper(), full.clone());
            move || {
                let (client, full) = (client.clone(), full.clone());
                async move {
                    let request = bare::request(Method::GET, full, Bytes::new());
                    check(&by_hyper(&client, request).await);
                }
            }
        };
        let reqwest = || {
            let (client, full) = (bare::reqwest(), full.to_string());
            move || {
                let (client, full) = (client.clone(), full.clone());
                async move {
                    check(&by_reqwest(&client, Method::GET, &full, Bytes::new()).await);
                }
            }
        };
        let backends = [Backend::new(url).map_err(io::Error::other)?];
        let upstream = Upstream::new("users", backends, Options::default());
        let upstream = upstream.map_err(io::Error::other)?;
        let upstream = move || {
            let upstream = upstream.clone();
            async move {
                let path = Uri::from_static(PATH);
                let asked = bare::request(Method::GET, path, Bytes::new());
                let answer = upstream.call(asked, Call::default()).await;
                let answer = answer.expect("an answer of the tiny server");
                assert!(answer.status().is_success(), "{}", answer.status());
                let content = answer.into_body().read(1 << 20).await;
                check(&content.expect("a whole answer"));
            }
        };
        let limited = hyper();
        let limited = move || {
            let call = limited();
            async move {
                let in_time = tokio::time::timeout(LIMIT, call).await;
                in_time.expect("the tiny server answers at once");
            }
        };
        let loops = rows(vec![
            (BASE, closed(runtime, count, None, hyper())),
            (
                "the same, with a time limit",
                closed(runtime, count, None, limited),
            ),
            ("bare reqwest", closed(runtime, count, None, reqwest())),
            ("**upstream**", closed(runtime, count, None, upstream)),
        ]);
        tables.push((callers(count), turns::run(quick, WINDOW, loops)));
    }
    Ok(tables)
}

fn check(content: &Bytes) {
    assert_eq!(content.len(), USER.len());
}
