//! Enums in all their forms.

use super::*;

#[test]
fn enums_are_read_in_all_their_forms() {
    assert_eq!(read::<Level>("debug"), Level::Debug);
    assert_eq!(read::<Level>("debug:"), Level::Debug);
    assert_eq!(read::<Level>("custom: 3"), Level::Custom(3));
    assert_eq!(read::<Level>("pair: [3, no]"), Level::Pair(3, "no".into()));
    assert_eq!(
        read::<Level>("named: {value: 3}"),
        Level::Named { value: 3 }
    );
    assert_eq!(
        wrong::<Level>("named: {valeu: 3}"),
        [
            "1:9 `named` has no key `valeu`; did you mean `value`?",
            "1:8 `named` lacks the key `value`"
        ]
    );
    assert_eq!(
        wrong::<Level>("debug: 1"),
        ["1:1 the test: `debug` takes no value: write it alone"]
    );
    assert_eq!(
        wrong::<Level>("custom"),
        ["1:1 the test: `custom` needs a value: write a map, `custom: …`"]
    );
    assert_eq!(wrong::<Level>("[debug]").len(), 1);
    assert_eq!(wrong::<Level>("{debug: , info: }").len(), 1);
    assert_eq!(
        wrong::<Level>("pair: [300, a, b]"),
        ["1:7 `pair` must be a list of 2 (and not of 3), but is a list"]
    );
    assert_eq!(wrong::<Vec<Level>>("[debgu, {custom: x}]").len(), 2);
}

#[test]
fn tagged_enums_keep_texts_and_find_unknown_keys() {
    let file = |path: &str, mode: &str| Tagged::File {
        path: path.into(),
        mode: Some(mode.into()),
        within: None,
    };
    for text in ["no", "0123", "1.10", "10", "true"] {
        let yaml = format!("{{type: file, path: {text}, mode: {text}}}");
        assert_eq!(read::<Tagged>(&yaml), file(text, text));
    }
    assert_eq!(
        read::<Tagged>("{type: tcp, port: 80, inner: {size: 80}}"),
        Tagged::Tcp {
            port: 80,
            inner: Some(Small { size: 80 })
        }
    );
    assert_eq!(
        wrong::<Tagged>("{type: tcp, port: 80, prot: 1, inner: {size: 1, sice: 2}}"),
        [
            "1:23 the test has no key `prot`",
            "1:49 `inner` has no key `sice`"
        ]
    );
    assert_eq!(
        wrong::<Tagged>("{type: tpc, port: 80}"),
        ["1:8 `type` must be one of `file`, `tcp`, but is `tpc`; did you mean `tcp`?"]
    );
    assert_eq!(
        wrong::<Tagged>("{port: 80}"),
        ["1:1 the test lacks the key `type`"]
    );
    assert_eq!(
        wrong::<Tagged>("{type: tcp}"),
        ["1:1 the test lacks the key `port`"]
    );
    let told = wrong::<Tagged>("{type: tcp, port: x, inner: {size: 300}}");
    assert_eq!(
        told,
        [
            "1:19 `port` must be u16, but is `x`",
            "1:36 `inner.size` must be u8, but is `300`"
        ]
    );
    let told = wrong::<Tagged>("{type: file, path: a, within: 30}");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("1:31 `within`: expected a length of time"),
        "{told:?}"
    );
    let told = wrong::<Tagged>("{type: file, path: a, within: 30x}");
    assert!(
        told[0].starts_with("1:31 `within`: expected a length of time"),
        "{told:?}"
    );
}

#[test]
fn untagged_enums_are_read() {
    assert_eq!(read::<Either>("10"), Either::Number(10));
    for text in ["no", "0123", "1.10", "true", "'10'"] {
        assert_eq!(
            read::<Either>(text),
            Either::Text(text.trim_matches('\'').into())
        );
    }
    let both = Either::Both {
        host: "a".into(),
        port: 1,
    };
    assert_eq!(read::<Either>("{host: a, port: 1}"), both);
    assert_eq!(
        read::<Either>("[1, {host: no}]"),
        Either::Many(vec![Either::Number(1), Either::Host { host: "no".into() },])
    );
    assert_eq!(
        wrong::<Either>("{host: a, prot: 1}"),
        ["1:11 the test has no key `prot`"]
    );
    assert_eq!(
        wrong::<Vec<Either>>("[{}, 1, null]"),
        [
            "1:2 `[0]`: data did not match any variant of untagged enum Either",
            "1:9 `[2]`: data did not match any variant of untagged enum Either",
        ]
    );
}
