//! How much useless work a peer may ask for (RFC 9113 §10.5).
//!
//! A PING, a SETTINGS frame or a reset is cheap once and ruinous by the million. Each costs the peer a token; time and
//! useful frames bring tokens back, so that nobody who works runs out of them.

use std::time::{Duration, Instant};

use super::breach::Breach;

/// A bucket of tokens.
#[derive(Debug)]
pub struct Patience {
    tokens: u32,
    most: u32,
    refilled_at: Instant,
}

/// How long it takes to bring back one token by waiting: a hundred a second is more than any keepalive needs.
const REFILL: Duration = Duration::from_millis(10);

impl Patience {
    /// A full bucket.
    pub fn new(most: u32, now: Instant) -> Self {
        Self {
            tokens: most,
            most,
            refilled_at: now,
        }
    }

    /// Takes a token for a frame that is of no use to anybody but its sender.
    pub fn spend(&mut self, what: &'static str, now: Instant) -> Result<(), Breach> {
        if self.tokens == 0 {
            self.refill(now);
        }
        self.tokens = self.tokens.checked_sub(1).ok_or(Breach::Flood { what })?;
        Ok(())
    }

    /// Gives a token back, for a frame that moved a call on.
    #[inline]
    pub fn restore(&mut self) {
        if self.tokens < self.most {
            self.tokens += 1;
        }
    }

    /// Only an empty bucket looks at the time, and then it counts all the time since it was empty before.
    fn refill(&mut self, now: Instant) {
        let waited = now.saturating_duration_since(self.refilled_at);
        let n_tokens = waited.as_millis() / REFILL.as_millis();
        self.tokens = u32::try_from(n_tokens).unwrap_or(u32::MAX).min(self.most);
        self.refilled_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_ends_and_a_keepalive_does_not() {
        let start = tokio::time::Instant::now().into_std();
        let mut patience = Patience::new(100, start);
        let n_taken = (0..1000)
            .take_while(|_| patience.spend("PING", start).is_ok())
            .count();
        assert_eq!(n_taken, 100);
        let flood = Err(Breach::Flood { what: "PING" });
        assert_eq!(patience.spend("PING", start), flood);
        for second in 1..10_000 {
            let later = start + Duration::from_secs(second);
            assert_eq!(patience.spend("PING", later), Ok(()), "{second}");
        }
        patience.restore();
        assert_eq!(patience.spend("PING", start), Ok(()));
    }
}
