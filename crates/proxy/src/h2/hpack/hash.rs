//! A quick hash for tables that are bounded by their size.
//!
//! It is not keyed, and whoever sends headers can make collisions. That buys nothing: a set of the memo has four ways,
//! a table some hundred entries, and every hit is compared octet by octet.

/// An odd number without pattern: 2⁶⁴ divided by the golden ratio.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Hashes a field.
pub(super) fn hash_of_field(name: &[u8], value: &[u8]) -> u64 {
    hash(hash(0, name), value)
}

/// Hashes `bytes`, eight at a time, going on from `seed`.
pub(super) fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks();
    let mut state = seed;
    for word in words {
        state = mix(state, u64::from_le_bytes(*word));
    }
    // The last eight octets, even if some were among the words already; of a short text, its halves or its octets.
    if let Some(last) = bytes.last_chunk() {
        state = mix(state, u64::from_le_bytes(*last));
    } else if let (Some(first), Some(last)) = (rest.first_chunk(), rest.last_chunk()) {
        let halves = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        state = mix(state, u64::from(halves.0) << 32 | u64::from(halves.1));
    } else {
        for octet in rest {
            state = mix(state, u64::from(*octet));
        }
    }
    state ^ (state >> 32)
}

/// Hashes one number, going on from `state`.
pub(super) fn mix(state: u64, word: u64) -> u64 {
    (state.rotate_left(5) ^ word).wrapping_mul(MULTIPLIER)
}
