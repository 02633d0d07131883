//! What whoever asks for help reads first.

use tokio::process::Command;

async fn help(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_newleaf-proxy"));
    let output = command.args(arguments).output().await.unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_first_line_says_what_the_program_does() {
    let about = "Carry gRPC calls to Temporal over mTLS, under an identity that is reloaded while calls run";
    for flag in ["-h", "--help"] {
        assert_eq!(help(&[flag]).await.lines().next(), Some(about), "{flag}");
    }
    let of_check = help(&["check", "-h"]).await;
    assert!(of_check.starts_with("Load the credentials"), "{of_check}");
}

#[tokio::test]
async fn the_limits_are_those_that_a_person_may_meet() {
    let help = help(&["--help"]).await;
    let (_, limits) = help.split_once("Limits:\n").unwrap();
    for bound in [
        "64 TLS handshakes of callers at each listener, 10 s for each\n",
        "16 connections to the admin endpoint, then the oldest is closed; 10 s for each request\n",
    ] {
        assert!(limits.contains(bound), "{limits}");
    }
}
