//! Identity directories: never torn, also when the writer is killed or the disk is full.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
};

use jiff::SignedDuration;
use newleaf_identity::{directory, generate::KeyKind};
use newleaf_rotation::HolderId;
use newleaf_systems::{
    file::{FileError, IdentityDirectory},
    issuer::{LeafEnd, LeafRequest, NewLeaf},
    ledger::Role,
};
use newleaf_x509::{Fingerprint, issue::Subject};

use crate::desk::{Desk, OLD, now};

/// Tells the child process below where to write.
const STORE: &str = "NEWLEAF_TEST_STORE";

pub(crate) fn leaf(desk: &Desk) -> NewLeaf {
    let request = LeafRequest {
        generation: OLD,
        subject: Subject::new("worker-a", None, None).unwrap(),
        sans: Vec::new(),
        key: KeyKind::EcdsaP256,
        lifetime: SignedDuration::from_hours(24),
        end: LeafEnd::Refused,
        role: Role::Holder(HolderId::new("worker-a")),
        rotation: None,
    };
    desk.ca().sign(request, &*desk.ledger, now()).unwrap()
}

pub(crate) fn store(path: &Path, new: &NewLeaf) -> Result<Fingerprint, FileError> {
    IdentityDirectory::new(path).store(&new.chain, &new.key, now())?;
    Ok(new.chain.leaf().fingerprint())
}

/// What a reader would present.
pub(crate) fn presented(path: &Path) -> Fingerprint {
    directory::load(path, now()).unwrap().fingerprint()
}

pub(crate) fn names(path: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(path).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_stored_is_what_a_reader_loads() {
    let (desk, _ca) = Desk::with_ca();
    let path = desk.path("worker-a");
    let stored = store(&path, &leaf(&desk)).unwrap();
    assert_eq!(presented(&path), stored);
    assert_eq!(names(&path), ["..data", "..v1", "tls.crt", "tls.key"]);
    let mode = |file: &str| {
        fs_err::metadata(path.join(file))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!((mode("tls.crt"), mode("tls.key")), (0o644, 0o600));
    let seen = IdentityDirectory::new(&path).chain().unwrap().unwrap();
    assert_eq!(seen.leaf().fingerprint(), stored);
}

#[test]
fn the_previous_version_is_kept_and_older_ones_are_not() {
    let (desk, _ca) = Desk::with_ca();
    let path = desk.path("worker-a");
    let stored: Vec<_> = (0..4)
        .map(|_| store(&path, &leaf(&desk)).unwrap())
        .collect();
    assert_eq!(
        names(&path),
        ["..data", "..v3", "..v4", "tls.crt", "tls.key"]
    );
    assert_eq!(presented(&path), stored[3]);
    assert_eq!(presented(&path.join("..v3")), stored[2]);
}

/// Nobody cleans up after a crash that comes right after the swap: what was asked for is reached then.
#[test]
fn at_no_instant_is_there_more_than_the_next_crash_may_leave() {
    let (desk, _ca) = Desk::with_ca();
    let path = desk.path("worker-a");
    store(&path, &leaf(&desk)).unwrap();
    let leaves: Vec<_> = (0..30).map(|_| leaf(&desk)).collect();
    let is_over = AtomicBool::new(false);
    let most = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut most = 0;
            while !is_over.load(Ordering::Relaxed) {
                let names = names(&path);
                let is_version = |name: &&String| name.starts_with("..v");
                most = most.max(names.iter().filter(is_version).count());
            }
            most
        });
        for leaf in &leaves {
            store(&path, leaf).unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        watcher.join().unwrap()
    });
    assert_eq!(most, 2);
}

#[test]
fn a_reader_never_meets_a_key_without_its_certificate() {
    let (desk, _ca) = Desk::with_ca();
    let path = desk.path("worker-a");
    let leaves: Vec<_> = (0..10).map(|_| leaf(&desk)).collect();
    store(&path, &leaves[0]).unwrap();
    let done = AtomicBool::new(false);
    let reads = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0_u32;
            while !done.load(Ordering::Relaxed) {
                match directory::load(&path, now()) {
                    Ok(_identity) => reads += 1,
                    // The version it had resolved may be two swaps old, and gone: it is whole or not there.
                    Err(directory::LoadError::Read(error)) => {
                        assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
                    }
                    Err(torn) => panic!("{torn:?}"),
                }
            }
            reads
        });
        for new in leaves.iter().cycle().take(200) {
            store(&path, new).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    assert!(reads > 0);
}

#[test]
fn a_plain_file_in_the_way_is_refused_and_left_as_it_is() {
    let (desk, _ca) = Desk::with_ca();
    for name in ["tls.crt", "tls.key", "..data"] {
        let path = desk.path(&format!("plain-{name}"));
        fs_err::create_dir(&path).unwrap();
        fs_err::write(path.join(name), "somebody's").unwrap();
        let error = store(&path, &leaf(&desk)).unwrap_err();
        assert!(
            matches!(&error, FileError::InTheWay { path: p } if p.ends_with(name)),
            "{error}"
        );
        assert_eq!(names(&path), [name]);
        assert_eq!(
            fs_err::read_to_string(path.join(name)).unwrap(),
            "somebody's"
        );
        assert!(IdentityDirectory::new(&path).is_writable().is_err());
    }
}

#[test]
fn a_key_that_does_not_match_never_takes_the_place_of_one_that_does() {
    let (desk, _ca) = Desk::with_ca();
    let path = desk.path("worker-a");
    let good = store(&path, &leaf(&desk)).unwrap();
    let (one, other) = (leaf(&desk), leaf(&desk));
    let torn = NewLeaf {
        chain: one.chain,
        key: other.key,
    };
    assert!(matches!(store(&path, &torn), Err(FileError::ReadBack(_))));
    assert_eq!(presented(&path), good);
    assert_eq!(names(&path), ["..data", "..v1", "tls.crt", "tls.key"]);
}

#[test]
fn what_a_crash_left_half_written_is_passed_over_and_removed() {
    let (desk, _ca) = Desk::with_ca();
    let path = desk.path("worker-a");
    store(&path, &leaf(&desk)).unwrap();
    fs_err::create_dir(path.join("..v2")).unwrap();
    fs_err::write(path.join("..v2/tls.key"), "half a key").unwrap();
    fs_err::os::unix::fs::symlink("..v2", path.join("..data.newleaf")).unwrap();
    let stored = store(&path, &leaf(&desk)).unwrap();
    assert_eq!(presented(&path), stored);
    assert_eq!(
        names(&path),
        ["..data", "..v1", "..v3", "tls.crt", "tls.key"]
    );
}

/// Not a test of its own: the process that the next two tests start, starve and kill.
#[test]
fn the_child_that_writes() {
    let Some(path) = std::env::var_os(STORE).map(PathBuf::from) else {
        return;
    };
    let (desk, _ca) = Desk::with_ca();
    for _ in 0..10_000 {
        match store(&path, &leaf(&desk)) {
            Ok(_) => println!("\nstored"),
            Err(error) => {
                println!("\nfailed {error:?}");
                return;
            }
        }
    }
}

fn child(command: &mut Command, path: &Path) -> Child {
    command
        .args(["--exact", "file::the_child_that_writes", "--nocapture"])
        .env(STORE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_writer_killed_at_any_instant_leaves_a_whole_identity() {
    let (desk, _ca) = Desk::with_ca();
    let path = desk.path("worker-a");
    let exe = std::env::current_exe().unwrap();
    for round in 1..=20 {
        let mut child = child(&mut Command::new(&exe), &path);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // The kill comes somewhere in the store after this one.
        let mut stored = lines.map_while(Result::ok).filter(|line| line == "stored");
        assert!(stored.nth(round % 4).is_some());
        // A different instant in each round, without a clock: some work, and then SIGKILL.
        for _ in 0..round * 5_000 {
            std::hint::black_box(round);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        directory::load(&path, now()).unwrap();
    }
    store(&path, &leaf(&desk)).unwrap();
    assert_eq!(names(&path).len(), 5, "{:?}", names(&path));
}

#[test]
fn a_full_disk_leaves_the_old_identity_and_no_litter() {
    let (desk, _ca) = Desk::with_ca();
    let good = store(&desk.path("worker-a"), &leaf(&desk)).unwrap();
    // The kernel refuses to let any file of the child grow past one block of 512 bytes: the key fits, the chain
    // does not. Ignoring the signal makes the write fail, as on a full disk. The child's own CA must still be
    // written, so its directory is made before the limit is set.
    let exe = std::env::current_exe().unwrap();
    let script = r#"trap "" XFSZ; ulimit -f 1; exec "$@""#;
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(&exe);
    let path = desk.path("worker-a");
    shell.args(["--exact", "file::the_starved_child", "--nocapture"]);
    shell
        .env(STORE, &path)
        .env("NEWLEAF_TEST_CA", desk.directory.path());
    let output = shell.stderr(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("FileTooLarge"), "{said}");
    assert_eq!(presented(&path), good);
    assert_eq!(names(&path), ["..data", "..v1", "tls.crt", "tls.key"]);
}

/// Not a test of its own: the process of the test above.
#[test]
fn the_starved_child() {
    let Some(ca) = std::env::var_os("NEWLEAF_TEST_CA").map(PathBuf::from) else {
        return;
    };
    let path = std::env::var_os(STORE).map(PathBuf::from).unwrap();
    let mut desk = Desk::new();
    desk.issuer.directory = ca.join("ca");
    match store(&path, &leaf(&desk)) {
        Ok(_) => println!("\nstored"),
        Err(error) => println!("\nfailed {error:?}"),
    }
}
