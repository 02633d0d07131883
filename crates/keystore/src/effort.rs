//! The bound on what an unknown file may make us compute.

/// The most rounds of key derivation that one file may ask for, all its parts together. What tools write lies between
/// 2,048 (OpenSSL, AWS) and 1,000,000; ten million rounds take some seconds, and a file that asks for more wants to
/// burn time, not to be read.
pub(crate) const MAX_ROUNDS: u32 = 10_000_000;

/// The rounds that newleaf asks for: what OWASP's password storage cheat sheet recommends for PBKDF2-HMAC-SHA256
/// (600,000), a quarter of a second.
pub(crate) const ROUNDS: u32 = 600_000;

/// The rounds of key derivation that may still be spent on a file.
#[derive(Debug)]
pub struct Effort(u32);

/// The bound was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMuch;

impl Effort {
    /// As many as an honest file of any tool may ask for: ten million.
    pub(crate) fn new() -> Self {
        Self(MAX_ROUNDS)
    }

    /// At most so many, for whoever opens files faster than people do; never more than ten million.
    pub fn of_rounds(rounds: u32) -> Self {
        Self(rounds.min(MAX_ROUNDS))
    }

    /// Takes rounds off what is left, before they are computed.
    pub(crate) fn spend(&mut self, rounds: u32) -> Result<(), TooMuch> {
        // A derivation of no rounds does not exist; counting it keeps a file of many parts bounded.
        self.0 = self.0.checked_sub(rounds.max(1)).ok_or(TooMuch)?;
        Ok(())
    }
}
