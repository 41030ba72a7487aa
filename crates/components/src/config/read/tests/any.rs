//! Documents and types of any form.

use proptest::prelude::*;

use super::*;

#[test]
fn types_that_contain_themselves_end() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only read")]
    enum Tree {
        Both(Box<Tree>, Box<Tree>),
        Leaf,
    }
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Holder {
        tree: Tree,
        port: u8,
    }
    assert_eq!(
        wrong::<Holder>("{}"),
        [
            "1:1 the test lacks the key `tree`",
            "1:1 the test lacks the key `port`"
        ]
    );
}

proptest! {
    #[test]
    fn no_document_panics(text in "[a-c0-9 :#,'\"\\[\\]{}~\n-]{0,60}", names in "(name|port|level|inner|tags|type): ?[a-z0-9\\[\\]{}]{0,6}\n") {
        let source = Source::CommandLine("x".into());
        for text in [text, names] {
            let Ok(node) = parse(&text, &source) else { continue };
            let _ = read_node::<Settings>(&node, &Path::root(), "x");
            let _ = read_node::<Tagged>(&node, &Path::root(), "x");
            let _ = read_node::<Vec<Either>>(&node, &Path::root(), "x");
            let _ = read_node::<Level>(&node, &Path::root(), "x");
            prop_assert!(read_node::<serde_json::Value>(&node, &Path::root(), "x").is_ok());
        }
    }
}
