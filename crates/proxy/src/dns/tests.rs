//! What several replies say together. Real servers are asked in `tests/it`.

use domain::{
    base::{Message, MessageBuilder},
    rdata::A,
};
use tokio::net::UdpSocket;

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
        code: Rcode::NOERROR,
        said: "there is nothing".to_owned(),
    })
}

fn no_such_name() -> Result<Reply, String> {
    reply(&[], 0).map(|reply| Reply {
        code: Rcode::NXDOMAIN,
        ..reply
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

#[test]
fn of_a_name_that_is_not_there_no_family_is() {
    assert!(matches!(
        judge(no_such_name(), unknown()),
        Outcome::Absent(_)
    ));
    assert!(matches!(
        judge(unknown(), no_such_name()),
        Outcome::Absent(_)
    ));
    // Some servers say so of the family.
    let found = found_of(reply(&["192.0.2.1"], 30), no_such_name());
    assert_eq!(found.six, Some(Vec::new()));
}

#[test]
fn whoever_is_first_leaves_the_others_their_share() {
    let now = Instant::now();
    let until = now + Duration::from_secs(4);
    assert_eq!(share(now, until, 4), now + Duration::from_secs(1));
    assert_eq!(share(now, until, 1), until);
    assert_eq!(share(until, now, 2), until, "there is nothing left");
}

/// Knows `temporal.test`, at an address of IPv4; is silent of what lies below `dead.test`, and of all that is not asked for an
/// address of IPv4.
async fn serve(socket: UdpSocket) {
    let mut datagram = [0; 512];
    loop {
        let (n_bytes, asker) = socket.recv_from(&mut datagram).await.unwrap();
        let query = Message::from_octets(&datagram[..n_bytes]).unwrap();
        let question = query.sole_question().unwrap();
        let name = question.qname().to_string();
        if question.qtype() != Rtype::A || name.ends_with("dead.test") {
            continue;
        }
        let (is_known, builder) = (name == "temporal.test", MessageBuilder::new_vec());
        let code = if is_known {
            Rcode::NOERROR
        } else {
            Rcode::NXDOMAIN
        };
        let mut reply = builder.start_answer(&query, code).unwrap();
        if is_known {
            let address = A::new(Ipv4Addr::new(192, 0, 2, 1));
            reply.push((question.qname(), 60, address)).unwrap();
        }
        let sent = socket.send_to(&reply.finish(), asker).await;
        sent.unwrap();
    }
}

/// As in a pod of whose search domains one is served by nobody any more.
#[tokio::test]
async fn a_search_domain_that_is_dead_starves_no_other_form() {
    let one = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = one.local_addr().unwrap().port();
    for address in ["127.0.0.2", "127.0.0.3"] {
        let socket = UdpSocket::bind((address, port)).await.unwrap();
        tokio::spawn(serve(socket));
    }
    tokio::spawn(serve(one));
    let directory = tempfile::tempdir().unwrap();
    let resolv_conf = directory.path().join("resolv.conf");
    let text = "search dead.test other.test third.test
options ndots:5
                nameserver 127.0.0.1
nameserver 127.0.0.2
nameserver 127.0.0.3
";
    fs_err::write(&resolv_conf, text).unwrap();
    let resolver = Resolver::new(ResolverOptions {
        servers: Vec::new(),
        resolv_conf,
        port,
        hosts: PathBuf::new(),
    });
    let began = Instant::now();
    let found = resolver.look_up("temporal.test").await.unwrap();
    assert_eq!(found.four, Some(vec!["192.0.2.1".parse().unwrap()]));
    assert!(began.elapsed() < limits::LOOKUP, "{:?}", began.elapsed());
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
