//! Named pipes are read like files, and not waited for without an end.

use std::process::{Command, Stdio};

use super::*;
use crate::files::read_to_string;

fn pipe() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pipe");
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    (directory, path)
}

#[test]
fn a_pipe_without_a_writer_is_refused() {
    let (_directory, path) = pipe();
    let refused = read_to_string(&path).unwrap_err();
    assert!(refused.to_string().contains("found nobody"), "{refused}");
}

#[test]
fn a_text_without_an_end_is_refused() {
    let refused = read_to_string(Path::new("/dev/zero")).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
    assert!(refused.to_string().contains("found more"), "{refused}");
}

/// Writes into the pipe, each time after a while: before it is opened, and while it is read.
#[test]
fn a_pipe_is_read_to_its_end() {
    let script = "sleep 0.3; exec > \"$0\"; sleep 0.3; printf first; sleep 0.3; printf ', second'";
    let (_directory, path) = pipe();
    let mut writer = Command::new("sh")
        .args(["-c", script])
        .arg(&path)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(read_to_string(&path).unwrap().as_str(), "first, second");
    assert!(writer.wait().unwrap().success());
}
