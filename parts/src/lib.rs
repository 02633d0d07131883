//! Where tests find parts, which are not ours and which `cargo xtask test` prepares.
//!
//! **What lives here.** The way to the directory that `NEWLEAF_PARTS` names, and what is said of a part that is not there:
//! the test that wanted it goes on without, and in CI that is a failure.
//!
//! **What never will.** Fetching a part, which is `xtask`'s; anything that ships.
//!
//! **Where to start reading.** [`program`].
#![expect(
    clippy::print_stderr,
    reason = "a test tells of the parts that it lacks"
)]

use std::{env, path::PathBuf};

/// Returns the directory of all parts.
pub fn directory() -> Option<PathBuf> {
    env::var_os("NEWLEAF_PARTS").map(PathBuf::from)
}

/// Returns whether every part must be there.
pub fn are_required() -> bool {
    env::var_os("CI").is_some_and(|ci| ci == "true")
}

/// Returns a program among the parts, if it is there; else says that it is not.
#[track_caller]
pub fn program(name: &str) -> Option<PathBuf> {
    let program = directory().map(|parts| parts.join("bin").join(name));
    let found = program.filter(|program| program.exists());
    if found.is_none() {
        missing(&format!("`{name}`"));
    }
    found
}

/// Says that a part is missing.
///
/// # Panics
///
/// In CI.
#[track_caller]
pub fn missing(what: &str) {
    assert!(
        !are_required(),
        "expected {what} in NEWLEAF_PARTS, found none"
    );
    eprintln!("missing: NEWLEAF_PARTS holds no {what}, so what needs it was not tried");
}
