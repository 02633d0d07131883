//! `newleaf generate`, hidden: prints the files that are made by the program and checked in.

mod zlint;

use clap::{CommandFactory as _, Subcommand};

use crate::{
    code,
    commands::Cli,
    config::raw,
    failure::{EXIT_CODES, Exit, Failure},
    session::Session,
};

/// How wide the reference is.
const WIDTH: usize = 100;

/// Print a file that is made by the program itself
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The JSON schema of newleaf.yaml: docs/newleaf.schema.json
    Schema,
    /// The reference of all commands: docs/cli.md
    Cli,
    /// The list of all lints: docs/lints.md
    Lints,
    /// The list of all rules of plans: docs/plan-rules.md
    PlanRules,
}

/// Runs `newleaf generate`.
pub(crate) fn run(command: &Command, session: &Session) -> Result<Exit, Failure> {
    let text = match command {
        Command::Schema => schema()?,
        Command::Cli => reference(),
        Command::Lints => lints(),
        Command::PlanRules => plan_rules(),
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

fn plan_rules() -> String {
    let pages = newleaf_rotation::check::table()
        .map(|rule| format!("#{}\n", super::explain::rule_page(rule)));
    let intro = "# Rules of plans\n\nEvery rule that a plan is judged by before it is shown or started. Made by `newleaf generate plan-rules`; do not edit.\n\n";
    std::iter::once(intro.to_owned())
        .chain(pages)
        .collect::<String>()
        .trim_end()
        .to_owned()
        + "\n"
}

fn lints() -> String {
    let pages =
        newleaf_x509::lint::table().map(|lint| format!("#{}\n", super::explain::page(lint)));
    let intro = "# Lints\n\nEvery rule that `newleaf lint` knows. Made by `newleaf generate lints`; do not edit.\n\n";
    let chapters = std::iter::once(intro.to_owned()).chain(pages);
    chapters.chain([zlint::chapter()]).collect()
}

fn reference() -> String {
    // As wide on every machine, whatever terminal it runs in.
    let mut command = Cli::command().term_width(WIDTH);
    command.build();
    let intro = "# Commands\n\nThe reference of `newleaf`, made from its help texts by `newleaf generate cli`; do not edit.\n";
    let exits = format!("\n## Exit codes\n\n```text\n{EXIT_CODES}\n```\n");
    [intro.to_owned(), chapter(&mut command, "newleaf"), exits].concat()
}

/// Writes the help of a command, then those of its own commands.
fn chapter(command: &mut clap::Command, name: &str) -> String {
    let help = command
        .render_long_help()
        .to_string()
        .replace(EXIT_CODES, "");
    let help: Vec<_> = help.lines().map(str::trim_end).collect();
    let own = format!(
        "\n## {name}\n\n```text\n{}\n```\n",
        help.join("\n").trim_end()
    );
    let parts = command
        .get_subcommands_mut()
        .filter(|part| !part.is_hide_set() && part.get_name() != "help")
        .map(|part| {
            let name = format!("{name} {}", part.get_name());
            chapter(part, &name)
        });
    std::iter::once(own).chain(parts).collect()
}
