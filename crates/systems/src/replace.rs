//! Replaces a file at once: a reader sees the old contents or the new, never a part, also after a power failure.

use std::{io, io::Write as _, path::Path};

use fs_err::os::unix::fs::OpenOptionsExt as _;
use rustix::{fs::fchown, process::geteuid};

/// Readable by everybody, writable by the owner: for certificates.
pub(crate) const PUBLIC: u32 = 0o644;

/// For nobody but the owner: for keys.
pub(crate) const SECRET: u32 = 0o600;

/// Replaces `path`, or makes it.
///
/// The new contents are written beside the old ones and made durable before one rename puts them in place. If
/// anything fails, a full disk for example, the old file stands and nothing is left beside it.
pub(crate) fn replace(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    let beside = beside(path)?;
    remove_if_there(&beside)?;
    let replaced = create(&beside, contents, mode).and_then(|()| fs_err::rename(&beside, path));
    if let Err(error) = replaced {
        // The first error is the one to tell; a file that cannot be removed either will be by the next attempt.
        let _cleaned = remove_if_there(&beside);
        return Err(error);
    }
    sync_directory(parent(path)?)
}

/// Writes a new file and makes it durable; a file that is there already is an error.
///
/// Where newleaf runs as root, the file belongs to whom its directory belongs to: an identity that its holder
/// cannot read is none.
pub(crate) fn create(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    let mut file = fs_err::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(SECRET)
        .open(path)?;
    adopt(&file, parent(path)?)?;
    file.write_all(contents)?;
    // Said outright, because the mode of `open` is cut by the umask.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    file.set_permissions(mode)?;
    file.sync_all()
}

/// Makes the renames and creations in a directory durable.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    fs_err::File::open(directory)?.sync_all()
}

/// Removes a file, if there is one.
pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs_err::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Gives an open file or directory to the owner of `directory`, where we may.
pub(crate) fn adopt(file: &fs_err::File, directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;

    let (ours, theirs) = (file.metadata()?, fs_err::metadata(directory)?);
    if !geteuid().is_root() || (ours.uid(), ours.gid()) == (theirs.uid(), theirs.gid()) {
        return Ok(());
    }
    let owner = rustix::fs::Uid::from_raw(theirs.uid());
    let group = rustix::fs::Gid::from_raw(theirs.gid());
    Ok(fchown(file.file(), Some(owner), Some(group))?)
}

/// Returns the directory that a path lies in.
pub(crate) fn parent(path: &Path) -> io::Result<&Path> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Ok(Path::new(".")),
        Some(parent) => Ok(parent),
        None => Err(no_file_name(path)),
    }
}

/// The name is always the same, so that what a crash left behind is found and removed by the next replacement.
fn beside(path: &Path) -> io::Result<std::path::PathBuf> {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().ok_or_else(|| no_file_name(path))?);
    name.push(".newleaf");
    Ok(path.with_file_name(name))
}

fn no_file_name(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("expected the path of a file, found `{}`", path.display()),
    )
}
