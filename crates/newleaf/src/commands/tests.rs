//! The shape of the commands.

use clap::CommandFactory as _;

use super::*;

#[test]
fn the_arguments_fit_together() {
    Cli::command().debug_assert();
}

/// First lines stand in lists: imperative, no full stop.
#[test]
fn every_command_and_option_says_what_it_is_for() {
    check(&Cli::command());
}

#[track_caller]
fn check(command: &clap::Command) {
    let about = command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    assert!(
        !about.is_empty() && !about.ends_with('.'),
        "{}",
        command.get_name()
    );
    for option in command.get_arguments() {
        let help = option
            .get_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        let name = option.get_id();
        assert!(
            !help.is_empty() && !help.ends_with('.'),
            "{} {name}",
            command.get_name()
        );
    }
    for part in command.get_subcommands() {
        check(part);
    }
}
