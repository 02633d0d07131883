//! `newleaf generate`, hidden: prints the files that are made by the program and checked in.

use clap::{CommandFactory as _, Subcommand};

use crate::{
    code,
    commands::Cli,
    config::raw,
    failure::{EXIT_CODES, Exit, Failure},
    session::Session,
};

/// Print a file that is made by the program itself
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The JSON schema of newleaf.yaml: docs/newleaf.schema.json
    Schema,
    /// The reference of all commands: docs/cli.md
    Cli,
    /// The list of all lints: docs/lints.md
    Lints,
}

/// Runs `newleaf generate`.
pub(crate) fn run(command: Command, session: &Session) -> Result<Exit, Failure> {
    let text = match command {
        Command::Schema => schema()?,
        Command::Cli => reference(),
        Command::Lints => lints(),
    };
    session.console().print(text)?;
    Ok(Exit::Done)
}

fn schema() -> Result<String, Failure> {
    let schema = schemars::schema_for!(raw::File);
    let text =
        serde_json::to_string_pretty(&schema).map_err(|error| Failure::new(&code::BUG, error))?;
    Ok(format!("{text}\n"))
}

fn lints() -> String {
    let pages =
        newleaf_x509::lint::table().map(|lint| format!("#{}\n", super::explain::page(lint)));
    let intro = "# Lints\n\nEvery rule that `newleaf lint` knows. Made by `newleaf generate lints`; do not edit.\n\n";
    std::iter::once(intro.to_owned())
        .chain(pages)
        .collect::<String>()
        .trim_end()
        .to_owned()
        + "\n"
}

fn reference() -> String {
    let mut command = Cli::command();
    command.build();
    let mut text = String::from(
        "# Commands\n\nThe reference of `newleaf`, made from its help texts by `newleaf generate cli`; do not edit.\n",
    );
    chapter(&mut command, "newleaf", &mut text);
    text
}

/// Writes the help of a command, then those of its own commands.
fn chapter(command: &mut clap::Command, name: &str, text: &mut String) {
    let help = command.render_long_help().to_string();
    let help: Vec<_> = help.lines().map(str::trim_end).collect();
    let help = help.join("\n").replace(EXIT_CODES, "");
    let help = help.trim_end();
    text.push_str(&format!("\n## {name}\n\n```text\n{help}\n```\n"));
    if name == "newleaf" {
        text.push_str(&format!("\n## Exit codes\n\n```text\n{EXIT_CODES}\n```\n"));
    }
    for command in command.get_subcommands_mut() {
        if !command.is_hide_set() && command.get_name() != "help" {
            let name = format!("{name} {}", command.get_name());
            chapter(command, &name, text);
        }
    }
}
