//! Addresses: what they say, and where they lead.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use byname_machines::{Address, Definition, Machines, MachinesError};
use byname_store::MemoryStore;
use proptest::prelude::*;

#[test]
fn what_stands_before_the_first_colon_is_a_machine() {
    for (text, machine, path) in [
        ("notes", "local", "notes"),
        ("local:notes", "local", "notes"),
        ("alpha:notes", "alpha", "notes"),
        ("alpha:/etc/hosts", "alpha", "/etc/hosts"),
        ("alpha:a:b", "alpha", "a:b"),
        ("/tmp/a:b", "local", "/tmp/a:b"),
        ("./a:b", "local", "./a:b"),
        ("local:a:b", "local", "a:b"),
        ("~/a", "local", "~/a"),
        ("alpha:-n", "alpha", "-n"),
        ("alpha: x", "alpha", " x"),
    ] {
        let address: Address = text.parse().unwrap();
        assert_eq!(
            (address.machine().as_str(), address.path()),
            (machine, path)
        );
    }
}

#[test]
fn nothing_else_is_an_address() {
    for text in [
        "",
        ":",
        ":a",
        "alpha:",
        "Alpha:a",
        "-a:b",
        "a b:c",
        "a\nb",
        "alpha:a\0b",
        "C:\\x",
    ] {
        let error = text.parse::<Address>().unwrap_err();
        assert_eq!(error.field, "address", "{text:?}");
    }
    assert_eq!(
        ":a".parse::<Address>().unwrap_err().to_string(),
        "address: found \":a\", expected a machine before `:`; leave out the `:` for a path of this machine"
    );
}

#[test]
fn no_machine_is_the_local_one() {
    assert_eq!(
        Address::new("", "a").unwrap(),
        Address::new("local", "a").unwrap()
    );
    assert_eq!("a".parse::<Address>().unwrap(), "local:a".parse().unwrap());
    assert_eq!(Address::new("", "a:b").unwrap().to_string(), "local:a:b");
}

proptest! {
    #[test]
    fn the_canonical_form_is_read_as_what_was_written(machine in "[a-z0-9][a-z0-9._-]{0,62}|", path in "[^\\p{Cc}]{1,40}") {
        let address = Address::new(&machine, &path).unwrap();
        prop_assert_eq!(address.to_string().parse::<Address>().unwrap(), address);
    }

    #[test]
    fn what_is_read_is_read_again_from_its_canonical_form(text in "[a-c:/.~\\-]{0,12}") {
        if let Ok(address) = text.parse::<Address>() {
            prop_assert_eq!(address.to_string().parse::<Address>().unwrap(), address);
        }
    }
}

#[test]
fn relative_paths_begin_in_the_work_folder() {
    let machines = Machines::open(Arc::new(MemoryStore::new())).unwrap();
    let mut alpha = Definition::ssh("alpha".parse().unwrap());
    machines.add("bare", alpha.clone()).unwrap();
    alpha.folder = Some("~/jobs/".to_owned());
    machines.add("alpha", alpha).unwrap();
    for (text, path) in [
        ("alpha:a/b", "~/jobs/a/b"),
        ("alpha:./~", "~/jobs/./~"),
        ("alpha:/a", "/a"),
        ("alpha:~", "~"),
        ("alpha:~/a", "~/a"),
        ("alpha:~a", "~/jobs/~a"),
        ("bare:a", "a"),
        ("a", "a"),
    ] {
        let located = text.parse::<Address>().unwrap().resolve(&machines).unwrap();
        assert_eq!(located.path, path, "{text}");
    }
    let error = "alhpa:a"
        .parse::<Address>()
        .unwrap()
        .resolve(&machines)
        .unwrap_err();
    assert!(matches!(error, MachinesError::NotFound { .. }));
    assert_eq!(
        error.to_string(),
        "there is no machine `alhpa`; did you mean `alpha`?"
    );
}
