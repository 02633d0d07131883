//! What is known after one answer and another.

use std::path::PathBuf;

use tokio::{net::UdpSocket, time::sleep};

use super::*;
use crate::dns::ResolverOptions;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn found(four: Option<&[&str]>, six: Option<&[&str]>, canonical: &str) -> Found {
    let parsed = |texts: &[&str]| texts.iter().map(|text| address(text)).collect();
    Found {
        four: four.map(parsed),
        six: six.map(parsed),
        canonical: canonical.to_owned(),
        holds: Duration::from_secs(15),
    }
}

fn shown(known: &Known) -> Vec<String> {
    known
        .addresses(7233)
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// Names that nobody answers for.
fn names(place: &str) -> Arc<Names> {
    asking(place, "127.0.0.1:1".parse().unwrap())
}

fn asking(place: &str, server: SocketAddr) -> Arc<Names> {
    let resolver = Resolver::new(ResolverOptions {
        servers: vec![server],
        hosts: PathBuf::new(),
        ..ResolverOptions::system()
    });
    Arc::new(Names::new(place.to_owned(), resolver))
}

#[test]
fn families_take_turns_and_the_newer_begins() {
    let mut known = Known::default();
    let six = ["2001:db8::1", "2001:db8::2", "2001:db8::3"];
    known.learn(found(Some(&["192.0.2.1"]), Some(&six), "a"), Instant::now());
    let expect = [
        "[2001:db8::1]:7233",
        "192.0.2.1:7233",
        "[2001:db8::2]:7233",
        "[2001:db8::3]:7233",
    ];
    assert_eq!(shown(&known), expect);
    let many: Vec<_> = (1..=20).map(|n| format!("192.0.2.{n}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    known.learn(found(Some(&many), None, "b"), Instant::now());
    assert_eq!(shown(&known).len(), 20);
    known.learn(
        found(Some(&["127.0.0.1"]), Some(&["::1"]), "localhost"),
        Instant::now(),
    );
    assert_eq!(shown(&known), ["127.0.0.1:7233", "[::1]:7233"]);
}

#[test]
fn a_family_that_is_unknown_stays_until_the_name_is_something_else() {
    let mut known = Known::default();
    known.learn(
        found(Some(&["192.0.2.1"]), Some(&["2001:db8::1"]), "eu"),
        Instant::now(),
    );
    known.learn(found(Some(&["192.0.2.2"]), None, "eu"), Instant::now());
    assert_eq!(shown(&known), ["[2001:db8::1]:7233", "192.0.2.2:7233"]);
    known.learn(found(Some(&["192.0.2.3"]), None, "us"), Instant::now());
    assert_eq!(shown(&known), ["192.0.2.3:7233"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_used_until_its_time_is_over() {
    let names = names("temporal.test:7233");
    assert!(names.current().await.is_err(), "nothing to go by");
    names
        .locked()
        .learn(found(Some(&["192.0.2.1"]), Some(&[]), "eu"), Instant::now());
    assert_eq!(names.due(), Duration::from_secs(15));
    tokio::time::advance(Duration::from_secs(14)).await;
    assert_eq!(names.current().await.unwrap().trouble, None);
    tokio::time::advance(Duration::from_secs(1)).await;
    // Nobody answers now. What was known serves on, and for a while nobody asks.
    let known = names.current().await.unwrap();
    assert_eq!(shown(&known), ["192.0.2.1:7233"]);
    assert!(known.trouble.is_some());
    assert_eq!(known.n_answers, 1);
    assert!(names.due() > limits::LOOKUP_PAUSE / 2);
}

#[tokio::test(start_paused = true)]
async fn what_leads_nowhere_is_asked_for_anew_but_not_at_once() {
    let names = names("temporal.test:7233");
    names.doubt();
    names
        .locked()
        .learn(found(Some(&["192.0.2.1"]), None, "eu"), Instant::now());
    names.doubt();
    assert_eq!(
        names.due(),
        Duration::from_secs(15),
        "it was just asked for"
    );
    tokio::time::advance(limits::TTL_MIN).await;
    names.doubt();
    assert_eq!(names.due(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn while_nobody_answers_a_doubt_is_no_reason_to_ask() {
    let mut known = Known::default();
    let now = Instant::now();
    known.learn(found(Some(&["192.0.2.1"]), None, "eu"), now);
    known.miss("nobody knows".to_owned(), now);
    let paused = known.until;
    known.doubt(now + limits::TTL_MIN);
    assert_eq!(known.until, paused);
}

/// A server that hears and says nothing, and a name whose answer holds no more.
async fn unanswered() -> (Arc<Names>, UdpSocket) {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let names = asking("temporal.test:7233", silent.local_addr().unwrap());
    let long_ago = Instant::now();
    names
        .locked()
        .learn(found(Some(&["192.0.2.1"]), None, "eu"), long_ago);
    tokio::time::advance(Duration::from_mins(1)).await;
    (names, silent)
}

#[tokio::test(start_paused = true)]
async fn a_dial_goes_by_what_is_known_while_dns_is_silent() {
    let (names, _silent) = unanswered().await;
    let began = Instant::now();
    assert_eq!(shown(&names.for_dial().await.unwrap()), ["192.0.2.1:7233"]);
    assert!(began.elapsed() <= limits::LOOKUP_OF_DIAL + Duration::from_millis(1));
    // The look-up goes on, and nobody waits for it any more.
    let began = Instant::now();
    for _dial in 0..3 {
        assert!(names.for_dial().await.unwrap().trouble.is_none());
    }
    assert!(began.elapsed() <= Duration::from_millis(3));
    // What becomes of it is noted, though nobody asks.
    sleep(limits::LOOKUP).await;
    assert!(names.told().unwrap().trouble.is_some());
    assert!(names.due() > Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn one_look_up_is_for_all_who_ask_meanwhile() {
    let (names, silent) = unanswered().await;
    let ask = || {
        let names = Arc::clone(&names);
        async move { names.current().await.unwrap().trouble }
    };
    let given_up = tokio::spawn(ask());
    sleep(Duration::from_millis(1)).await;
    given_up.abort();
    let (one, other) = tokio::join!(ask(), ask());
    assert!(one.is_some() && one == other);
    // Each question was asked by one look-up: two families, as often as the machine is set up to.
    let mut n_questions = 0;
    let mut datagram = [0; 512];
    while silent.try_recv_from(&mut datagram).is_ok() {
        n_questions += 1;
    }
    assert!(n_questions <= 2 * limits::DNS_ATTEMPTS, "{n_questions}");
}

#[tokio::test]
async fn an_address_is_what_it_is() {
    for (place, expect) in [
        ("192.0.2.1:7233", "192.0.2.1:7233"),
        ("[::2]:7233", "[::2]:7233"),
    ] {
        let names = names(place);
        assert!(names.is_fixed());
        assert!(names.told().is_none());
        assert_eq!(shown(&names.current().await.unwrap()), [expect]);
    }
    assert!(!names("localhost:7233").is_fixed());
}
