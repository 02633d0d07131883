//! `cargo xtask hot`: sees what of `newleaf-proxy` runs, and how often.
//!
//! First it counts, and writes `crates/proxy/hot.profdata`, by which the compiler makes fast what runs often and small what
//! never does (`counts.rs`). Then it sees which functions run, and writes `crates/proxy/hot.ld`, by which the linker lays
//! them side by side. The kernel maps a file in pieces of 64 KB and more: scattered over the program, a quarter of it keeps
//! four fifths of it in memory.
//!
//! The layout holds no addresses and no hashes, only patterns of names, so that it outlives changes. What it does not know
//! lies with the rest: that costs memory, and nothing else. What the counts do not know, since it has changed or its crate
//! has another version, is compiled as if there were none. Both are made anew when `cargo xtask bench-proxy` shows that
//! memory or the cost of a call has grown.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::environment::Environment;
use crate::process::{self, RunError};
use crate::programs::{self, BuildError};
use crate::shipped::{self, Detail, LAYOUT, ShipError};
use crate::workspace::Workspace;

mod counts;
mod map;

/// What the proxy does while it is watched: start and wait, carry calls, carry long polls.
const LOADS: &str = "Idle,S,P1000";

const HEAD: &str = "/* What runs in newleaf-proxy, side by side. Made by `cargo xtask hot`, which see. */\nSECTIONS\n{\n  .text.hot :\n  {\n";
const FOOT: &str = "  }\n}\nINSERT BEFORE .text;\n";

/// Why there is no layout, or are no counts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HotError {
    #[error("expected `{name}` on the path, found none")]
    NoTool { name: &'static str },
    #[error(
        "expected `llvm-profdata` in the toolchain, at `{}`: add it with `rustup component add llvm-tools`",
        path.display()
    )]
    NoCounter { path: PathBuf },
    #[error(transparent)]
    Ship(#[from] ShipError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("could not watch the proxy")]
    Watch { source: RunError },
    #[error("could not keep what was seen")]
    Keep { source: io::Error },
}

impl From<io::Error> for HotError {
    fn from(source: io::Error) -> Self {
        Self::Keep { source }
    }
}

/// Builds, counts, builds again, watches, writes.
pub(crate) fn run(workspace: &Workspace, environment: &Environment) -> Result<ExitCode, HotError> {
    let tool = |name| environment.find(name).ok_or(HotError::NoTool { name });
    let (valgrind, nm) = (tool("valgrind")?, tool("nm")?);
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--locked", "--quiet", "--profile", "release"]);
    cargo.args(["--package", "newleaf-benches"]);
    let benches = programs::build(&mut cargo)?;
    let benches = benches.get("newleaf-benches")?;
    counts::write(workspace, benches)?;
    let room = tempfile::tempdir()?;
    let map = room.path().join("map");
    let proxy = shipped::proxy_for(workspace, &programs::host()?, Detail::Mapped(&map))?;
    let watched = room.path().join("watched");
    let script = format!(
        "#!/bin/sh\nexec '{}' --tool=callgrind --demangle=no --callgrind-out-file='{}/%p.seen' '{}' \"$@\"\n",
        valgrind.display(),
        room.path().display(),
        proxy.display(),
    );
    fs_err::write(&watched, script)?;
    fs_err::set_permissions(&watched, std::fs::Permissions::from_mode(0o700))?;
    play(benches, &watched, LOADS, &[], room.path())?;
    let seen = seen(room.path())?;
    let map = fs_err::read_to_string(&map)?;
    let symbols = process::capture(Command::new(nm).arg(&proxy))
        .map_err(|source| HotError::Watch { source })?;
    let patterns = map::hot(&map, &map::places(&symbols, &seen));
    let place = workspace.root().join(LAYOUT);
    let patterns = together(patterns, &fs_err::read_to_string(&place)?);
    let lines = patterns.iter().map(|pattern| format!("    {pattern}\n"));
    let layout = format!("{HEAD}{}{FOOT}", lines.collect::<String>());
    fs_err::write(place, layout)?;
    println!(
        "{} functions ran; {} patterns are in {LAYOUT}",
        seen.len(),
        patterns.len()
    );
    Ok(ExitCode::SUCCESS)
}

/// Has a proxy carry loads. Whoever calls has a place where no peers are.
fn play(
    benches: &Path,
    proxy: &Path,
    loads: &str,
    environment: &[(&str, &Path)],
    nowhere: &Path,
) -> Result<(), HotError> {
    let mut command = Command::new(benches);
    command.args(["proxy", "--quick", "--targets", "newleaf", "--loads", loads]);
    command.arg("--newleaf").arg(proxy);
    command.arg("--parts").arg(nowhere);
    command.envs(environment.iter().copied());
    process::capture(&mut command)
        .map(drop)
        .map_err(|source| HotError::Watch { source })
}

/// Adds what the file has already: which of several functions that are alike lends its name to all, and what runs once in a
/// while, is not the same each time. Whoever wants to begin anew takes the lines out.
fn together(mut patterns: Vec<String>, file: &str) -> Vec<String> {
    let known: BTreeSet<String> = patterns.iter().cloned().collect();
    let lines = file
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with('*'));
    patterns.extend(
        lines
            .filter(|line| !known.contains(*line))
            .map(str::to_owned),
    );
    patterns
}

/// Returns the names of all functions that ran.
fn seen(room: &Path) -> io::Result<BTreeSet<String>> {
    let mut seen = BTreeSet::new();
    for entry in fs_err::read_dir(room)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "seen")
        {
            let text = fs_err::read_to_string(&path)?;
            seen.extend(text.lines().filter_map(function));
        }
    }
    Ok(seen)
}

/// Returns the function that a line of callgrind names, as `fn=(17) name` or `cfn=(17) name'2`; later lines say the number only.
fn function(line: &str) -> Option<String> {
    let (key, name) = line.split_once(") ")?;
    let key = key.strip_prefix('c').unwrap_or(key);
    if !key.starts_with("fn=(") {
        return None;
    }
    let name = name.split('\'').next()?;
    Some(name.to_owned())
}
