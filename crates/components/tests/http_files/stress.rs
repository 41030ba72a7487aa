//! Many at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::rig::{Folder, get};

/// Every answer is one content of the file from its beginning to its end, or says that it is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_rewritten_all_the_time_is_answered_whole_or_not_at_all() {
    const READS: usize = 500;
    let content = |letter: &str, length: usize| letter.repeat(length);
    let contents = [
        content("a", 20_000),
        content("b", 20_000),
        content("c", 9_000),
    ];
    let folder = Folder::new(&[("a.txt", &contents[0])]);
    let files = folder.serve().await;
    let done = Arc::new(AtomicBool::new(false));
    let writer = {
        let (path, done) = (folder.path().join("a.txt"), Arc::clone(&done));
        let contents = contents.clone();
        std::thread::spawn(move || {
            let mut writes = 0;
            while !done.load(Ordering::Relaxed) {
                for content in &contents {
                    std::fs::write(&path, content).unwrap();
                    writes += 1;
                }
            }
            writes
        })
    };
    let readers = (0..2).map(|_| {
        let (files, contents) = (files.clone(), contents.clone());
        tokio::spawn(async move {
            let (mut whole, mut refused) = (0, 0);
            for _ in 0..READS {
                let answer = get(&files, "/a.txt", &[]).await;
                assert_eq!(
                    answer.header("content-length").parse().ok(),
                    match answer.status {
                        200 => Some(answer.body.len()),
                        _ => None,
                    }
                );
                match answer.status {
                    // Between truncating and writing the file has no content.
                    200 if answer.body.is_empty() => whole += 1,
                    200 => {
                        // A writer makes a file longer in steps; each is a content that it had.
                        let letter = &answer.body[..1];
                        let full = contents.iter().find(|full| full.starts_with(letter));
                        assert!(full.unwrap().starts_with(&answer.body));
                        whole += 1;
                    }
                    503 => {
                        assert_eq!(answer.header("retry-after"), "1");
                        refused += 1;
                    }
                    status => panic!("{status}"),
                }
            }
            (whole, refused)
        })
    });
    let readers: Vec<_> = readers.collect();
    for reader in readers {
        let (whole, refused) = reader.await.unwrap();
        assert_eq!(whole + refused, READS);
        assert!(whole > 0);
    }
    done.store(true, Ordering::Relaxed);
    assert!(writer.join().unwrap() > 0);
}
