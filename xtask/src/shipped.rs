//! The programs as they are shipped. Whatever is measured of them is built here, and nowhere else.
//!
//! `newleaf-proxy` is linked statically with the C library of this machine, so that it runs on any Linux, and in an empty
//! image. What it touches while it runs lies together in it, as `crates/proxy/hot.ld` has it (docs/decisions/0035), and is
//! compiled to be fast, as `crates/proxy/hot.profdata` has it (docs/decisions/0037).

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use newleaf_x509::Fingerprint;

use crate::process;
use crate::programs::{self, BuildError};
use crate::workspace::Workspace;

/// The profile of newleaf as it is shipped.
const NEWLEAF: &str = "dist";

/// That of the proxy.
const PROXY: &str = "sidecar";

/// Which functions lie together in the proxy.
pub(crate) const LAYOUT: &str = "crates/proxy/hot.ld";

/// How often each part of the proxy ran.
pub(crate) const COUNTS: &str = "crates/proxy/hot.profdata";

/// What never ran is made small, however little there is of it; and what changed since it was counted is not worth a word.
const BY_COUNTS: &str = "-Cllvm-args=-pgso-lwss-only=false -no-pgo-warn-mismatch";

/// How an ELF file begins the name of the loader that it needs, if it is not static.
const LOADER: &[u8] = b"/ld-linux";

/// What only the C library's own look-up of names reads. It loads libraries of the machine, and where they are others than
/// those of the machine that linked it, it crashes.
const NAMES: &[u8] = b"/etc/nsswitch.conf";

/// Why there is no program that could be shipped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShipError {
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("could not lay the program out")]
    LayOut { source: io::Error },
    #[error("could not read what was built")]
    Read { source: io::Error },
    #[error(
        "expected a static program, found `{}` in it",
        String::from_utf8_lossy(sign)
    )]
    NotStatic { sign: &'static [u8] },
    #[error("the program that was built does not run here")]
    Run { source: process::RunError },
}

/// What one wants besides the program.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Detail<'a> {
    /// Nothing.
    Stripped,
    /// The names of functions, and a list of where they are.
    Mapped(&'a Path),
    /// That it counts what runs. It says so where `LLVM_PROFILE_FILE` tells it to. It is not shipped.
    Counting,
}

/// Builds newleaf, and returns where it is.
pub(crate) fn newleaf(workspace: &Workspace) -> Result<PathBuf, ShipError> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--locked", "--quiet", "--profile", NEWLEAF]);
    cargo.args(["--package", "newleaf", "--bin", "newleaf"]);
    Ok(programs::build(&mut cargo)?.get("newleaf")?.to_owned())
}

/// Builds the proxy for this machine, sees that it is static and runs, and returns where it is.
pub(crate) fn proxy(workspace: &Workspace) -> Result<PathBuf, ShipError> {
    let program = proxy_for(workspace, &programs::host()?, Detail::Stripped)?;
    process::capture(Command::new(&program).arg("--version"))
        .map_err(|source| ShipError::Run { source })?;
    Ok(program)
}

/// Builds the proxy for a target, alone, so that no other program's wishes change what its dependencies are made of.
pub(crate) fn proxy_for(
    workspace: &Workspace,
    target: &str,
    detail: Detail<'_>,
) -> Result<PathBuf, ShipError> {
    let keep =
        |file, kind| keep(workspace, file, kind).map_err(|source| ShipError::LayOut { source });
    let layout = keep(LAYOUT, "ld")?;
    let mut flags = vec!["-Ctarget-feature=+crt-static".to_owned()];
    if let Detail::Counting = detail {
        flags.push(format!("-Cprofile-generate={}", kept(workspace).display()));
    } else {
        let counts = keep(COUNTS, "profdata")?;
        flags.push(format!("-Cprofile-use={}", counts.display()));
        flags.push(BY_COUNTS.to_owned());
    }
    // Flags without quotes or other characters that mean something in TOML.
    let flags = format!("target.{target}.rustflags={flags:?}");
    let mut cargo = workspace.cargo();
    cargo.args(["rustc", "--locked", "--quiet", "--profile", PROXY]);
    cargo.args(["--package", "newleaf-proxy", "--bin", "newleaf-proxy"]);
    // With a target named, the flags are not those of build scripts and macros.
    cargo.args(["--target", target, "--config", &flags]);
    let mut rustc = Vec::new();
    let mut link = |argument: &str| rustc.push(format!("-Clink-arg=-Wl,{argument}"));
    link(&format!("-T,{}", layout.display()));
    // Where the program is loaded is drawn anew at each start (ASLR), and what that changes in it is listed in 3 KB, not in 260.
    link("-z,pack-relative-relocs");
    // Functions that are alike become one; strings too.
    link("--icf=all");
    link("-O2");
    match detail {
        Detail::Stripped => rustc.push("-Cstrip=symbols".to_owned()),
        Detail::Mapped(map) => {
            link(&format!("-Map,{}", map.display()));
            rustc.push("-Cstrip=none".to_owned());
        }
        Detail::Counting => {}
    }
    let built = programs::build_by(&mut cargo, &rustc)?;
    let program = built.get("newleaf-proxy")?.to_owned();
    if let Detail::Counting = detail {
        return Ok(program);
    }
    let bytes = fs_err::read(&program).map_err(|source| ShipError::Read { source })?;
    for sign in [LOADER, NAMES] {
        if bytes.windows(sign.len()).any(|found| found == sign) {
            return Err(ShipError::NotStatic { sign });
        }
    }
    Ok(program)
}

/// Returns a copy of a file of the workspace that is called by its content: cargo builds anew when a name changes, and does
/// not look into the file.
fn keep(workspace: &Workspace, file: &str, kind: &str) -> io::Result<PathBuf> {
    let content = fs_err::read(workspace.root().join(file))?;
    let place = kept(workspace);
    fs_err::create_dir_all(&place)?;
    let path = place.join(format!("{}.{kind}", Fingerprint::of(&content)));
    fs_err::write(&path, content)?;
    Ok(path)
}

fn kept(workspace: &Workspace) -> PathBuf {
    workspace.root().join("target").join("layout")
}
