//! The judges: four verifiers that share no code with newleaf's issuing, each asked whether a client may be let in with
//! what was issued, or for pkilint, whether it keeps every rule of RFC 5280.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use newleaf_x509::Certificate;
use rustls_pki_types::{CertificateDer, UnixTime};

use super::issued::Issued;
use crate::process;
use crate::workspace::Workspace;

/// For each certificate, whether it is accepted, or why not.
type Verdicts = Vec<Result<(), String>>;

/// Who judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judge {
    /// rustls' verifier, which newleaf's proxy and proofs use.
    Webpki,
    /// OpenSSL at its strictest.
    Openssl,
    /// Go's `crypto/x509`, which Temporal's server uses.
    Go,
    /// A linter of every rule of RFC 5280: no finding of severity WARNING or worse.
    Pkilint,
}

impl Judge {
    pub(super) const ALL: [Self; 4] = [Self::Webpki, Self::Openssl, Self::Go, Self::Pkilint];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Webpki => "webpki",
            Self::Openssl => "openssl",
            Self::Go => "go",
            Self::Pkilint => "pkilint",
        }
    }

    /// The part that it is, if it is not built in.
    pub(super) fn part(self) -> Option<&'static str> {
        match self {
            Self::Webpki => None,
            Self::Openssl | Self::Go | Self::Pkilint => Some(self.name()),
        }
    }

    /// Judges everything; answers with as many verdicts as there are certificates.
    pub(super) fn judge(
        self,
        workspace: &Workspace,
        programs: &Path,
        issued: &[Issued],
    ) -> Verdicts {
        match self {
            Self::Webpki => issued.iter().map(webpki).collect(),
            Self::Openssl => issued
                .iter()
                .map(|one| openssl(&programs.join("openssl"), one))
                .collect(),
            Self::Go => go(&programs.join("go"), workspace, issued),
            Self::Pkilint => issued
                .iter()
                .map(|one| pkilint(&programs.join("lint_pkix_cert"), one))
                .collect(),
        }
    }
}

/// A CA is accepted if it can be an anchor: webpki lets no CA in as a client. That leaves under it are accepted is said of
/// the leaves.
fn webpki(issued: &Issued) -> Result<(), String> {
    let said = |error: webpki::Error| error.to_string();
    let Some((first, rest)) = issued.chain.split_first() else {
        return Err("expected a certificate, found none".to_owned());
    };
    let is_ca = first.is_ca();
    let root = CertificateDer::from(if is_ca {
        first.der()
    } else {
        issued.root.der()
    });
    let anchor = webpki::anchor_from_trusted_cert(&root).map_err(said)?;
    if is_ca {
        return Ok(());
    }
    let leaf = CertificateDer::from(first.der());
    let leaf = webpki::EndEntityCert::try_from(&leaf).map_err(said)?;
    let rest: Vec<_> = rest
        .iter()
        .map(|one| CertificateDer::from(one.der()))
        .collect();
    leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &[anchor],
        &rest,
        UnixTime::since_unix_epoch(now()),
        webpki::KeyUsage::client_auth(),
        None,
        None,
    )
    .map(drop)
    .map_err(said)
}

fn openssl(program: &Path, issued: &Issued) -> Result<(), String> {
    let mut command = Command::new(program);
    command
        .args([
            "verify",
            "-x509_strict",
            "-purpose",
            "sslclient",
            "-no-CAfile",
            "-no-CApath",
        ])
        .arg("-trusted")
        .arg(&issued.root_file)
        .arg("-untrusted")
        .arg(&issued.chain_file)
        .arg(&issued.chain_file);
    process::capture(&mut command)
        .map(drop)
        .map_err(|error| error.to_string())
}

fn go(program: &Path, workspace: &Workspace, issued: &[Issued]) -> Verdicts {
    let judge = workspace.root().join("crates/x509/tests/judges/verify.go");
    let mut command = Command::new(program);
    command
        .arg("run")
        .arg(judge)
        .arg(now().as_secs().to_string());
    for one in issued {
        command.arg(&one.root_file).arg(&one.chain_file);
    }
    let said = match process::capture(&mut command) {
        Ok(said) => said,
        Err(error) => return vec![Err(error.to_string()); issued.len()],
    };
    let mut lines = said.lines();
    let verdict = |_| match lines.next() {
        Some("ok") => Ok(()),
        Some(refusal) => Err(refusal.to_owned()),
        None => Err("did not judge it".to_owned()),
    };
    issued.iter().map(verdict).collect()
}

/// It reads one certificate a file, so the first of the chain gets one of its own. Its exit code is the number of its
/// findings; what it finds, it prints.
fn pkilint(program: &Path, issued: &Issued) -> Result<(), String> {
    let alone = issued.chain_file.with_extension("alone.pem");
    let first = issued.chain.first().map(Certificate::to_pem);
    fs_err::write(&alone, first.unwrap_or_default()).map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args(["lint", "-s", "WARNING"]).arg(&alone);
    process::capture(&mut command)
        .map(drop)
        .map_err(|error| error.to_string())
}

/// The time since 1970.
fn now() -> Duration {
    #[expect(clippy::disallowed_methods, reason = "judges judge by the clock")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}
