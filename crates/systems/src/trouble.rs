//! From an adapter's error to the one form in which a rotation hears of it.

use std::{error::Error, io};

use newleaf_rotation::{Again, Trouble};

/// An error that knows whether trying again can help.
pub(crate) trait Retry: Error {
    /// Returns whether trying again can help, and how.
    fn again(&self) -> Again;
}

/// Makes the trouble of an error: its whole chain of causes in one line.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it stands in `map_err`, which gives the error away"
)]
pub(crate) fn of<E: Retry>(error: E) -> Trouble {
    Trouble {
        again: error.again(),
        what: chain(&error),
    }
}

/// Prints an error and its causes in one line, whatever line breaks a server put into its words.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Judges an error of the file system: what a person must change first, and what may pass, such as a full disk.
pub(crate) fn again_after(error: &io::Error) -> Again {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the list of kinds is the standard library's and grows"
    )]
    match error.kind() {
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::IsADirectory => Again::Never,
        _ => Again::Same,
    }
}
