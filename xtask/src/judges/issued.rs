//! What is brought before the judges: every profile that the command line issues, with every kind of key.

use std::path::{Path, PathBuf};
use std::process::Command;

use newleaf_x509::Certificate;
use serde_json::Value;

use super::JudgesError;
use crate::process;
use crate::workspace::Workspace;

/// The kinds of keys, as `--key` names them.
pub(super) const ALGORITHMS: [&str; 5] = [
    "ecdsa-p256",
    "ecdsa-p384",
    "rsa-2048",
    "rsa-3072",
    "rsa-4096",
];

/// The kind of key that signs leaves of every other kind too.
const USUAL: &str = "ecdsa-p256";

/// One certificate, and where it stands.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) profile: &'static str,
    pub(super) algorithm: &'static str,
    pub(super) signed_by: &'static str,
    /// From the certificate up to, and without, the root. A root is its own chain.
    pub(super) chain: Vec<Certificate>,
    /// The root that is trusted.
    pub(super) root: Certificate,
    /// The files of both, in PEM.
    pub(super) chain_file: PathBuf,
    pub(super) root_file: PathBuf,
}

/// Issues everything below `room`. A new profile of the command line is one more step here.
pub(super) fn all(workspace: &Workspace, room: &Path) -> Result<Vec<Issued>, JudgesError> {
    let newleaf = build(workspace)?;
    let mut issued = Vec::new();
    for algorithm in ALGORITHMS {
        let ca = format!("ca-{algorithm}");
        let name = format!("judged-ca {algorithm} g1");
        run(
            &newleaf,
            room,
            &[
                "ca",
                "new",
                "--out",
                &ca,
                "--key",
                algorithm,
                "--common-name",
                &name,
            ],
        )?;
        let root_file = room.join(&ca).join("ca.crt");
        issued.push(read(
            "root CA",
            [algorithm, algorithm],
            &root_file,
            &root_file,
        )?);
        let mut leaves = vec![algorithm];
        if algorithm != USUAL {
            leaves.push(USUAL);
        }
        for leaf in leaves {
            let out = format!("leaf-{leaf}-by-{algorithm}");
            // Not a SPIFFE id: pkilint knows the schemes of the web only.
            let san = "uri:https://prod.example/worker";
            run(
                &newleaf,
                room,
                &[
                    "leaf",
                    "issue",
                    "--out",
                    &out,
                    "--ca",
                    &ca,
                    "--key",
                    leaf,
                    "--common-name",
                    "worker",
                    "--organization",
                    "acme",
                    "--san",
                    "dns:worker.example",
                    "--san",
                    san,
                ],
            )?;
            let chain_file = room.join(&out).join("tls.crt");
            issued.push(read("leaf", [leaf, algorithm], &chain_file, &root_file)?);
        }
    }
    Ok(issued)
}

/// Builds the newleaf of this checkout, and returns where it is.
fn build(workspace: &Workspace) -> Result<PathBuf, JudgesError> {
    let mut cargo = workspace.cargo();
    cargo.args([
        "build",
        "--quiet",
        "--bin",
        "newleaf",
        "--message-format",
        "json",
    ]);
    let said = process::capture(&mut cargo).map_err(|source| JudgesError::Issue { source })?;
    let messages = said
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut built =
        messages.filter_map(|message| Some(message.get("executable")?.as_str()?.into()));
    built.next_back().ok_or(JudgesError::Build)
}

/// Runs newleaf.
fn run(newleaf: &Path, room: &Path, words: &[&str]) -> Result<(), JudgesError> {
    let said = process::capture(Command::new(newleaf).current_dir(room).args(words));
    said.map(drop)
        .map_err(|source| JudgesError::Issue { source })
}

fn read(
    profile: &'static str,
    [algorithm, signed_by]: [&'static str; 2],
    chain_file: &Path,
    root_file: &Path,
) -> Result<Issued, JudgesError> {
    let certificates = |path: &Path| {
        let text = fs_err::read_to_string(path).map_err(|source| JudgesError::Keep { source })?;
        Certificate::all_from_pem(&text).map_err(|source| JudgesError::ReadIssued {
            path: path.to_owned(),
            source,
        })
    };
    let (chain, mut root) = (certificates(chain_file)?, certificates(root_file)?);
    Ok(Issued {
        profile,
        algorithm,
        signed_by,
        root: root.remove(0),
        chain,
        chain_file: chain_file.to_owned(),
        root_file: root_file.to_owned(),
    })
}
