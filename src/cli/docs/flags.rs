//! The subcommands of the binary and their flags, as the binary itself parses them.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _};

use super::{cell, head};
use crate::cli::Cli;

/// The page.
pub fn page() -> String {
    let mut text = head("The binary", "Subcommands of `ordain` and their flags.");
    let mut cli = Cli::command();
    cli.build();
    for command in
        cli.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help")
    {
        section(command, &mut text);
    }
    text
}

fn section(command: &Command, text: &mut String) {
    let name = command.get_name();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let _ =
        write!(text, "\n## ordain {name}\n\n{}.\n\n```text\n{usage}\n```\n\n", about.trim_end_matches('.'));
    text.push_str("| flag | environment | default | meaning |\n|---|---|---|---|\n");
    let shown = |argument: &&Arg| {
        !argument.is_hide_set() && !["help", "version"].contains(&argument.get_id().as_str())
    };
    for argument in command.get_arguments().filter(shown) {
        row(argument, text);
    }
}

fn row(argument: &Arg, text: &mut String) {
    let environment = argument.get_env().map(|name| format!("`{}`", name.to_string_lossy()));
    let defaults: Vec<_> =
        argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default =
        (takes_value(argument) && !defaults.is_empty()).then(|| format!("`{}`", defaults.join(",")));
    let words: Vec<_> = match takes_value(argument) {
        true => {
            argument.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect()
        }
        false => Vec::new(),
    };
    let mut meaning = argument.get_help().map(ToString::to_string).unwrap_or_default();
    if !words.is_empty() {
        let _ = write!(meaning, ": {}", words.join(" or "));
    }
    let _ = writeln!(
        text,
        "| {} | {} | {} | {} |",
        spelled(argument),
        environment.unwrap_or_default(),
        default.unwrap_or_default(),
        cell(&meaning)
    );
}

fn takes_value(argument: &Arg) -> bool {
    argument.get_action().takes_values()
}

/// `-f`, `--filename <FILENAME>`, or the name of what stands without a flag.
fn spelled(argument: &Arg) -> String {
    let value = match argument.get_value_names() {
        Some([name, ..]) if takes_value(argument) => format!(" <{name}>"),
        _ => String::new(),
    };
    match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(long)) => format!("`-{short}`, `--{long}{value}`"),
        (None, Some(long)) => format!("`--{long}{value}`"),
        (Some(short), None) => format!("`-{short}{value}`"),
        (None, None) => format!("`{}`", value.trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_there_with_its_meaning() {
        let page = page();
        for row in [
            "| `--store <STORE>` | `ORDAIN_STORE` | `sqlite:///var/lib/ordain/ordain.db` |",
            "| `-f`, `--filename <FILENAME>` |",
            "| `--log-format <LOG_FORMAT>` | `ORDAIN_LOG_FORMAT` |  | How log lines look [default: text on a terminal, else json]: `text` or `json` |",
            "| `<BACKEND>` |",
            "| `--all` |",
        ] {
            assert!(page.contains(row), "{row} is not in\n{page}");
        }
        assert!(!page.contains("create-settle"), "what is hidden stays so");
        let silent: Vec<_> = page.lines().filter(|line| line.ends_with("|  |")).collect();
        assert!(silent.is_empty(), "{silent:?}");
    }
}
