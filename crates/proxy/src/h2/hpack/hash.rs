//! A quick hash for tables that are bounded by their size.
//!
//! It is not keyed, and whoever sends headers can make collisions. That buys nothing: a set of the memo has four ways,
//! a table some hundred entries, and every hit is compared octet by octet.

/// An odd number without pattern: 2⁶⁴ divided by the golden ratio.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Hashes `bytes`, eight at a time, going on from `seed`.
pub(super) fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let whole = words
        .iter()
        .fold(seed, |state, word| mix(state, u64::from_le_bytes(*word)));
    let mut last = [0x80; 8];
    for (slot, byte) in last.iter_mut().zip(rest) {
        *slot = *byte;
    }
    let state = mix(whole, u64::from_le_bytes(last));
    state ^ (state >> 32)
}

/// Hashes one number, going on from `state`.
pub(super) fn mix(state: u64, word: u64) -> u64 {
    (state.rotate_left(5) ^ word).wrapping_mul(MULTIPLIER)
}
