//! What several replies say together. Real servers are asked in `tests/it`.

use super::*;

#[expect(
    clippy::unnecessary_wraps,
    reason = "what a server said, or that it said nothing"
)]
fn reply(addresses: &[&str], seconds: u64) -> Result<Reply, String> {
    Ok(Reply {
        addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
        canonical: "eu.test".to_owned(),
        holds: Duration::from_secs(seconds),
        said: "there is nothing".to_owned(),
    })
}

fn unknown() -> Result<Reply, String> {
    Err("nobody knows".to_owned())
}

#[track_caller]
fn found_of(four: Result<Reply, String>, six: Result<Reply, String>) -> Found {
    match judge(four, six) {
        Outcome::Found(found) => found,
        Outcome::Absent(said) | Outcome::Unknown(said) => {
            panic!("expected addresses, found {said}")
        }
    }
}

#[test]
fn a_ttl_has_bounds() {
    let holds = |seconds| found_of(reply(&["192.0.2.1"], seconds), reply(&[], 0)).holds;
    assert_eq!(holds(0), limits::TTL_MIN);
    assert_eq!(holds(15), Duration::from_secs(15));
    assert_eq!(holds(86_400), limits::TTL_MAX);
}

#[test]
fn the_shorter_ttl_of_two_families_counts() {
    let found = found_of(reply(&["192.0.2.1"], 30), reply(&["2001:db8::1"], 20));
    assert_eq!(found.holds, Duration::from_secs(20));
    assert_eq!(found.canonical, "eu.test");
}

#[test]
fn a_family_of_which_nobody_knows_is_not_empty() {
    let found = found_of(reply(&["192.0.2.1"], 30), unknown());
    assert_eq!(found.six, None);
    let found = found_of(reply(&["192.0.2.1"], 30), reply(&[], 0));
    assert_eq!(found.six, Some(Vec::new()));
}

/// That one family is not there says nothing of the name while the other is unknown.
#[test]
fn a_name_is_absent_only_if_both_families_are() {
    assert!(matches!(
        judge(reply(&[], 0), reply(&[], 0)),
        Outcome::Absent(_)
    ));
    assert!(matches!(
        judge(reply(&[], 0), unknown()),
        Outcome::Unknown(_)
    ));
    assert!(matches!(
        judge(unknown(), reply(&[], 0)),
        Outcome::Unknown(_)
    ));
}

#[tokio::test]
async fn localhost_needs_no_server() {
    let resolver = Resolver::new(ResolverOptions {
        servers: vec!["127.0.0.1:1".parse().unwrap()],
        hosts: PathBuf::new(),
        ..ResolverOptions::system()
    });
    let found = resolver.look_up("localhost").await.unwrap();
    assert_eq!(found.four, Some(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]));
    assert_eq!(found.six, Some(vec![IpAddr::V6(Ipv6Addr::LOCALHOST)]));
}

#[tokio::test]
async fn whom_nobody_answers_is_told_whom_he_asked() {
    // Nobody listens on port 1.
    let resolver = Resolver::new(ResolverOptions {
        servers: vec!["127.0.0.1:1".parse().unwrap()],
        hosts: PathBuf::new(),
        ..ResolverOptions::system()
    });
    let error = resolver.look_up("temporal.test").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not look up `temporal.test`: 127.0.0.1:1 could not be asked (Connection refused (os error 111)) when asked for \
         `temporal.test` A; see that 127.0.0.1:1 can be reached, or name others by `--dns-server`"
    );
}
