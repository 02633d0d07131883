//! Names are looked up as the machine is set up to, for as long as an answer holds. The servers are real ones.

use std::{net::SocketAddr, path::Path, time::Duration};

use newleaf_proxy::{Resolver, ResolverOptions};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::{
    dns::{Dnsmasq, free_port, resolver},
    pki::Ca,
    rig::{Rig, Running, eventually, look_up, options},
    server::{Command, Server},
};

const NAME: &str = "temporal.test";

/// A proxy whose server has this name.
async fn rig(name: &str, resolver: Resolver) -> Rig {
    Rig::start_with(|options| look_up(options, name, resolver)).await
}

#[tokio::test]
async fn not_before_the_ttl_is_over_and_then_again() {
    let Some(dns) = Dnsmasq::start(4).await else {
        return;
    };
    dns.know(&[(NAME, "127.0.0.1")]);
    let asked = Instant::now();
    let rig = rig(NAME, dns.resolver()).await;
    assert_eq!(dns.n_asked(NAME), 1);
    // A dial in between is no reason to ask.
    rig.server.command(Command::Goodbye);
    let n_connections = || rig.server.seen(|seen| seen.connections.len());
    eventually("a successor is there", || n_connections() == 2).await;
    let within = asked.elapsed();
    assert!(dns.n_asked(NAME) == 1 || within >= Duration::from_secs(4));
    eventually("it is asked again", || dns.n_asked(NAME) == 2).await;
    let waited = asked.elapsed();
    assert!(
        waited >= Duration::from_secs(4),
        "asked again after {waited:?}"
    );
    assert_eq!(rig.proxy.name_lookup().trouble, None);
}

#[tokio::test]
async fn a_dead_address_costs_no_call() {
    let Some(dns) = Dnsmasq::start(60).await else {
        return;
    };
    // Nobody listens on the first three.
    let dead = ["127.0.0.7", "127.0.0.8", "127.0.0.9"].map(|address| (NAME, address));
    dns.know(&[dead.as_slice(), &[(NAME, "127.0.0.1")]].concat());
    let rig = rig(NAME, dns.resolver()).await;
    assert!(rig.caller().await.echo().await.is_ok());
    assert_eq!(rig.proxy.name_lookup().addresses.len(), 4);
}

/// A server at so many addresses: whichever of them are tried, it is there.
async fn everywhere(dns: &Dnsmasq, n_addresses: u8) -> (Server, Running, TempDir) {
    let addresses: Vec<_> = (1..=n_addresses).map(|n| format!("127.0.0.{n}")).collect();
    let records: Vec<_> = addresses
        .iter()
        .map(|address| (NAME, address.as_str()))
        .collect();
    dns.know(&records);
    let (ca, g1) = (Ca::new("server CA"), Ca::new("g1"));
    let any = SocketAddr::from(([0, 0, 0, 0], 0));
    let server = Server::start_with(any, ca, &[&g1]).await;
    let directory = g1.directory_of_worker();
    let mut options = options(server.address, &server.ca, directory.path());
    look_up(&mut options, NAME, dns.resolver());
    let proxy = Running::adopted(options).await;
    (server, proxy, directory)
}

/// Forty addresses do not fit in a datagram of 512 bytes; thirty do.
#[tokio::test]
async fn what_does_not_fit_in_a_datagram_comes_over_tcp() {
    let Some(dns) = Dnsmasq::start(60).await else {
        return;
    };
    let (_server, proxy, _directory) = everywhere(&dns, 40).await;
    // Over UDP and over TCP.
    assert_eq!(dns.n_asked(NAME), 2);
    assert_eq!(proxy.name_lookup().addresses.len(), 40);
}

/// Each answer has them in another order, and a dial tries the first few.
#[tokio::test]
async fn addresses_that_change_places_are_the_same() {
    let Some(dns) = Dnsmasq::start(1).await else {
        return;
    };
    let (server, proxy, _directory) = everywhere(&dns, 24).await;
    eventually("it is asked again and again", || dns.n_asked(NAME) > 6).await;
    assert_eq!(server.seen(|seen| seen.connections.len()), 1);
    assert_eq!(proxy.name_lookup().addresses.len(), 24);
}

#[tokio::test]
async fn one_server_that_is_down_is_made_up_for_by_the_next() {
    let Some(dns) = Dnsmasq::start(1).await else {
        return;
    };
    dns.know(&[(NAME, "127.0.0.1")]);
    let nobody = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let rig = rig(NAME, resolver([nobody, dns.address])).await;
    eventually("it is asked again", || dns.n_asked(NAME) > 1).await;
    assert_eq!(rig.proxy.name_lookup().trouble, None);
}

/// The one that knows is late at first, and the other says that there is no such name.
#[tokio::test]
async fn who_knows_is_asked_until_he_answers() {
    let (Some(first), Some(second)) = (Dnsmasq::start(1).await, Dnsmasq::start(1).await) else {
        return;
    };
    first.know(&[(NAME, "127.0.0.1")]);
    first.signal(Signal::STOP);
    let g1 = Ca::new("g1");
    let server = Server::start(&[&g1]).await;
    let directory = g1.directory_of_worker();
    let mut options = options(server.address, &server.ca, directory.path());
    look_up(
        &mut options,
        NAME,
        resolver([first.address, second.address]),
    );
    let proxy = Running::start(options).await;
    // By both attempts of the first dial, and by the next dial.
    eventually("the second is asked", || second.n_asked(NAME) >= 3).await;
    first.signal(Signal::CONT);
    eventually("the identity is adopted", || proxy.status().adopted == 1).await;
}

/// The file changes while the proxy runs, as when a laptop moves to another network.
#[tokio::test]
async fn as_resolv_conf_says_and_as_it_says_later() {
    let Some(one) = Dnsmasq::start(1).await else {
        return;
    };
    let elsewhere = SocketAddr::from(([127, 0, 0, 2], one.address.port()));
    let Some(two) = Dnsmasq::start_at(elsewhere, 1).await else {
        return;
    };
    for dns in [&one, &two] {
        dns.know(&[(NAME, "127.0.0.1")]);
    }
    let directory = tempfile::tempdir().unwrap();
    let resolv_conf = directory.path().join("resolv.conf");
    let text =
        "search nowhere.test test\noptions ndots:2 timeout:1 whatever\nnameserver 127.0.0.1\n";
    fs_err::write(&resolv_conf, text).unwrap();
    let resolver = Resolver::new(ResolverOptions {
        servers: Vec::new(),
        resolv_conf: resolv_conf.clone(),
        port: one.address.port(),
        hosts: Path::new("/nowhere").to_owned(),
    });
    let _rig = rig("temporal", resolver).await;
    assert!(one.n_asked("temporal.nowhere.test") > 0 && one.n_asked(NAME) > 0);
    assert_eq!(one.n_asked("temporal"), 0, "two dots are too many");
    assert_eq!(two.n_asked(NAME), 0);
    fs_err::write(&resolv_conf, text.replace("127.0.0.1", "127.0.0.2")).unwrap();
    eventually("the other server is asked", || two.n_asked(NAME) > 0).await;
}

#[tokio::test]
async fn what_hosts_says_is_not_asked_of_dns() {
    let Some(dns) = Dnsmasq::start(1).await else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let hosts = directory.path().join("hosts");
    fs_err::write(&hosts, "127.0.0.1 other.test Temporal.test # by hand\n").unwrap();
    let resolver = Resolver::new(ResolverOptions {
        servers: vec![dns.address],
        hosts,
        ..ResolverOptions::system()
    });
    let rig = rig(NAME, resolver).await;
    assert_eq!(dns.n_asked(NAME), 0);
    assert_eq!(rig.proxy.name_lookup().addresses, [rig.server.address]);
}

/// Without a single answer there is nothing to go by, and why is said: what was asked, of whom, and what came back.
#[tokio::test]
async fn what_was_never_known_is_told() {
    let Some(dns) = Dnsmasq::start(1).await else {
        return;
    };
    let (ca, g1) = (Ca::new("server CA"), Ca::new("g1"));
    let directory = g1.directory_of_worker();
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 7233));
    let mut options = options(nowhere, &ca, directory.path());
    look_up(&mut options, NAME, dns.resolver());
    let report = newleaf_proxy::check::check(&options).await.unwrap();
    let why = report.upstreams.first().unwrap().why.clone().unwrap();
    let server = dns.address;
    assert_eq!(
        why,
        format!(
            "expected an address of `temporal.test`, found none: {server} answered NXDOMAIN without an address for \
             `temporal.test` A; see that the name is right, and that {server} should know it"
        )
    );
}
