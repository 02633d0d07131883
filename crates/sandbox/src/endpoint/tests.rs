//! Ages are spread, but not far.

use super::*;

#[test]
fn ages_are_spread_by_at_most_a_tenth() {
    let age = Duration::from_mins(5);
    let ages: Vec<_> = (0..100).map(|number| spread(age, number)).collect();
    let (least, most) = (ages.iter().min().unwrap(), ages.iter().max().unwrap());
    assert!(*least >= Duration::from_secs(270) && *most <= Duration::from_secs(330));
    assert!(
        most.saturating_sub(*least) > Duration::from_secs(50),
        "they do not go together"
    );
}
