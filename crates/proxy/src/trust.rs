//! The CAs by which a peer is judged, as a file has them at the moment.
//!
//! A server's own CA is rolled over like any other: first both are trusted, then the new one alone. What cannot work is kept out
//! and told; what was trusted before stays. A change is for connections that are dialled from then on, and those that are
//! there are replaced within the age at which the server closes them.

use std::{io, path::Path, sync::Arc};

use newleaf_identity::tls::{self, TlsError};
use newleaf_x509::{TrustBundle, certificate::CertificatesError};
use rustls::RootCertStore;
use tokio::sync::{Notify, watch};

use crate::{
    failure,
    text_file::{self, TextFile},
};

/// The largest file of CAs that is read: several hundred of them.
const MAX_BYTES: u64 = 1024 * 1024;

/// Why a peer cannot be judged by a file.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// It could not be read.
    #[error("could not read the CAs")]
    Read(#[source] io::Error),
    /// It is not a list of certificates.
    #[error("cannot use the CAs")]
    Certificates(#[from] CertificatesError),
    /// What it holds cannot be trusted.
    #[error("cannot judge anybody by the CAs")]
    Roots(#[from] TlsError),
}

impl TrustError {
    /// Returns whether a look at the same file later may find something better.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Read(_) | Self::Certificates(_) => true,
            Self::Roots(_) => false,
        }
    }
}

/// The CAs of the moment.
pub(crate) type Roots = watch::Receiver<Arc<RootCertStore>>;

/// Keeps CAs in step with their file.
pub(crate) struct TrustKeeper {
    file: TextFile,
    roots: watch::Sender<Arc<RootCertStore>>,
    upstream: String,
}

/// Returns CAs that never change.
pub(crate) fn fixed(roots: Arc<RootCertStore>) -> Roots {
    watch::channel(roots).1
}

/// Reads CAs from a file, which is to be watched. One that cannot be used is an error here.
pub(crate) fn watched(path: &Path, upstream: &str) -> Result<(Roots, TrustKeeper), TrustError> {
    let (sender, roots) = watch::channel(read(path)?);
    let keeper = TrustKeeper {
        file: file(path),
        roots: sender,
        upstream: upstream.to_owned(),
    };
    Ok((roots, keeper))
}

impl TrustKeeper {
    /// Returns what makes it look now.
    pub(crate) fn recheck(&self) -> Arc<Notify> {
        self.file.recheck()
    }

    /// Runs until it is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            match next(&mut self.file).await {
                Ok(roots) => self.trust(roots),
                Err(error) => {
                    let (upstream, why) = (&self.upstream, failure::sentence(&error));
                    tracing::warn!(
                        upstream,
                        why,
                        "refused the server's CAs; those that were trusted before stay"
                    );
                }
            }
        }
    }

    fn trust(&self, roots: Arc<RootCertStore>) {
        let (upstream, cas) = (&self.upstream, roots.len());
        let is_news = self.roots.send_if_modified(|known| {
            let is_news = known.roots != roots.roots;
            *known = roots;
            is_news
        });
        if is_news {
            tracing::info!(
                upstream,
                cas,
                "servers that are dialled from now on are judged by other CAs"
            );
        }
    }
}

/// Reads CAs from a file.
pub(crate) fn read(path: &Path) -> Result<Arc<RootCertStore>, TrustError> {
    let text = text_file::read(path, MAX_BYTES).map_err(TrustError::Read)?;
    roots(&text)
}

/// Begins to watch a file of CAs.
pub(crate) fn file(path: &Path) -> TextFile {
    TextFile::new(path.to_owned(), MAX_BYTES)
}

/// Waits for new CAs, or for the news that there are none. Safe to drop halfway.
pub(crate) async fn next(file: &mut TextFile) -> Result<Arc<RootCertStore>, TrustError> {
    let text = file.next().await.map_err(TrustError::Read)?;
    roots(&text)
}

fn roots(text: &str) -> Result<Arc<RootCertStore>, TrustError> {
    Ok(tls::bundle_roots(&TrustBundle::from_pem(text)?)?)
}
