//! What is brought before the judges: every profile that the command line issues, with every kind of key.

use std::path::{Path, PathBuf};
use std::process::Command;

use newleaf_x509::Certificate;

use super::JudgesError;
use crate::process;
use crate::programs;
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
    let newleaf = |words: &str| run(&newleaf, room, words);
    let mut issued = Vec::new();
    for algorithm in ALGORITHMS {
        let (root, sub) = (format!("root-{algorithm}"), format!("sub-{algorithm}"));
        let ca = format!("ca new --unencrypted --organization acme --key {algorithm}");
        newleaf(&format!(
            "{ca} --out {root} --common-name root-{algorithm} --path-length 1 --lifetime 730d"
        ))?;
        newleaf(&format!(
            "{ca} --out {sub} --common-name sub-{algorithm} --parent {root}"
        ))?;
        let root_file = room.join(&root).join("ca.crt");
        let sub_file = room.join(&sub).join("ca.crt");
        let same = [algorithm, algorithm];
        issued.push(read("root CA", same, &root_file, &root_file)?);
        issued.push(read("intermediate CA", same, &sub_file, &root_file)?);
        let mut leaves = vec![
            ("leaf", algorithm, &root),
            ("leaf of intermediate", algorithm, &sub),
        ];
        if algorithm != USUAL {
            leaves.push(("leaf", USUAL, &root));
        }
        for (profile, leaf, ca) in leaves {
            let out = format!("leaf-{leaf}-by-{ca}");
            // The URI is not a SPIFFE id: pkilint knows the schemes of the web only.
            newleaf(&format!(
                "leaf issue --out {out} --ca {ca} --key {leaf} --common-name worker --organization acme \
                 --san dns:worker.example --san uri:https://prod.example/worker"
            ))?;
            let chain_file = room.join(&out).join("tls.crt");
            issued.push(read(profile, [leaf, algorithm], &chain_file, &root_file)?);
        }
    }
    Ok(issued)
}

/// Builds the newleaf of this checkout, and returns where it is.
fn build(workspace: &Workspace) -> Result<PathBuf, JudgesError> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--quiet", "--bin", "newleaf"]);
    Ok(programs::build(&mut cargo)?.get("newleaf")?.to_owned())
}

/// Runs newleaf with these words, split at white space.
fn run(newleaf: &Path, room: &Path, words: &str) -> Result<(), JudgesError> {
    let said = process::capture(
        Command::new(newleaf)
            .current_dir(room)
            .args(words.split_whitespace()),
    );
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
