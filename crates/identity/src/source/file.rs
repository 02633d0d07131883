//! A file of an identity: opened without waiting for anybody, and read up to a bound.

use std::{
    fs::FileType,
    io,
    os::unix::fs::FileTypeExt as _,
    path::{Path, PathBuf},
};

use fs_err::os::unix::fs::OpenOptionsExt as _;
use rustix::fs::OFlags;
use zeroize::Zeroizing;

use super::{LoadError, MAX_BYTES, bounded};

/// Reads a regular file. What else may lie there has no end, or is waited for: opening a named pipe takes until somebody writes
/// to it, which may be never.
pub(super) fn read(path: PathBuf) -> Result<Zeroizing<String>, LoadError> {
    let file = open(&path).map_err(LoadError::Read)?;
    let metadata = file.metadata().map_err(LoadError::Read)?;
    if !metadata.is_file() {
        let found = kind(metadata.file_type());
        return Err(LoadError::NotAFile { path, found });
    }
    let found = metadata.len();
    if found > MAX_BYTES {
        return Err(LoadError::TooLarge { path, found });
    }
    // Some files say that they are empty, and are not: those of `/proc`.
    bounded(file).map_err(LoadError::Read)
}

fn open(path: &Path) -> io::Result<fs_err::File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    fs_err::OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
}

fn kind(found: FileType) -> &'static str {
    if found.is_dir() {
        "a directory"
    } else if found.is_fifo() {
        "a named pipe"
    } else if found.is_char_device() || found.is_block_device() {
        "a device"
    } else {
        "something else"
    }
}
