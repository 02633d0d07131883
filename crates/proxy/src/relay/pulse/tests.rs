//! What silence means, instant by instant.

use super::*;

fn pulse() -> (Pulse, Instant) {
    let now = tokio::time::Instant::now().into_std();
    (Pulse::new(now), now)
}

#[test]
fn a_call_that_is_answered_in_time_raises_no_question() {
    let (mut pulse, now) = pulse();
    let due = now + limits::QUIET;
    assert_eq!(pulse.sent(now), Some(due));
    pulse.due = due;
    assert_eq!(
        pulse.sent(now),
        None,
        "the first call that waits sets the time"
    );
    pulse.heard(now + limits::QUIET / 2);
    assert_eq!(pulse.feel(due), Finding::Nothing);
    assert!(pulse.is_felt());
    assert_eq!(
        pulse.due,
        now + limits::QUIET / 2 + limits::KEEPALIVE_INTERVAL
    );
}

#[test]
fn silence_raises_a_question_then_doubt_then_certainty() {
    let (mut pulse, now) = pulse();
    pulse.sent(now);
    let asked = now + limits::QUIET;
    assert_eq!(pulse.feel(asked), Finding::Ask);
    assert!(!pulse.is_felt() && !pulse.is_doubted());
    let doubt = asked + limits::DOUBT;
    assert_eq!(pulse.due, doubt);
    assert_eq!(pulse.feel(doubt), Finding::Doubt);
    assert!(pulse.is_doubted());
    assert_eq!(pulse.feel(doubt), Finding::Nothing, "said once");
    let dead = asked + limits::KEEPALIVE_TIMEOUT;
    assert_eq!(pulse.due, dead);
    assert_eq!(pulse.feel(dead), Finding::Dead);
}

#[test]
fn any_byte_answers() {
    let (mut pulse, now) = pulse();
    pulse.sent(now);
    pulse.feel(now + limits::QUIET);
    pulse.feel(now + limits::QUIET + limits::DOUBT);
    assert!(pulse.is_doubted());
    pulse.heard(now + limits::SILENCE);
    assert!(pulse.is_felt() && !pulse.is_doubted());
}

#[test]
fn a_connection_in_doubt_is_not_waited_for_long_once_there_is_another() {
    let (mut pulse, now) = pulse();
    pulse.sent(now);
    pulse.feel(now + limits::QUIET);
    assert_eq!(
        pulse.superseded(now),
        None,
        "no doubt, nothing to supersede"
    );
    let doubt = now + limits::QUIET + limits::DOUBT;
    pulse.feel(doubt);
    let dead = doubt + limits::SILENCE;
    assert_eq!(pulse.superseded(doubt), Some(dead));
    pulse.due = dead;
    assert_eq!(pulse.superseded(doubt + limits::QUIET), None);
    assert_eq!(pulse.feel(dead), Finding::Dead);
}

/// A large request in front of the question is no reason to doubt, as long as it moves.
#[test]
fn a_slow_way_is_not_silence() {
    let (mut pulse, now) = pulse();
    pulse.sent(now);
    let mut at = now + limits::QUIET;
    assert_eq!(pulse.feel(at), Finding::Ask);
    for _ in 0..200 {
        at += limits::DOUBT / 2;
        pulse.moved(at);
        assert_eq!(pulse.feel(at), Finding::Nothing);
    }
    assert!(at > now + limits::KEEPALIVE_TIMEOUT);
    assert_eq!(pulse.feel(at + limits::DOUBT), Finding::Doubt);
    pulse.superseded(at + limits::DOUBT);
    pulse.moved(at + limits::SILENCE);
    assert_eq!(
        pulse.feel(at + limits::DOUBT + limits::SILENCE),
        Finding::Nothing
    );
}

#[test]
fn far_servers_are_given_more_time() {
    let (mut pulse, now) = pulse();
    let far = Duration::from_millis(300);
    pulse.settled(now + far);
    pulse.heard(now + far);
    pulse.sent(now + far);
    let asked = now + far + limits::QUIET_MAX;
    assert_eq!(pulse.feel(asked), Finding::Ask);
    assert_eq!(pulse.feel(asked + far * 3), Finding::Nothing);
    assert_eq!(pulse.feel(asked + far * 4), Finding::Doubt);
}

#[test]
fn an_idle_connection_is_kept_alive() {
    let (mut pulse, now) = pulse();
    let idle = now + limits::KEEPALIVE_INTERVAL;
    assert_eq!(pulse.due, idle);
    assert_eq!(pulse.feel(idle), Finding::Ping);
    pulse.heard(idle);
    assert_eq!(pulse.feel(idle + limits::DOUBT), Finding::Nothing);
    assert_eq!(pulse.due, idle + limits::KEEPALIVE_INTERVAL);
}
