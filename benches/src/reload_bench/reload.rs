//! How each target is told of a new identity: the best way that its documentation knows.

use std::{
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
    process::Command,
    time::Duration,
};

use rustix::process::Signal;

use super::ReloadError;
use crate::{
    pki,
    process::Process,
    targets::{Running, Stage, Target},
};

/// For one answer of a runtime socket.
const ANSWER: Duration = Duration::from_secs(5);

/// Tells a target. Those that watch their files need no telling.
pub(super) fn reload(running: &Running, stage: &Stage) -> Result<(), ReloadError> {
    let Some(process) = &running.process else {
        return Ok(());
    };
    match running.target {
        // newleaf and Envoy watch the directory; the others read the files for each connection, or never.
        Target::Newleaf
        | Target::Envoy
        | Target::GrpcGo
        | Target::L4
        | Target::Direct
        | Target::TemporalProxy => Ok(()),
        Target::Nginx | Target::Ghostunnel => Ok(process.signal(Signal::HUP)?),
        Target::Haproxy => haproxy(running, stage),
        Target::Traefik => Ok(traefik(running)?),
        Target::Caddy => caddy(running, stage),
    }
}

/// The runtime socket replaces the certificate in memory: no reload, no process lost.
fn haproxy(running: &Running, stage: &Stage) -> Result<(), ReloadError> {
    let file = stage.pki.live().join(pki::LIVE_BOTH);
    let text = fs_err::read_to_string(&file)?;
    let file = file.display();
    for command in [
        format!("set ssl cert {file} <<\n{}\n\n", text.trim_end()),
        format!("commit ssl cert {file}\n"),
    ] {
        let mut socket = UnixStream::connect(running.files.join("haproxy.sock"))?;
        socket.set_read_timeout(Some(ANSWER))?;
        socket.write_all(command.as_bytes())?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
    }
    Ok(())
}

/// The dynamic file changes by a comment; with it the certificate is read again.
fn traefik(running: &Running) -> io::Result<()> {
    let file = running.files.join("traefik.d").join("dynamic.yaml");
    let text = fs_err::read_to_string(&file)?;
    let fresh = running.files.join("dynamic.fresh");
    let mut written = fs_err::File::create(&fresh)?;
    written.write_all(text.as_bytes())?;
    written.write_all(b"# again\n")?;
    fs_err::rename(fresh, file)
}

fn caddy(running: &Running, stage: &Stage) -> Result<(), ReloadError> {
    let mut command = Command::new(stage.parts.join("caddy"));
    command.env("HOME", &running.files);
    command.args(["reload", "--force", "--adapter", "caddyfile", "--config"]);
    command
        .arg(running.files.join("Caddyfile"))
        .arg("--address");
    command.arg(format!(
        "unix/{}",
        running.files.join("caddy.sock").display()
    ));
    let log = running.files.join("reload.log");
    let mut reloading = Process::start(&mut command, stage.core, &log)?;
    reloading.wait(ANSWER);
    Ok(())
}
