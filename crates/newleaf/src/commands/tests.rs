//! The shape of the commands.

use clap::CommandFactory as _;

use super::*;

#[test]
fn the_arguments_fit_together() {
    Cli::command().debug_assert();
}

/// What newleaf.yaml says of a trust domain is not said again by flags.
#[test]
fn a_trust_domain_takes_no_flag_of_what_stands_alone() {
    let parse = |line: &str| Cli::try_parse_from(format!("newleaf {line}").split(' ')).map(drop);
    let both = [
        "--out x --common-name c",
        "--common-name c",
        "--common-name c --organization o",
        "--key rsa-2048",
        "--lifetime 3d",
        "--backdate 1h",
        "--passphrase env:P",
    ];
    let of_ca = [
        "--parent p",
        "--path-length 1",
        "--permit dns:x",
        "--exclude dns:x",
        "--unencrypted",
    ];
    let of_leaf = [
        "--ca c",
        "--san dns:x",
        "--organizational-unit u",
        "--profile p",
        "--shorten",
    ];
    for (command, own) in [("ca new d", of_ca), ("leaf issue d h", of_leaf)] {
        assert!(parse(command).is_ok(), "{command}");
        for flags in both.iter().chain(&own) {
            let line = format!("{command} {flags}");
            assert!(parse(&line).is_err(), "{line}");
        }
    }
    assert!(parse("leaf issue d h --force").is_ok());
    assert!(parse("leaf issue d").is_err());
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
