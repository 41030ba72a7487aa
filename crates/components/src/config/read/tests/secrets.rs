//! Secrets: where they stand is known, and what they say is not told.

use super::*;
use crate::config::Secret;

fn secrets<T: DeserializeOwned>(text: &str) -> Vec<String> {
    let read = read_node::<T>(&tree(text), &"a.b".parse().unwrap(), "the test");
    read.unwrap()
        .secrets
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn secrets_tell_where_they_stand() {
    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Login {
        name: String,
        password: Secret<String>,
        more: Option<Vec<Secret<u8>>>,
    }
    assert_eq!(
        secrets::<Login>("{name: a, password: no, more: [1, 2]}"),
        ["a.b.password", "a.b.more[0]", "a.b.more[1]"]
    );
    #[derive(Deserialize)]
    #[serde(tag = "type")]
    #[allow(dead_code, reason = "only read")]
    enum Way {
        Login { password: Secret<String> },
        None {},
    }
    assert_eq!(
        secrets::<Vec<Way>>("[{type: None}, {type: Login, password: x}]"),
        ["a.b[1]"]
    );
    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Flat {
        host: String,
        #[serde(flatten)]
        login: Login,
    }
    assert_eq!(
        secrets::<Flat>("{host: a, name: a, password: b}"),
        ["a.b.name", "a.b.password"]
    );
}

#[test]
fn a_secret_of_digits_is_a_text_in_a_tagged_enum_too() {
    #[derive(Deserialize)]
    #[serde(tag = "type")]
    enum Way {
        Login { pin: Secret<String>, port: u16 },
    }
    let Way::Login { pin, port } = read("{type: Login, pin: 0815, port: 80}");
    assert_eq!((&**pin.expose(), port), ("0815", 80));
    let Way::Login { pin, port } = read("{type: Login, pin: 4711, port: 80}");
    assert_eq!((&**pin.expose(), port), ("4711", 80));
}

#[test]
fn messages_do_not_show_secrets() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Login {
        pin: Secret<u16>,
        within: Secret<Duration>,
        level: Secret<Level>,
    }
    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    #[allow(dead_code, reason = "only read")]
    enum Way {
        Login(Login),
    }
    #[derive(Debug, Deserialize)]
    #[serde(tag = "type")]
    #[allow(dead_code, reason = "only read")]
    enum Tagged {
        Login(Login),
    }
    let text = "{type: Login, pin: hunter2, within: hunter2, level: hunter2}";
    for told in [
        wrong::<Login>(text),
        wrong::<Way>(text),
        wrong::<Tagged>(text),
    ] {
        assert!(!told.is_empty());
        assert!(
            told.iter().all(|message| !message.contains("hunter2")),
            "{told:?}"
        );
    }
    let mut node = tree("hunter2");
    node.origin = node.origin.secret();
    let problems = read_node::<u8>(&node, &Path::root(), "the test").unwrap_err();
    assert!(!problems.to_string().contains("hunter2"), "{problems}");
}

/// What a check of settings says of a secret may have the secret in it.
#[test]
fn what_a_check_tells_of_a_secret_is_not_shown() {
    #[derive(Debug, Deserialize)]
    struct Account {
        password: Secret<String>,
        #[serde(default)]
        user: String,
    }

    impl CheckSettings for Account {
        fn check(&self, faults: &mut Faults) {
            let password = self.password.expose();
            faults.tell("password", format!("is {password}"));
            faults.tell("user", format!("is `{}`", self.user));
        }
    }

    let told = wrong::<Checked<Account>>("user: me\npassword: hush");
    assert_eq!(
        told,
        [
            "2:11 `password` is a secret, and what is there cannot be read as one",
            "1:7 `user` is `me`"
        ]
    );
    let told = wrong::<BTreeMap<String, Vec<Checked<Account>>>>("a: [{ password: x }]");
    assert_eq!(
        told,
        [
            "1:17 `a[0].password` is a secret, and what is there cannot be read as one",
            "1:5 `a[0].user` is ``"
        ]
    );
}
