//! A resolver that answers what a test tells it to.

use std::collections::VecDeque;

use super::*;

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// Names whose answers come in this order.
fn names(answers: impl IntoIterator<Item = Result<Vec<SocketAddr>, io::ErrorKind>>) -> Names {
    let answers: VecDeque<_> = answers.into_iter().collect();
    let answers = Arc::new(Mutex::new(answers));
    let lookup = move |place: String| -> Answer {
        assert_eq!(place, "temporal.test:7233");
        let answer = answers.lock().unwrap().pop_front().unwrap();
        Box::pin(async move { answer.map_err(io::Error::from) })
    };
    resolved_by(lookup)
}

fn resolved_by(lookup: impl Fn(String) -> Answer + Send + Sync + 'static) -> Names {
    let resolver = Resolver::new(lookup, limits::LOOK_INTERVAL);
    Names::new("temporal.test:7233".to_owned(), resolver)
}

#[tokio::test]
async fn each_look_asks_anew() {
    let (one, two) = (address("192.0.2.1:7233"), address("192.0.2.2:7233"));
    let names = names([Ok(vec![one]), Ok(vec![two])]);
    assert_eq!(names.look().await.unwrap(), [one]);
    assert_eq!(names.look().await.unwrap(), [two]);
}

#[tokio::test]
async fn a_resolver_that_is_down_does_not_take_the_server_with_it() {
    let one = address("192.0.2.1:7233");
    let down = || Err(io::ErrorKind::TimedOut);
    let names = names([down(), Ok(vec![one]), down(), Ok(Vec::new())]);
    assert!(names.look_or_recall().await.is_err(), "nothing to recall");
    assert_eq!(names.look_or_recall().await.unwrap(), [one]);
    assert_eq!(names.look_or_recall().await.unwrap(), [one]);
    assert_eq!(names.look_or_recall().await.unwrap(), [one]);
}

#[tokio::test(start_paused = true)]
async fn a_resolver_that_never_answers_is_not_waited_for() {
    let lookup = |_place| -> Answer { Box::pin(std::future::pending()) };
    let names = resolved_by(lookup);
    let error = names.look().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn families_take_turns_and_the_preferred_one_begins() {
    let six = |n| address(&format!("[2001:db8::{n}]:7233"));
    let four = |n| address(&format!("192.0.2.{n}:7233"));
    let answer = vec![six(1), six(2), six(3), four(1)];
    let names = names([Ok(answer), Ok((1..=20).map(four).collect())]);
    assert_eq!(
        names.look().await.unwrap(),
        [six(1), four(1), six(2), six(3)]
    );
    assert_eq!(names.look().await.unwrap().len(), limits::ADDRESSES);
}

/// The only name that every machine has.
#[tokio::test]
async fn the_system_is_asked() {
    let names = Names::new("localhost:7233".to_owned(), Resolver::system());
    assert!(!names.is_fixed());
    let addresses = names.look().await.unwrap();
    assert!(addresses.iter().all(|a| a.ip().is_loopback()));
    assert!(Names::new("[::1]:7233".to_owned(), Resolver::system()).is_fixed());
}
