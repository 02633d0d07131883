//! Answers one after the other, and what they say together.

use super::*;

fn address(n: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, n], 7233))
}

#[test]
fn an_address_is_gone_when_several_answers_in_a_row_do_without_it() {
    let (sender, recent) = watch::channel(BTreeSet::new());
    let whereabouts = Whereabouts { recent };
    let mut answers = VecDeque::new();
    let mut say = |addresses: &[u8]| {
        let answer = addresses.iter().copied().map(address).collect();
        note(&mut answers, answer, &sender);
        assert!(answers.len() < limits::LOOKS);
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

#[tokio::test]
async fn only_a_change_is_news() {
    let (sender, recent) = watch::channel(BTreeSet::new());
    let mut whereabouts = Whereabouts { recent };
    let mut answers = VecDeque::new();
    for _ in 0..limits::LOOKS {
        note(&mut answers, BTreeSet::from([address(1)]), &sender);
    }
    whereabouts.moved().await;
    note(&mut answers, BTreeSet::from([address(1)]), &sender);
    assert!(!whereabouts.recent.has_changed().unwrap());
    note(&mut answers, BTreeSet::from([address(2)]), &sender);
    whereabouts.moved().await;
}
