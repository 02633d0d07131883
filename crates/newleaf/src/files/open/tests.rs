//! Named pipes are read like files, and not waited for without an end.

use std::process::{Command, Stdio};

use super::*;

fn pipe() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pipe");
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    (directory, path)
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

#[test]
fn a_pipe_without_a_writer_is_refused() {
    let (_directory, path) = pipe();
    let refused = read(&path).unwrap_err();
    assert!(refused.to_string().contains("found nobody"), "{refused}");
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
    assert_eq!(read(&path).unwrap(), "first, second");
    assert!(writer.wait().unwrap().success());
}
