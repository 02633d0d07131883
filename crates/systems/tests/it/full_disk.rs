//! A disk that is really full: a small file system of its own, in a mount namespace that ends with the test.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use newleaf_systems::file::FileError;

use crate::{
    desk::Desk,
    file::{leaf, names, presented, store},
};

/// Tells the child process below where the small disk is.
const DISK: &str = "NEWLEAF_TEST_DISK";

/// What a disk gives out at once, and how many of these the small one has.
const BLOCK: usize = 4096;
const BLOCKS: usize = 16;

/// Ways to a mount namespace of one's own: as root, and as anybody.
const WAYS: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];

/// Returns a command that mounts a small disk there and then runs what follows. Where neither way is open, the
/// test says so and passes; with `CI=true` it fails.
fn with_small_disk(directory: &Path) -> Option<Command> {
    const MOUNT: &str = r#"mount -t tmpfs -o "size=$0,mode=700" none "$1" && shift && exec "$@""#;
    let way = WAYS.into_iter().find(|way| {
        let mut trial = Command::new("unshare");
        let mounts = r#"mount -t tmpfs none "$0""#;
        trial.args(*way).args(["sh", "-c", mounts]).arg(directory);
        let quiet = trial.stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    });
    let Some(way) = way else {
        let is_required = std::env::var_os("CI").is_some_and(|ci| ci == "true");
        assert!(
            !is_required,
            "expected `unshare` to let us mount, found no way"
        );
        eprintln!("missing: `unshare` does not let us mount, so no disk was full");
        return None;
    };
    let mut command = Command::new("unshare");
    let size = (BLOCKS * BLOCK).to_string();
    command.args(way).args(["sh", "-c", MOUNT, &size]);
    command.arg(directory);
    Some(command)
}

#[test]
fn a_disk_without_room_leaves_the_old_identity_and_no_litter() {
    let directory = tempfile::tempdir().unwrap();
    let Some(mut command) = with_small_disk(directory.path()) else {
        return;
    };
    let child = "full_disk::the_child_on_a_small_disk";
    let output = command
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", child, "--nocapture"])
        .env(DISK, directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{output:?}");
    // Neither the key nor the chain had a place; then the chain alone had none.
    assert!(said.contains("refused with 0 blocks"), "{said}");
    assert!(said.contains("refused with 1 blocks"), "{said}");
    assert!(said.contains("stored with "), "{said}");
    assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 0);
}

/// Not a test of its own: the process that the test above puts on a small disk.
#[test]
fn the_child_on_a_small_disk() {
    let Some(disk) = std::env::var_os(DISK).map(PathBuf::from) else {
        return;
    };
    let (desk, _ca) = Desk::with_ca();
    let path = disk.join("worker-a");
    let old = store(&path, &leaf(&desk)).unwrap();
    let there = names(&path);
    let ballast = Ballast::fill(disk.join("ballast"));
    let new = leaf(&desk);
    for free in 0..BLOCKS {
        ballast.leave(free);
        match store(&path, &new) {
            Err(FileError::Write(error)) => {
                assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{error}");
                assert_eq!(presented(&path), old);
                assert_eq!(names(&path), there);
                println!("\nrefused with {free} blocks: {error}");
            }
            Err(other) => panic!("{other:?}"),
            Ok(stored) => {
                assert_eq!(presented(&path), stored);
                println!("\nstored with {free} blocks");
                return;
            }
        }
    }
    panic!("never stored");
}

/// What keeps a disk full.
struct Ballast {
    path: PathBuf,
    blocks: usize,
}

impl Ballast {
    fn fill(path: PathBuf) -> Self {
        use std::io::Write as _;

        let mut file = fs_err::File::create(&path).unwrap();
        let mut blocks = 0;
        while file.write_all(&[0; BLOCK]).is_ok() {
            blocks += 1;
        }
        Self { path, blocks }
    }

    fn leave(&self, free: usize) {
        let blocks = self.blocks.saturating_sub(free);
        fs_err::write(&self.path, vec![0; blocks * BLOCK]).unwrap();
    }
}
