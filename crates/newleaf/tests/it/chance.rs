//! Chance that can be repeated: a seed gives the same instants again.

use std::time::Duration;

/// A small generator (`SplitMix64`, Steele, Lea and Flood 2014). It picks instants to kill at; it makes no secrets.
#[derive(Debug)]
pub(crate) struct Chance {
    state: u64,
}

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Returns a span below `longest`, in whole milliseconds.
    pub(crate) fn span(&mut self, longest: Duration) -> Duration {
        let bound = u64::try_from(longest.as_millis()).unwrap();
        Duration::from_millis(self.draw() % bound)
    }

    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
