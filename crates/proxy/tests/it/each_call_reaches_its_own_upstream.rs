//! A call goes to the upstream of its listener or of its namespace, and to no other; what happens at one upstream is not
//! felt at another.

use std::collections::{BTreeMap, BTreeSet};

use newleaf_proxy::{Options, Proxy, Route, StartError};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    caller::{Caller, End},
    pki::{Ca, Leaf},
    rig::{Load, PATIENCE, Running, eventually, listener, options, upstream},
    server::{Command, Server},
};

/// A server, the CA that it accepts, and where the identity lies that is presented to it.
struct Side {
    name: &'static str,
    ca: Ca,
    leaf: Leaf,
    server: Server,
    directory: tempfile::TempDir,
}

impl Side {
    async fn start(name: &'static str) -> Self {
        let ca = Ca::new(name);
        let leaf = ca.leaf("worker one");
        let server = Server::start(&[&ca]).await;
        let directory = tempfile::tempdir().unwrap();
        leaf.swap_into(directory.path());
        Self {
            name,
            ca,
            leaf,
            server,
            directory,
        }
    }

    fn namespaces(&self) -> BTreeSet<String> {
        let seen = self.server.seen(|seen| seen.namespaces.clone());
        seen.into_iter().collect()
    }
}

/// One listener for each side, and one by namespace.
fn between(a: &Side, b: &Side) -> Options {
    let mut options = options(a.server.address, &a.server.ca, a.directory.path());
    options.upstreams = [a, b]
        .map(|side| {
            let (address, ca) = (side.server.address, &side.server.ca);
            upstream(side.name, address, ca, side.directory.path())
        })
        .into();
    let named = |side: &Side| (format!("of-{}", side.name), side.name.to_owned());
    options.listeners = vec![
        listener(Route::Upstream(a.name.to_owned())),
        listener(Route::Upstream(b.name.to_owned())),
        listener(Route::ByNamespace {
            namespaces: BTreeMap::from([named(a), named(b)]),
            otherwise: None,
            unnamed: Some(b.name.to_owned()),
        }),
    ];
    options
}

async fn call(caller: &mut Caller, namespaces: &[&str]) -> End {
    let named = namespaces.iter().map(|name| ("temporal-namespace", *name));
    let headers: Vec<_> = named.collect();
    caller.call("/echo", "hello".into(), &headers).await
}

#[tokio::test]
async fn by_listener_and_by_namespace() {
    let (a, b) = (Side::start("a").await, Side::start("b").await);
    let proxy = Running::start(between(&a, &b)).await;
    eventually("both are adopted", || proxy.status().adopted == 2).await;
    let mut callers = Vec::new();
    for address in &proxy.addresses {
        callers.push(Caller::connect(*address).await);
    }
    let [to_a, to_b, by_namespace] = &mut callers[..] else {
        panic!("expected three listeners");
    };
    for _round in 0..5 {
        // What the listener has decided, the header does not change.
        assert!(call(to_a, &["of-b", "and-twice"]).await.is_ok());
        assert!(call(to_b, &["listener-b"]).await.is_ok());
        for namespaces in [&["of-a"][..], &["of-b"], &[]] {
            assert!(call(by_namespace, namespaces).await.is_ok());
        }
        for (namespaces, code) in [(&["of-c"][..], 7), (&["of-a", "of-b"], 3), (&[""], 3)] {
            let End::Status(status, _) = call(by_namespace, namespaces).await else {
                panic!("expected a status");
            };
            assert_eq!(status, code, "{namespaces:?}");
        }
    }
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(a.namespaces(), set(&["of-a", "of-b", "and-twice"]));
    assert_eq!(b.namespaces(), set(&["of-b", "listener-b"]));
    let n_calls = [&a, &b].map(|side| side.server.seen(|seen| seen.calls.len()));
    assert_eq!(n_calls, [10, 15]);

    let status = proxy.status();
    let told: Vec<_> = status
        .upstreams
        .iter()
        .map(|of| (&*of.name, of.ready))
        .collect();
    assert_eq!(told, [("a", true), ("b", true)]);
    let connections = status.connections.iter().map(|c| (&*c.upstream, c.leaf));
    let presented = [&a, &b].map(|side| (side.name, Some(side.leaf.fingerprint())));
    assert_eq!(
        connections.collect::<BTreeSet<_>>(),
        BTreeSet::from(presented)
    );
    assert_eq!((status.failed, status.refused), (15, 0));
}

/// One upstream's identity changes, its server says goodbye, and is gone at last: the other's callers notice nothing.
#[tokio::test]
async fn what_happens_at_one_is_not_felt_at_the_other() {
    let (a, b) = (Side::start("a").await, Side::start("b").await);
    let proxy = Running::start(between(&a, &b)).await;
    eventually("both are adopted", || proxy.status().adopted == 2).await;
    let to_a = Caller::connect(proxy.addresses[0]).await;
    let to_b = Caller::connect(proxy.addresses[1]).await;
    let (load_a, load_b) = (Load::start(&to_a, 4), Load::start(&to_b, 4));
    for adopted in 3..=5 {
        b.ca.leaf("worker next").swap_into(b.directory.path());
        eventually("the new leaf is adopted", || {
            proxy.status().adopted == adopted
        })
        .await;
        b.server.command(Command::Goodbye);
    }
    assert!(load_b.stop().await > 50);
    // Nobody accepts what is presented to `b` any more, and its connections are cut.
    b.server
        .rule(|rules| rules.accepted = vec![Ca::new("another").certificate]);
    b.server.command(Command::Cut);
    let ready = || {
        proxy
            .status()
            .upstreams
            .iter()
            .map(|of| of.ready)
            .collect::<Vec<_>>()
    };
    eventually("the second is away", || ready() == [true, false]).await;
    assert_eq!(
        ask(&proxy, "/ready").await,
        503,
        "ready means every upstream"
    );
    let n_calls = a.server.seen(|seen| seen.calls.len());
    let more = || a.server.seen(|seen| seen.calls.len()) > n_calls + 50;
    eventually("calls to the first go on", more).await;
    assert!(load_a.stop().await > 100);
    assert_eq!(a.server.seen(|seen| seen.connections.len()), 1);

    b.server
        .rule(|rules| rules.accepted = vec![b.ca.certificate.clone()]);
    eventually("the second is back", || ready() == [true, true]).await;
    assert_eq!(ask(&proxy, "/ready").await, 200);
}

#[tokio::test]
async fn names_that_lead_nowhere_are_told_before_anything_is_listened_on() {
    let (a, b) = (Side::start("a").await, Side::start("b").await);
    let mut options = between(&a, &b);
    options.listeners.truncate(1);
    let error = Proxy::bind(options).await.err().unwrap();
    assert!(matches!(error, StartError::Route(_)), "{error}");
    assert!(error.is_usage());
}

/// Returns the status of a page of the admin endpoint.
async fn ask(proxy: &Running, path: &str) -> u16 {
    let mut socket = TcpStream::connect(proxy.admin).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = socket.read_to_string(&mut answer);
    tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}
