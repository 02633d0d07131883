//! The certificates of a play: two CAs that the front accepts, and leaves of them that newleaf issues one after the other. The
//! server's own certificate is OpenSSL's, since newleaf issues none for servers.

use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err::os::unix::fs::symlink;
use newleaf_x509::{Certificate, Fingerprint};

use super::SoakError;
use crate::process;

/// The name in the server's certificate.
pub(super) const SERVER_NAME: &str = "temporal.test";

/// The link whose rename swaps both files at once, as in a Secret volume of Kubernetes.
const DATA: &str = "..data";

/// Who holds an identity that is swapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// The proxy.
    Proxy,
    /// The channel within the worker in Rust.
    Embedded,
}

impl Holder {
    pub(super) const ALL: [Self; 2] = [Self::Proxy, Self::Embedded];

    fn directory(self) -> &'static str {
        match self {
            Self::Proxy => "live",
            Self::Embedded => "embedded",
        }
    }

    /// By what the front can tell the leaf of a generation from others.
    pub(super) fn common_name(self, generation: u32) -> String {
        let who = match self {
            Self::Proxy => "leaf",
            Self::Embedded => "embedded",
        };
        format!("soak-{who}-{generation}")
    }
}

/// The certificates below one directory.
#[derive(Debug)]
pub(super) struct Certificates {
    directory: PathBuf,
    newleaf: PathBuf,
}

impl Certificates {
    /// Makes the CAs, the server's certificate, the twins' identity, and generation 0 of those that are swapped.
    pub(super) fn make(
        directory: &Path,
        newleaf: &Path,
        openssl: &Path,
    ) -> Result<Self, SoakError> {
        let made = Self {
            directory: directory.to_owned(),
            newleaf: newleaf.to_owned(),
        };
        fs_err::create_dir_all(directory)?;
        let key = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
        made.run(
            openssl,
            &format!("{key} -subj /CN=soak-server-ca -keyout server-ca.key -out server-ca.pem"),
        )?;
        made.run(
            openssl,
            &format!(
                "{key} -subj /CN={SERVER_NAME} -addext subjectAltName=DNS:{SERVER_NAME} -addext basicConstraints=CA:FALSE \
                 -CA server-ca.pem -CAkey server-ca.key -keyout server.key -out server.pem"
            ),
        )?;
        let mut accepted = String::new();
        for ca in ["ca-0", "ca-1"] {
            let words = format!("ca new --unencrypted --out {ca} --common-name soak-{ca}");
            made.run(newleaf, &words)?;
            accepted.push_str(&fs_err::read_to_string(directory.join(ca).join("ca.crt"))?);
        }
        fs_err::write(directory.join("client-cas.pem"), accepted)?;
        made.issue("twin", "ca-0", "soak-twin")?;
        for holder in Holder::ALL {
            fs_err::create_dir_all(made.of(holder))?;
            made.put(holder, 0)?;
            for file in ["tls.crt", "tls.key"] {
                symlink(Path::new(DATA).join(file), made.of(holder).join(file))?;
            }
        }
        Ok(made)
    }

    /// The directory that a holder takes its identity from.
    pub(super) fn of(&self, holder: Holder) -> PathBuf {
        self.directory.join(holder.directory())
    }

    /// The directory of the identity that never changes.
    pub(super) fn twin(&self) -> PathBuf {
        self.directory.join("twin")
    }

    /// The CA of the server.
    pub(super) fn server_ca(&self) -> PathBuf {
        self.directory.join("server-ca.pem")
    }

    /// Issues a leaf and puts it in place by one rename, taking turns between the CAs.
    pub(super) fn put(&self, holder: Holder, generation: u32) -> Result<Fingerprint, SoakError> {
        let name = format!("..{generation}");
        let out = format!("{}/{name}", holder.directory());
        let ca = format!("ca-{}", generation % 2);
        self.issue(&out, &ca, &holder.common_name(generation))?;
        let text = fs_err::read_to_string(self.directory.join(out).join("tls.crt"))?;
        let leaf = Certificate::all_from_pem(&text)
            .map_err(|source| SoakError::ReadIssued { source })?
            .remove(0);
        let next = self.of(holder).join("..next");
        symlink(name, &next)?;
        fs_err::rename(next, self.of(holder).join(DATA))?;
        Ok(leaf.fingerprint())
    }

    fn issue(&self, out: &str, ca: &str, common_name: &str) -> Result<(), SoakError> {
        let words = format!("leaf issue --out {out} --ca {ca} --common-name {common_name}");
        self.run(&self.newleaf, &words)
    }

    /// Runs a program with these words, split at white space.
    fn run(&self, program: &Path, words: &str) -> Result<(), SoakError> {
        let mut command = Command::new(program);
        command.current_dir(&self.directory);
        process::capture(command.args(words.split_whitespace()))
            .map(drop)
            .map_err(|source| SoakError::Issue { source })
    }
}
