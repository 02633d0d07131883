//! Programs and sockets are read like files, and bounded.

use std::{
    io::Write as _,
    os::unix::net::{UnixListener, UnixStream},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
};

use rustix::net;

use super::{deadline::Deadline, *};
use crate::testing::{Ca, now};

/// A script, which the shell reads: a file that was written just now cannot be run while another test's child has it open.
fn helper(directory: &std::path::Path, script: &str) -> Source {
    let path = directory.join("helper");
    fs_err::write(&path, script).unwrap();
    Source::Command(Helper {
        program: "sh".into(),
        arguments: vec![
            path.display().to_string(),
            "argument with spaces".to_owned(),
        ],
        every: Duration::from_mins(1),
    })
}

fn error(source: &Source) -> LoadError {
    source.load(now()).err().unwrap()
}

#[test]
fn what_a_program_prints_is_an_identity() {
    let directory = tempfile::tempdir().unwrap();
    let pair = Ca::new("g1").leaf("worker");
    // The order of the key does not matter, and the argument arrives whole.
    let text = format!("{}\n{}", pair.key, pair.chain);
    fs_err::write(directory.path().join("argument with spaces"), text).unwrap();
    let script = format!("cat \"{}/$1\"", directory.path().display());
    let identity = helper(directory.path(), &script).load(now()).ok().unwrap();
    assert_eq!(identity.leaf().subject().to_string(), "CN=worker");
}

#[test]
fn a_program_that_fails_is_told_from_one_that_says_nonsense() {
    let directory = tempfile::tempdir().unwrap();
    let at = |script| error(&helper(directory.path(), script));
    assert!(matches!(at("exit 3"), LoadError::Failed { .. }));
    assert!(matches!(at("echo nonsense"), LoadError::Document { .. }));
    assert!(matches!(at("true"), LoadError::Document { .. }));
    // As `cat /dev/zero` would: it is ended, not waited for.
    assert!(matches!(at("exec yes"), LoadError::TooMuch { .. }));
    assert!(matches!(at(r"printf '\377'"), LoadError::NotText { .. }));
    // What it says is of no interest then.
    let failed = at(r"printf '\377'; exit 3");
    assert!(matches!(failed, LoadError::Failed { .. }), "{failed}");
    let gone = Source::Command(Helper {
        program: directory.path().join("no-such-program"),
        arguments: Vec::new(),
        every: Duration::from_mins(1),
    });
    assert!(matches!(error(&gone), LoadError::Run { .. }));
}

#[test]
fn a_block_of_another_kind_is_not_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let ca = Ca::new("g1");
    let pair = ca.leaf("worker");
    let says = |between: &str| {
        let text = format!("{}{between}{}", pair.chain, pair.key);
        fs_err::write(directory.path().join("text"), text).unwrap();
        let script = format!("cat '{}/text'", directory.path().display());
        helper(directory.path(), &script).load(now())
    };
    let intermediate = ca.certificate.to_pem();
    let trusted = intermediate.replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    let error = says(&trusted).err().unwrap();
    assert!(matches!(error, LoadError::Label { .. }), "{error}");
    assert!(
        error.to_string().contains("`TRUSTED CERTIFICATE`"),
        "{error}"
    );
    assert_eq!(
        says(&intermediate)
            .ok()
            .unwrap()
            .chain()
            .certificates()
            .count(),
        2
    );
    // As `openssl ecparam -genkey` prints it before the key: prime256v1.
    let parameters =
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    assert!(says(parameters).is_ok());
}

/// A program that leaves somebody behind who holds its standard output, and whose process id is in the file `left`.
fn leaving(directory: &std::path::Path, somebody: &str) -> Source {
    let pair = Ca::new("g1").leaf("worker");
    let text = format!("{}{}", pair.chain, pair.key);
    fs_err::write(directory.join("text"), text).unwrap();
    let script = format!(
        "cd '{}'\n{somebody} &\necho $! >left\ncat text",
        directory.display()
    );
    helper(directory, &script)
}

/// Returns whether the process runs; one that ended and that nobody has waited for does not.
fn is_running(process: &str) -> bool {
    let stat = fs_err::read_to_string(format!("/proc/{process}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn what_a_program_started_ends_with_it_and_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let source = leaving(directory.path(), "sleep 60");
    let begun = Deadline::after(Duration::from_secs(5));
    let identity = source.load(now()).ok().unwrap();
    assert_eq!(identity.leaf().subject().to_string(), "CN=worker");
    let left = fs_err::read_to_string(directory.path().join("left")).unwrap();
    while is_running(left.trim()) {
        assert!(!begun.is_over(), "{left} is running still");
        thread::yield_now();
    }
    assert!(!begun.is_over());
}

/// Whoever left the process group cannot be ended, and is not waited for either.
#[test]
fn a_process_that_left_the_group_keeps_no_identity_back() {
    let directory = tempfile::tempdir().unwrap();
    let source = leaving(directory.path(), "setsid sleep 8 2>&1");
    let begun = Deadline::after(Duration::from_secs(5));
    assert!(source.load(now()).is_ok());
    assert!(!begun.is_over());
}

#[test]
fn a_program_that_does_not_end_is_ended() {
    let directory = tempfile::tempdir().unwrap();
    let source = helper(
        directory.path(),
        &format!(
            "cd '{}'\necho $$ >left\nsleep 60",
            directory.path().display()
        ),
    );
    let Source::Command(helper) = source else {
        panic!("expected a program")
    };
    let error = command::run(&helper, Duration::from_millis(300)).unwrap_err();
    assert!(matches!(error, LoadError::Silent { .. }), "{error}");
    let left = fs_err::read_to_string(directory.path().join("left")).unwrap();
    let is_there = fs_err::exists(format!("/proc/{}", left.trim())).unwrap();
    assert!(!is_there, "it was not waited for");
}

#[test]
fn no_error_quotes_what_was_read() {
    let directory = tempfile::tempdir().unwrap();
    let key = Ca::new("g1").leaf("worker").key;
    let secret = key.lines().nth(1).unwrap().to_owned();
    fs_err::write(directory.path().join("key"), format!("{key}{key}")).unwrap();
    let script = format!("cat {}/key", directory.path().display());
    let error = error(&helper(directory.path(), &script));
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        said.push_str(&error.to_string());
        cause = error.source();
    }
    assert!(!said.contains(&secret));
}

#[test]
fn what_is_said_on_a_socket_is_an_identity() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("identity.sock");
    let source = Source::Socket(path.clone());
    assert!(
        matches!(error(&source), LoadError::Socket { .. }),
        "nobody is there"
    );
    let listener = UnixListener::bind(&path).unwrap();
    let pair = Ca::new("g1").leaf("worker");
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        write!(stream, "{}{}", pair.chain, pair.key).unwrap();
    });
    let identity = source.load(now()).ok().unwrap();
    assert_eq!(identity.leaf().subject().to_string(), "CN=worker");
    server.join().unwrap();
}

#[test]
fn whoever_says_nothing_is_told_from_what_cannot_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("identity.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let error = error(&Source::Socket(path));
    assert!(matches!(error, LoadError::Silent { .. }), "{error}");
    assert!(error.to_string().contains("within 5s"), "{error}");
    drop(listener);
}

/// A byte now and then does not keep us for ever.
#[test]
fn a_socket_has_one_deadline_for_all_that_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("identity.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let (told, is_over) = mpsc::channel::<()>();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        while is_over.recv_timeout(Duration::from_millis(20)) == Err(RecvTimeoutError::Timeout) {
            // It fails once nobody listens any more.
            if stream.write_all(b"\n").is_err() {
                break;
            }
        }
    });
    let error = socket::read(&path, Duration::from_millis(300)).unwrap_err();
    assert!(matches!(error, LoadError::Silent { .. }), "{error}");
    drop(told);
    server.join().unwrap();
}

#[test]
fn a_socket_whose_queue_is_full_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("identity.sock");
    let listener = net::socket(net::AddressFamily::UNIX, net::SocketType::STREAM, None).unwrap();
    net::bind(&listener, &net::SocketAddrUnix::new(&path).unwrap()).unwrap();
    net::listen(&listener, 0).unwrap();
    let _first_in_the_queue = UnixStream::connect(&path).unwrap();
    let error = socket::read(&path, Duration::from_millis(300)).unwrap_err();
    assert!(matches!(error, LoadError::Silent { .. }), "{error}");
}

/// It has no size, and no end.
#[test]
fn a_device_is_not_read() {
    let zero = PathBuf::from("/dev/zero");
    let source = Source::Files {
        chain: zero.clone(),
        key: zero,
    };
    let error = error(&source);
    assert!(matches!(error, LoadError::NotAFile { .. }), "{error}");
    assert!(error.to_string().contains("found a device"), "{error}");
}
