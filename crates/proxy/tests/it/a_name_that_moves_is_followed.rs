//! Behind a name, addresses change: connections follow, and no call fails. The names are a real DNS server's.

use std::{net::SocketAddr, time::Duration};

use newleaf_proxy::{Options, Resolver, ServerTrust, limits};
use newleaf_x509::TrustBundle;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::{
    caller::Caller,
    dns::{Dnsmasq, free_port, resolver},
    pki::Ca,
    rig::{Load, Running, eventually, look_up, options},
    server::{Command, Server},
    stretch::Stretch,
};

/// Two servers behind one name: at two addresses, and the same port.
struct Pair {
    here: Server,
    there: Server,
    directory: TempDir,
}

impl Pair {
    async fn start() -> Self {
        let (g1, port) = (Ca::new("g1"), free_port());
        let at = |address: &str| -> SocketAddr { format!("{address}:{port}").parse().unwrap() };
        Self {
            here: Server::start_at(at("127.0.0.1"), &[&g1]).await,
            there: Server::start_at(at("127.0.0.2"), &[&g1]).await,
            directory: g1.directory_of_worker(),
        }
    }

    /// What makes a proxy find them under the name.
    fn options(&self, dns: &Dnsmasq) -> Options {
        self.options_with(dns.resolver())
    }

    fn options_with(&self, resolver: Resolver) -> Options {
        let mut options = options(self.here.address, &self.here.ca, self.directory.path());
        look_up(&mut options, "temporal.test", resolver);
        let both = [&self.here, &self.there].map(|server| server.ca.certificate.clone());
        let upstream = options.upstreams.first_mut().unwrap();
        upstream.server_trust = ServerTrust::Bundle(TrustBundle::new(both));
        options
    }
}

fn n_open(server: &Server) -> usize {
    server.seen(|seen| seen.n_open)
}

fn n_calls(server: &Server) -> usize {
    server.seen(|seen| seen.calls.len())
}

#[tokio::test]
async fn from_one_address_to_another() {
    let Some(dns) = Dnsmasq::start(1).await else {
        return;
    };
    dns.know(&[("temporal.test", "127.0.0.1")]);
    let pair = Pair::start().await;
    let Pair { here, there, .. } = &pair;
    let proxy = Running::adopted(pair.options(&dns)).await;
    let load = Load::start(&Caller::connect(proxy.address).await, 3);

    // The old address works on, and is left all the same.
    dns.know(&[("temporal.test", "127.0.0.2")]);
    let changed = Instant::now();
    eventually("calls are there", || n_calls(there) > 0).await;
    let took = changed.elapsed();
    assert!(took < Duration::from_secs(8), "{took:?} with a TTL of 1 s");
    eventually("nothing is left here", || n_open(here) == 0).await;

    // That there is another address too is no reason to move.
    dns.know(&[
        ("temporal.test", "127.0.0.1"),
        ("temporal.test", "127.0.0.2"),
    ]);
    let addresses = || proxy.name_lookup().addresses;
    eventually("both are known", || addresses().len() == 2).await;
    let before = n_calls(there);
    eventually("calls go on there", || n_calls(there) > before + 100).await;
    assert_eq!(n_open(here), 0);
    assert!(load.stop().await > 0);
    assert_eq!(proxy.status().failed, 0);
}

/// As when Temporal Cloud moves a namespace to another region: one answer is enough.
#[tokio::test]
async fn from_one_alias_to_another() {
    let Some(mut dns) = Dnsmasq::start(1).await else {
        return;
    };
    let chain = |region: &str| {
        let alias = format!("--cname=temporal.test,{region}.region.test");
        [
            "--local=/test/".to_owned(),
            alias,
            "--cname=eu.region.test,eu.test".to_owned(),
            "--cname=us.region.test,us.test".to_owned(),
        ]
    };
    let records = [("eu.test", "127.0.0.1"), ("us.test", "127.0.0.2")];
    dns.know(&records);
    let eu = chain("eu");
    dns.start_again(&eu.each_ref().map(String::as_str)).await;
    let pair = Pair::start().await;
    let proxy = Running::adopted(pair.options(&dns)).await;
    let load = Load::start(&Caller::connect(proxy.address).await, 3);
    eventually("calls are here", || n_calls(&pair.here) > 0).await;

    let us = chain("us");
    dns.start_again(&us.each_ref().map(String::as_str)).await;
    eventually("calls are there", || n_calls(&pair.there) > 0).await;
    eventually("nothing is left here", || n_open(&pair.here) == 0).await;
    assert!(load.stop().await > 0);
    assert_eq!(proxy.status().failed, 0);
}

/// However DNS fails, connections stay where they are, and what ends is replaced where it was.
#[tokio::test]
async fn a_name_that_nobody_answers_for_stands_where_it_stood() {
    let Some(mut dns) = Dnsmasq::start(1).await else {
        return;
    };
    dns.know(&[("temporal.test", "127.0.0.1")]);
    let pair = Pair::start().await;
    let proxy = Running::adopted(pair.options(&dns)).await;
    let load = Load::start(&Caller::connect(proxy.address).await, 3);
    let n_connections = || pair.here.seen(|seen| seen.connections.len());
    for way_to_fail in [
        "NXDOMAIN",
        "did not answer",
        "REFUSED",
        "could not be asked",
    ] {
        match way_to_fail {
            "NXDOMAIN" => dns.know(&[]),
            "did not answer" => dns.signal(Signal::STOP),
            // Of what is not its own it knows nobody to ask.
            "REFUSED" => dns.start_again(&["--local=/elsewhere/"]).await,
            _dead => dns.end(),
        }
        let trouble = || proxy.name_lookup().trouble;
        let is_told = || trouble().is_some_and(|why| why.contains(way_to_fail));
        eventually(way_to_fail, is_told).await;
        let before = n_connections();
        pair.here.command(Command::Goodbye);
        eventually("a successor is there", || n_connections() > before).await;
    }
    dns.know_from_the_start(&[("temporal.test", "127.0.0.2")])
        .await;
    eventually("it is answered for again", || {
        proxy.name_lookup().trouble.is_none()
    })
    .await;
    eventually("calls are there", || n_calls(&pair.there) > 0).await;
    assert!(load.stop().await > 0);
    assert_eq!(proxy.status().failed, 0);
}

/// A resolver that is down is no outage: whatever ends meanwhile is replaced at once.
#[tokio::test]
async fn while_nobody_answers_a_dial_waits_for_nobody() {
    let Some(dns) = Dnsmasq::start(1).await else {
        return;
    };
    dns.know(&[("temporal.test", "127.0.0.1")]);
    let pair = Pair::start().await;
    let proxy = Running::adopted(pair.options(&dns)).await;
    let mut caller = Caller::connect(proxy.address).await;
    let n_connections = || pair.here.seen(|seen| seen.connections.len());
    dns.signal(Signal::STOP);
    // Before the TTL is over, while a look-up is under way, in the pause after it, and while the next is.
    let began = Instant::now();
    while began.elapsed() < limits::LOOKUP + limits::LOOKUP_PAUSE + limits::LOOKUP / 2 {
        let before = n_connections();
        let cut = Instant::now();
        pair.here.command(Command::Cut);
        eventually("a successor is there", || n_connections() > before).await;
        let end = caller.echo().await;
        let took = cut.elapsed();
        assert!(end.is_ok(), "{end:?}");
        assert!(took < Duration::from_secs(1), "{took:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(proxy.name_lookup().trouble.is_some());
}

/// A second server of DNS, there for when the first is down, knows nothing of the name. Once it was asked, and said so; the first
/// is asked again all the same.
#[tokio::test]
async fn a_name_server_that_was_late_is_asked_again() {
    let (Some(first), Some(second)) = (Dnsmasq::start(1).await, Dnsmasq::start(1).await) else {
        return;
    };
    first.know(&[("temporal.test", "127.0.0.1")]);
    let pair = Pair::start().await;
    let resolver = resolver([first.address, second.address]);
    let proxy = Running::adopted(pair.options_with(resolver)).await;
    let load = Load::start(&Caller::connect(proxy.address).await, 3);

    first.signal(Signal::STOP);
    let trouble = || proxy.name_lookup().trouble;
    let is_told = || trouble().is_some_and(|why| why.contains("NXDOMAIN"));
    eventually("the second says that there is no such name", is_told).await;
    first.know(&[("temporal.test", "127.0.0.2")]);
    first.signal(Signal::CONT);
    eventually("calls are there", || n_calls(&pair.there) > 0).await;
    assert_eq!(trouble(), None);
    assert!(load.stop().await > 0);
    assert_eq!(proxy.status().failed, 0);
}

/// Of two nodes one is wrongly set up, or a balancer has nobody behind it. The proxy finds the other, whichever it asks first.
#[tokio::test]
async fn an_address_that_refuses_is_left_for_another() {
    let Some(dns) = Dnsmasq::start(1).await else {
        return;
    };
    dns.know(&[
        ("temporal.test", "127.0.0.1"),
        ("temporal.test", "127.0.0.2"),
    ]);
    let pair = Pair::start().await;
    let Pair { here, there, .. } = &pair;
    let mut accepted = vec![Ca::new("g2").certificate];
    here.rule(|rules| std::mem::swap(&mut rules.accepted, &mut accepted));
    let proxy = Running::adopted(pair.options(&dns)).await;
    let mut caller = Caller::connect(proxy.address).await;
    assert!(caller.echo().await.is_ok());
    assert_eq!((n_open(here), n_open(there)), (0, 1));

    here.rule(|rules| std::mem::swap(&mut rules.accepted, &mut accepted));
    there.rule(|rules| std::mem::swap(&mut rules.accepted, &mut accepted));
    there.command(Command::Cut);
    eventually("the other takes the calls", || n_open(here) == 1).await;
    assert!(caller.echo().await.is_ok());
}

/// The host is gone, somebody in between accepts what nobody answers, and the name stands for another host by and by. A dial
/// that hangs at the old one does not keep the proxy from the new one.
#[tokio::test]
async fn from_an_address_that_fell_silent() {
    let Some(dns) = Dnsmasq::start(1).await else {
        return;
    };
    dns.know(&[("temporal.test", "127.0.0.1")]);
    let (g1, server_ca, port) = (Ca::new("g1"), Ca::new("server CA"), free_port());
    let at = |address: &str| -> SocketAddr { format!("{address}:{port}").parse().unwrap() };
    let there = Server::start_with(at("127.0.0.2"), server_ca, &[&g1]).await;
    let stretch = Stretch::start_at(at("127.0.0.1"), there.address).await;
    let directory = g1.directory_of_worker();
    let mut options = options(stretch.address, &there.ca, directory.path());
    look_up(&mut options, "temporal.test", dns.resolver());
    let proxy = Running::adopted(options).await;

    stretch.swallow(100);
    stretch.freeze();
    let mut caller = Caller::connect(proxy.address).await;
    let mut other = caller.clone();
    let lost = tokio::spawn(async move { other.echo().await });
    eventually("the old address is dialled twice", || {
        stretch.n_to_swallow() <= 98
    })
    .await;
    dns.know(&[("temporal.test", "127.0.0.2")]);
    let moved = Instant::now();
    let end = caller.echo().await;
    assert!(end.is_ok(), "{end:?}");
    let took = moved.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?} with a TTL of 1 s");
    assert!(!lost.await.unwrap().is_ok(), "it went the old way");
}
