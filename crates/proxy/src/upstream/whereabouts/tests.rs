//! Answers one after the other, and what they say together.

use super::*;

fn address(n: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, n], 7233))
}

fn look(number: u64, addresses: &[u8], canonical: &str) -> Look {
    Look {
        number,
        addresses: addresses.iter().copied().map(address).collect(),
        canonical: canonical.to_owned(),
    }
}

#[test]
fn an_address_is_gone_when_several_answers_in_a_row_do_without_it() {
    let (sender, recent) = watch::channel(BTreeSet::new());
    let whereabouts = Whereabouts { recent };
    let mut answers = Answers::default();
    let mut number = 0;
    let mut say = |addresses: &[u8]| {
        number += 1;
        answers.note(look(number, addresses, "eu"), &sender);
        // Seen again it is no other answer.
        answers.note(look(number, &[9], "us"), &sender);
        assert!(answers.addresses.len() < limits::LOOKS);
    };
    say(&[2]);
    assert!(
        !whereabouts.lack(Some(address(1))),
        "one answer says little"
    );
    say(&[1, 2]);
    say(&[2]);
    assert!(!whereabouts.lack(Some(address(1))));
    say(&[2, 3]);
    assert!(whereabouts.lack(Some(address(1))));
    assert!(!whereabouts.lack(Some(address(2))));
    assert!(!whereabouts.lack(Some(address(3))));
    assert!(!whereabouts.lack(None), "unknown is not elsewhere");
}

#[test]
fn what_a_name_was_an_alias_of_is_gone_at_once() {
    let (sender, recent) = watch::channel(BTreeSet::new());
    let whereabouts = Whereabouts { recent };
    let mut answers = Answers::default();
    answers.note(look(1, &[1, 2], "eu"), &sender);
    answers.note(look(2, &[3], "us"), &sender);
    assert!(whereabouts.lack(Some(address(1))) && whereabouts.lack(Some(address(2))));
    assert!(!whereabouts.lack(Some(address(3))));
    answers.note(look(3, &[4], "us"), &sender);
    assert!(!whereabouts.lack(Some(address(3))) && !whereabouts.lack(Some(address(4))));
}

#[tokio::test]
async fn only_a_change_is_news() {
    let (sender, recent) = watch::channel(BTreeSet::new());
    let mut whereabouts = Whereabouts { recent };
    let mut answers = Answers::default();
    for number in 1..=2 {
        answers.note(look(number, &[1], "eu"), &sender);
    }
    whereabouts.moved().await;
    answers.note(look(3, &[1], "eu"), &sender);
    assert!(!whereabouts.recent.has_changed().unwrap());
    answers.note(look(4, &[2], "eu"), &sender);
    whereabouts.moved().await;
}
