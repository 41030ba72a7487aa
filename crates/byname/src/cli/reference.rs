//! The reference of the command line, written from its definition.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::{Arg, Command, CommandFactory as _};

use super::Cli;

const PATH: &str = "../../docs/cli.md";

#[test]
fn the_reference_says_what_the_program_says() {
    let mut root = Cli::command();
    root.build();
    let mut text = String::from(
        "# The command line\n\nWritten from the program's own definition of its commands; \
         `UPDATE_EXPECT=1 cargo test -p byname` writes it anew.\n",
    );
    describe(&mut text, &root, "byname", &[]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PATH);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text, kept,
        "docs/cli.md differs; UPDATE_EXPECT=1 writes it anew"
    );
}

/// Describes a command and those below it. `above` are the arguments that commands above it give to
/// all that are below them: they are described there.
fn describe(text: &mut String, command: &Command, name: &str, above: &[&str]) {
    write!(text, "\n## `{name}`\n").unwrap();
    if let Some(about) = command.get_long_about().or(command.get_about()) {
        write!(text, "\n{about}\n").unwrap();
    }
    let usage = command.clone().override_help("").render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").lines().map(str::trim);
    write!(
        text,
        "\n```text\n{}\n```\n",
        usage.collect::<Vec<_>>().join("\n")
    )
    .unwrap();

    let shown = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set());
    let own: Vec<&Arg> = shown
        .filter(|argument| !above.contains(&argument.get_id().as_str()))
        .collect();
    if !own.is_empty() {
        text.push_str("\n| argument | meaning |\n|---|---|\n");
        for argument in own {
            writeln!(text, "| {} | {} |", form(argument), meaning(argument)).unwrap();
        }
    }
    if let Some(after) = command.get_after_help() {
        let after = after.to_string();
        match after.split_once("Examples:\n") {
            Some((_, examples)) => {
                let (examples, rest) = examples.split_once("\n\n").unwrap_or((examples, ""));
                let lines: Vec<&str> = examples.lines().map(str::trim).collect();
                write!(text, "\n```console\n{}\n```\n", lines.join("\n")).unwrap();
                if !rest.is_empty() {
                    write!(text, "\n{rest}\n").unwrap();
                }
            }
            None => write!(text, "\n{after}\n").unwrap(),
        }
    }
    let mut above = above.to_vec();
    above.extend(
        command
            .get_arguments()
            .filter(|argument| in_every_command(argument))
            .map(|argument| argument.get_id().as_str()),
    );
    for inner in command.get_subcommands() {
        describe(text, inner, &format!("{name} {}", inner.get_name()), &above);
    }
}

/// Whether all commands below take an argument as well: it is described once.
fn in_every_command(argument: &Arg) -> bool {
    argument.is_global_set() || matches!(argument.get_id().as_str(), "help" | "version")
}

/// How an argument is written.
fn form(argument: &Arg) -> String {
    let value = argument
        .get_value_names()
        .filter(|_| argument.get_action().takes_values())
        .map(|names| {
            names
                .iter()
                .map(|name| format!("<{name}>"))
                .collect::<Vec<_>>()
                .join(" ")
        });
    let mut names = Vec::new();
    names.extend(argument.get_short().map(|short| format!("-{short}")));
    names.extend(argument.get_long().map(|long| format!("--{long}")));
    let mut form = names.join(", ");
    if let Some(value) = value {
        if !form.is_empty() {
            form.push(' ');
        }
        form.push_str(&value);
    }
    format!("`{form}`")
}

/// What an argument means, in one cell of a table.
fn meaning(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help());
    let mut meaning = help
        .map(ToString::to_string)
        .unwrap_or_default()
        .replace("\n\n", " ");
    let defaults: Vec<_> = argument
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy())
        .collect();
    if !meaning.ends_with('.') {
        meaning.push('.');
    }
    if !defaults.is_empty() && argument.get_action().takes_values() {
        write!(meaning, " Default: `{}`.", defaults.join(" ")).unwrap();
    }
    if let Some(variable) = argument.get_env() {
        write!(meaning, " Also from `{}`.", variable.to_string_lossy()).unwrap();
    }
    meaning.replace('\n', " ").replace('|', "\\|")
}
