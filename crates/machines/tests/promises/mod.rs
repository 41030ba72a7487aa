//! What every connection promises, whatever the way.
#![allow(dead_code, reason = "not every test file uses all of it")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use byname_machines::{Bounds, Command, Connection, ConnectionError, Status};

/// `connection` begins in `folder`, which is on this machine.
pub(crate) fn commands(connection: &dyn Connection, folder: &Path) {
    let output = connection
        .run(&Command::new("sh").args(["-c", "echo out; echo err >&2; exit 7"]))
        .unwrap();
    assert_eq!(output.status, Status::Code(7));
    assert_eq!(
        (&*output.stdout, &*output.stderr),
        (&b"out\n"[..], &b"err\n"[..])
    );
    assert!(!output.stdout_truncated && !output.stderr_truncated);

    let pwd = |command: Command| {
        let output = connection.run(&command).unwrap();
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    };
    let real = fs::canonicalize(folder).unwrap();
    let real = real.to_str().unwrap();
    assert_eq!(pwd(Command::new("pwd").arg("-P")), real);
    fs::create_dir(folder.join("-a b'c")).unwrap();
    assert_eq!(
        pwd(Command::new("pwd").arg("-P").folder("-a b'c")),
        format!("{real}/-a b'c")
    );
    assert_eq!(pwd(Command::new("pwd").folder("/")), "/");
    let home = pwd(Command::new("sh").args(["-c", "cd && pwd -P"]));
    assert_eq!(pwd(Command::new("pwd").arg("-P").folder("~")), home);

    let value = "a b'c\n$(id)\\ü";
    let line = "printf '%s|%s' \"$BYNAME_A\" \"$BYNAME_B\"";
    let with = Command::new("sh")
        .args(["-c", line])
        .env("BYNAME_A", value)
        .env("BYNAME_B", "");
    assert_eq!(
        connection.run(&with).unwrap().stdout,
        format!("{value}|").into_bytes()
    );

    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let cat = Command::new("cat").stdin(bytes.clone());
    assert!(connection.run(&cat).unwrap().stdout == bytes);
    // Without anything to read, the end is at the beginning.
    assert_eq!(connection.run(&Command::new("cat")).unwrap().stdout, b"");

    fs::write(folder.join("tool"), "#!/bin/sh\necho here\n").unwrap();
    let not_executable = connection.run(&Command::new("./tool")).unwrap_err();
    assert!(matches!(not_executable, ConnectionError::Permission { path } if path == "./tool"));
    fs::set_permissions(folder.join("tool"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(
        connection.run(&Command::new("./tool")).unwrap().stdout,
        b"here\n"
    );

    for missing in ["byname-no-such-program", "./no such", "/no/such"] {
        let error = connection.run(&Command::new(missing)).unwrap_err();
        assert!(
            matches!(&error, ConnectionError::NotFound { path } if path == missing),
            "{error}"
        );
    }
    let error = connection
        .run(&Command::new("true").folder("/no/such"))
        .unwrap_err();
    assert!(
        matches!(&error, ConnectionError::NotFound { path } if path == "/no/such"),
        "{error}"
    );
    for invalid in [
        Command::new(""),
        Command::new("-x"),
        Command::new("a=b"),
        Command::new("a\0b"),
        Command::new("true").arg("\0"),
        Command::new("true").env("a b", ""),
        Command::new("true").env("", ""),
        Command::new("true").env("A", "\0"),
        Command::new("true").folder(""),
    ] {
        let error = connection.run(&invalid).unwrap_err();
        assert!(matches!(error, ConnectionError::Invalid { .. }), "{error}");
    }
}

pub(crate) fn awkward_arguments(connection: &dyn Connection) {
    let awkward = [
        "",
        " ",
        "'",
        "''",
        "\"",
        "\\",
        "\\'",
        "it's",
        "$(touch /tmp/byname-injected)",
        "`id`",
        "${HOME}",
        "$HOME",
        "~",
        "~/x",
        "*",
        "?",
        "[a-z]",
        "{a,b}",
        "a\nb",
        "\n",
        "a\r\nb",
        "\t",
        "-n",
        "--",
        "-",
        "--help",
        ";id",
        "a;b",
        "a&b",
        "a|b",
        "a>b",
        "a<b",
        "#a",
        "!a",
        "!!",
        "=a",
        "a=b",
        "%s%n",
        "ü€🦀",
        "\u{1}\u{7f}\u{1b}[0m",
        "~root",
        "'$(id)'",
        "'; id; '",
    ];
    let command = Command::new("printf").arg("%s\\0").args(awkward);
    let output = connection.run(&command).unwrap();
    let expected: Vec<u8> = awkward
        .iter()
        .flat_map(|arg| [arg.as_bytes(), b"\0"].concat())
        .collect();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&expected)
    );
    assert_eq!(output.status, Status::Code(0));
    // A program that is found by a name of a shell's own is the program all the same.
    let echo = connection.run(&Command::new("echo").arg("a\\nb")).unwrap();
    assert_eq!(echo.stdout, b"a\\nb\n");
}

pub(crate) fn outputs_are_bounded(connection: &dyn Connection) {
    let line = "head -c 200000 /dev/zero; head -c 200000 /dev/zero >&2; exit 3";
    let run = |bytes| {
        let bounds = Bounds::new().at_most(bytes);
        connection
            .run(&Command::new("sh").args(["-c", line]).bounds(bounds))
            .unwrap()
    };
    for bytes in [0, 1, 1_000, 199_999] {
        let output = run(bytes);
        assert_eq!(output.status, Status::Code(3));
        assert_eq!(
            (output.stdout.len(), output.stdout_truncated),
            (bytes, true)
        );
        assert_eq!(
            (output.stderr.len(), output.stderr_truncated),
            (bytes, true)
        );
    }
    for bytes in [200_000, 200_001] {
        let output = run(bytes);
        assert_eq!(
            (output.stdout.len(), output.stdout_truncated),
            (200_000, false)
        );
        assert_eq!(
            (output.stderr.len(), output.stderr_truncated),
            (200_000, false)
        );
    }
}

pub(crate) fn files(connection: &dyn Connection, folder: &Path) {
    let bounds = Bounds::new();
    let names = |folder: &Path| {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    for (name, content) in [
        ("plain", &b"content\n"[..]),
        ("empty", b""),
        ("large", &bytes),
        ("-n", b"-e"),
        ("a b'c$(id)", b"x"),
        ("new\nline\n", b"x"),
        ("~", b"not the home"),
    ] {
        let path = if name == "~" { "./~" } else { name };
        assert!(!connection.exists(path, bounds).unwrap(), "{name}");
        let missing = connection.read_file(path, bounds).unwrap_err();
        assert!(
            matches!(&missing, ConnectionError::NotFound { path: of } if of == path),
            "{missing}"
        );
        connection.write_file(path, content, None, bounds).unwrap();
        assert_eq!(fs::read(folder.join(name)).unwrap(), content);
        assert_eq!(mode(&folder.join(name)), 0o644);
        assert!(connection.exists(path, bounds).unwrap());
        assert!(connection.read_file(path, bounds).unwrap() == content);
    }
    assert_eq!(
        names(folder),
        [
            "-n",
            "a b'c$(id)",
            "empty",
            "large",
            "new\nline\n",
            "plain",
            "~"
        ]
    );

    // What was there is replaced, with its mode or another.
    connection
        .write_file("plain", b"second", Some(0o600), bounds)
        .unwrap();
    assert_eq!(mode(&folder.join("plain")), 0o600);
    connection
        .write_file("plain", b"third", None, bounds)
        .unwrap();
    assert_eq!(mode(&folder.join("plain")), 0o600);
    connection
        .write_file("plain", b"fourth", Some(0o755), bounds)
        .unwrap();
    assert_eq!(mode(&folder.join("plain")), 0o755);
    assert_eq!(connection.read_file("plain", bounds).unwrap(), b"fourth");
    let absolute = folder.join("plain").to_str().unwrap().to_owned();
    assert_eq!(connection.read_file(&absolute, bounds).unwrap(), b"fourth");

    assert_eq!(
        connection.read_file("plain", bounds.at_most(6)).unwrap(),
        b"fourth"
    );
    let large = connection
        .read_file("plain", bounds.at_most(5))
        .unwrap_err();
    assert!(
        matches!(&large, ConnectionError::TooLarge { limit: 5, .. }),
        "{large}"
    );

    fs::create_dir(folder.join("folder")).unwrap();
    assert!(connection.exists("folder", bounds).unwrap());
    for refused in [
        connection.read_file("folder", bounds).unwrap_err(),
        connection
            .write_file("folder", b"", None, bounds)
            .unwrap_err(),
    ] {
        assert!(
            matches!(&refused, ConnectionError::NotAFile { .. }),
            "{refused}"
        );
    }
    assert!(!connection.exists("no/such", bounds).unwrap());
    assert!(!connection.exists("plain/x", bounds).unwrap());
    for refused in [
        connection.read_file("no/such", bounds).unwrap_err(),
        connection
            .write_file("no/such", b"", None, bounds)
            .unwrap_err(),
        connection
            .write_file("plain/x", b"", None, bounds)
            .unwrap_err(),
    ] {
        assert!(
            matches!(&refused, ConnectionError::NotFound { .. }),
            "{refused}"
        );
    }
    assert!(names(&folder.join("folder")).is_empty());
    assert_eq!(names(folder).len(), 8);
    for invalid in ["", "a\0b"] {
        let error = connection.exists(invalid, bounds).unwrap_err();
        assert!(matches!(error, ConnectionError::Invalid { .. }));
    }
}
