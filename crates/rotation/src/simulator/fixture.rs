//! The CA certificates of the simulated world. Fixed files, since nothing here may draw a key.

use newleaf_x509::Certificate;

use crate::id::Generation;

/// The CA certificates that the simulated world knows.
#[derive(Clone, Debug)]
pub(super) struct Fixtures {
    generations: Vec<(Generation, Certificate)>,
    pub(super) stranger: Certificate,
    pub(super) expired: Certificate,
}

impl Fixtures {
    pub(super) fn new() -> Self {
        let generations = [
            (Generation(1), include_str!("cas/g1.pem")),
            (Generation(2), include_str!("cas/g2.pem")),
            (Generation(3), include_str!("cas/g3.pem")),
        ];
        Self {
            generations: generations
                .into_iter()
                .map(|(g, pem)| (g, read(pem)))
                .collect(),
            stranger: read(include_str!("cas/stranger.pem")),
            expired: read(include_str!("cas/expired.pem")),
        }
    }

    /// Returns the CA of a generation; the simulated world has three.
    pub(super) fn ca(&self, generation: Generation) -> &Certificate {
        let found = self.generations.iter().find(|(g, _)| *g == generation);
        found.map_or(&self.stranger, |(_, ca)| ca)
    }

    /// Returns the generation of a CA, if it is ours.
    pub(super) fn generation(&self, ca: &Certificate) -> Option<Generation> {
        self.generations
            .iter()
            .find(|(_, ours)| ours == ca)
            .map(|(g, _)| *g)
    }
}

#[expect(
    clippy::expect_used,
    reason = "the fixtures are checked in, and every run reads all of them"
)]
fn read(pem: &str) -> Certificate {
    let certificates = Certificate::all_from_pem(pem).expect("a fixture is PEM");
    certificates
        .into_iter()
        .next()
        .expect("a fixture holds a certificate")
}
