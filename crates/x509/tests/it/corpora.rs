//! Certificates of other people's tests: none panics, each is judged in bounded time, and newleaf knows of each whether Go
//! reads it.
//!
//! They are those of the Python package cryptography, odd ones from twenty years and PKITS', which `cargo xtask test` fetches,
//! with its revocation lists; those of zlint, which are wrong in one way each and come with its module; and Go's own. Where
//! they are not there the test says so and passes; with `CI=true` it fails.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use newleaf_x509::{Certificate, chain, crl::Crl, pem};

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

/// Returns what `go` answers, run where the module of zlint is kept.
fn ask_go(arguments: &[&str]) -> Option<PathBuf> {
    let output = Command::new("go")
        .args(arguments)
        .current_dir(newleaf_parts::directory()?.join("go/zlint"))
        .env("GOFLAGS", "-mod=readonly")
        .env("GOWORK", "off")
        .output()
        .ok()?;
    let answer = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !answer.trim().is_empty()).then(|| answer.trim().into())
}

fn certificates() -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let zlint = ["list", "-m", "-f", "{{.Dir}}", "github.com/zmap/zlint/v3"];
    if let Some(zlint) = ask_go(&zlint) {
        collect(&zlint.join("testdata"), 0, &mut found);
        assert!(found.len() >= 1_300, "only {} are zlint's", found.len());
    }
    if let Some(root) = ask_go(&["env", "GOROOT"]) {
        collect(&root.join("src/crypto/x509"), 0, &mut found);
    }
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
fn what_go_reads_is_known() {
    let certificates = certificates();
    if certificates.is_empty() {
        eprintln!("not judged: the corpus is not installed here");
        return;
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
    let (mut n_read, mut different) = (0, Vec::new());
    for ((name, der), go) in certificates.iter().zip(said.lines()) {
        let ours = match Certificate::from_der(der) {
            Ok(certificate) => {
                n_read += 1;
                chain::unreadable_by_go(&certificate)
            }
            Err(error) => Some(error.to_string()),
        };
        if ours.is_none() != (go == "ok") {
            different.push((name.as_str(), ours, go));
        }
    }
    eprintln!("{n_read} of {} are read", certificates.len());
    assert!(n_read >= 500, "only {n_read} are read");
    assert_eq!(different, []);
}
