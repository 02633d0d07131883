//! Certificates of other people's tests: none panics, each is judged in bounded time, and what Go reads newleaf reads.
//!
//! They are those of the Python package cryptography, odd ones from twenty years and PKITS', which `cargo xtask test` fetches,
//! and its revocation lists. Where they are not there the test says so and passes; with `CI=true` it fails.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use newleaf_x509::{Certificate, crl::Crl, pem};

use crate::{hostile::interrogate, judges::is_there};

/// Files deeper than this are nobody's certificates.
const MAX_DEPTH: usize = 6;

/// Returns the certificates of a directory by file and place: every `CERTIFICATE` block, every file of DER.
fn collect(directory: &Path, depth: usize, found: &mut Vec<(String, Vec<u8>)>) {
    let Ok(entries) = fs_err::read_dir(directory) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() && depth < MAX_DEPTH {
            collect(&path, depth + 1, found);
            continue;
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        if !matches!(extension, Some("pem" | "crt" | "cer" | "der" | "crl")) {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = fs_err::read(&path).unwrap();
        match std::str::from_utf8(&bytes).map(pem::parse) {
            Ok(Ok(document)) => {
                let blocks = document
                    .blocks
                    .iter()
                    .filter(|block| block.label == "CERTIFICATE");
                found.extend(
                    blocks.map(|block| (format!("{name}:{}", block.line), block.der.to_vec())),
                );
            }
            Ok(Err(_)) | Err(_) => found.push((name, bytes)),
        }
    }
}

fn certificates() -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    if let Some(libraries) =
        newleaf_parts::directory().and_then(|parts| fs_err::read_dir(parts.join("lib")).ok())
    {
        for version in libraries {
            let packages = version.unwrap().path().join("site-packages");
            collect(&packages.join("cryptography_vectors/x509"), 0, &mut found);
        }
    }
    assert!(
        !found.is_empty() || !newleaf_parts::are_required(),
        "the corpus is missing, and CI=true"
    );
    found
}

#[test]
fn what_go_reads_is_read() {
    let certificates = certificates();
    if certificates.is_empty() {
        eprintln!("not judged: the corpus is not installed here");
    }
    for (_, der) in &certificates {
        interrogate(der);
        if let Ok(list) = Crl::from_der(der) {
            assert_eq!(Crl::from_pem(&list.to_pem()), Ok(list));
        }
    }
    if !is_there("go", "version") {
        return;
    }
    let room = tempfile::tempdir().unwrap();
    let mut list = Vec::new();
    for (number, (_, der)) in certificates.iter().enumerate() {
        let path = room.path().join(number.to_string());
        fs_err::write(&path, der).unwrap();
        writeln!(list, "{}", path.display()).unwrap();
    }
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/judges/read.go");
    let mut go = Command::new("go")
        .args(["run", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    go.stdin.take().unwrap().write_all(&list).unwrap();
    let output = go.wait_with_output().unwrap();
    assert!(output.status.success(), "the judge itself failed");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.lines().count(), certificates.len());
    let (mut n_read, mut unread) = (0, Vec::new());
    for ((name, der), go) in certificates.iter().zip(said.lines()) {
        let ours = Certificate::from_der(der);
        n_read += usize::from(ours.is_ok());
        if let (Err(error), "ok") = (ours, go) {
            unread.push((name.as_str(), error.to_string()));
        }
    }
    eprintln!("{n_read} of {} are read", certificates.len());
    assert!(n_read >= 500, "only {n_read} are read");
    assert_eq!(unread, []);
}
