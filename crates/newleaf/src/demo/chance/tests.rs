//! Tests of the generator.

use super::Chance;

#[test]
fn the_published_sequence() {
    // The first outputs of the reference implementation for seed 1234567.
    let mut chance = Chance::new(1_234_567);
    let drawn: Vec<u64> = (0..3).map(|_| chance.draw()).collect();
    assert_eq!(
        drawn,
        [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423
        ]
    );
}

#[test]
fn a_bound_is_kept() {
    let mut chance = Chance::new(7);
    assert!((0..1_000).all(|_| chance.below(13) < 13));
    assert_eq!(chance.below(0), 0);
}
