//! How often each part of the proxy runs, by which the compiler chooses what to inline, what to keep near, and what to make
//! small.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{HotError, play};
use crate::process;
use crate::programs;
use crate::shipped::{self, COUNTS, Detail};
use crate::workspace::Workspace;

/// What the proxy does while it is counted. A second or three of each: small calls are most of what runs, as they are most of
/// what workers say.
const LOADS: &str = "Idle,P1000,S,Sg,Sw,S1one,S8,M,L128,L,R2000";

/// Builds a proxy that counts, has it carry everything, and keeps the sum.
pub(super) fn write(workspace: &Workspace, benches: &Path) -> Result<(), HotError> {
    let tool = tool()?;
    let room = tempfile::tempdir()?;
    let proxy = shipped::proxy_for(workspace, &programs::host()?, Detail::Counting)?;
    let each = room.path().join("%p.profraw");
    let environment = [("LLVM_PROFILE_FILE", each.as_path())];
    play(benches, &proxy, LOADS, &environment, room.path())?;
    let mut merge = Command::new(tool);
    merge.args(["merge", "--sparse", "--output"]);
    merge.arg(workspace.root().join(COUNTS));
    for entry in fs_err::read_dir(room.path())? {
        merge.arg(entry?.path());
    }
    process::capture(&mut merge).map_err(|source| HotError::Watch { source })?;
    let size = fs_err::metadata(workspace.root().join(COUNTS))?.len();
    println!("{size} bytes of counts are in {COUNTS}");
    Ok(())
}

/// The toolchain's own: what another version writes, this compiler may not read.
fn tool() -> Result<PathBuf, HotError> {
    let mut ask = Command::new("rustc");
    ask.args(["--print", "sysroot"]);
    let sysroot = process::capture(&mut ask).map_err(|source| HotError::Watch { source })?;
    let mut path = PathBuf::from(sysroot.trim());
    path.extend(["lib", "rustlib", &programs::host()?, "bin", "llvm-profdata"]);
    if path.exists() {
        Ok(path)
    } else {
        Err(HotError::NoCounter { path })
    }
}
