//! How often one dial is begun.

use super::*;

/// Returns which attempts are made when the name is found to stand for these hosts, each time a head start later.
fn attempts(known: &[&[u8]]) -> Vec<Option<usize>> {
    let mut course = Course::default();
    let address = |n: &u8| SocketAddr::from(([192, 0, 2, *n], 7233));
    known
        .iter()
        .map(|known| course.next(known.iter().map(address).collect()))
        .collect()
}

#[test]
fn each_address_is_dialled_once_and_a_single_one_twice() {
    assert_eq!(attempts(&[&[], &[], &[]]), [Some(1), None, None]);
    assert_eq!(attempts(&[&[1], &[1], &[1]]), [Some(1), None, None]);
    assert_eq!(attempts(&[&[1, 2], &[1, 2]]), [Some(1), None]);
    let three: &[u8] = &[1, 2, 3];
    assert_eq!(attempts(&[three; 3]), [Some(1), Some(2), None]);
}

#[test]
fn where_a_name_has_moved_to_is_dialled_too() {
    let moved: [&[u8]; 5] = [&[1], &[1], &[2], &[2], &[2]];
    let expected = [Some(1), None, Some(2), Some(3), None];
    assert_eq!(attempts(&moved), expected);
    // That it is known at last is no move.
    assert_eq!(attempts(&[&[], &[1], &[1]]), [Some(1), None, None]);
}

#[test]
fn a_name_that_stands_for_ever_others_is_not_dialled_for_ever() {
    let all: Vec<u8> = (0..100).collect();
    let known: Vec<&[u8]> = all.chunks(1).collect();
    let n_begun = attempts(&known).iter().flatten().count();
    assert_eq!(n_begun, limits::ADDRESSES - 1);
}
