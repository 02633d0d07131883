//! A real server that hands out session tickets, judges leaves, and tells which one each call came under.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, Response};
use newleaf_x509::{Fingerprint, TrustBundle};
use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, mpsc},
    time::Instant,
};
use tokio_rustls::TlsAcceptor;
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};

use super::{ConnectError, Followed, PROOF_TIMEOUT, Swappable, Target};
use crate::{
    Identity, publish,
    testing::{Ca, now, server_config},
    tls::bundle_roots,
};

/// Answers every unary call with the message it came with; a call of `Wait` only when it is let go.
#[derive(Clone)]
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Fingerprint>>>,
    let_go: Arc<Notify>,
    /// Ends a connection as a crash does.
    hang_up: Arc<Notify>,
}

impl Server {
    async fn start(ca: &Ca) -> Self {
        Self::start_with(server_config(ca)).await
    }

    async fn start_with(config: ServerConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            let_go: Arc::default(),
            hang_up: Arc::default(),
        };
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(acceptor.clone(), tcp));
            }
        });
        server
    }

    async fn serve(self, acceptor: TlsAcceptor, tcp: TcpStream) {
        let Ok(tls) = acceptor.accept(tcp).await else {
            return;
        };
        let leaf = tls.get_ref().1.peer_certificates().unwrap();
        let leaf = Fingerprint::of(leaf.first().unwrap());
        let Ok(mut connection) = h2::server::handshake(tls).await else {
            return;
        };
        loop {
            let call = tokio::select! {
                call = connection.accept() => call,
                () = self.hang_up.notified() => return,
            };
            let Some(Ok((request, respond))) = call else {
                return;
            };
            self.seen.lock().unwrap().push(leaf);
            tokio::spawn(answer(request, respond, Arc::clone(&self.let_go)));
        }
    }

    async fn is_called(&self) {
        while self.seen.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    fn target(&self, ca: &Ca) -> Target {
        let roots = bundle_roots(&TrustBundle::new([ca.certificate.clone()])).unwrap();
        Target::new(&self.address.to_string(), Some("localhost"), roots).unwrap()
    }

    fn last_leaf(&self) -> Fingerprint {
        *self.seen.lock().unwrap().last().unwrap()
    }
}

async fn answer(
    request: http::Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<Bytes>,
    let_go: Arc<Notify>,
) {
    let request_path = request.uri().path().to_owned();
    let waits = request_path.ends_with("/Wait");
    let mut body = request.into_body();
    let mut message = BytesMut::new();
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        message.put(data);
    }
    if request_path.ends_with("/Refuse") {
        return respond.send_reset(h2::Reason::REFUSED_STREAM);
    }
    if waits {
        let_go.notified().await;
    }
    let head = Response::builder()
        .header("content-type", "application/grpc")
        .body(())
        .unwrap();
    let mut stream = respond.send_response(head, false).unwrap();
    stream.send_data(message.freeze(), false).unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    stream.send_trailers(trailers).unwrap();
}

fn identity(ca: &Ca, name: &str) -> Identity {
    let pair = ca.leaf(name);
    Identity::from_pem(&pair.chain, &pair.key, now())
        .ok()
        .unwrap()
}

async fn echo(channel: &Swappable, rpc: &str) -> Result<(), Status> {
    let mut headers = HeaderMap::new();
    headers.insert("te", "trailers".parse().unwrap());
    let message = Bytes::from_static(b"hello");
    let (_headers, reply) = channel
        .unary("test.Echo", rpc, headers, message.clone())
        .await?;
    assert_eq!(reply, message);
    Ok(())
}

#[tokio::test]
async fn the_next_call_after_a_swap_comes_under_the_new_identity() {
    let ca = Ca::new("g1");
    let server = Server::start(&ca).await;
    let target = server.target(&ca);
    let first = identity(&ca, "one");
    let channel = Swappable::new(target.connect(&first).await.unwrap());
    for _ in 0..3 {
        echo(&channel, "Echo").await.unwrap();
        assert_eq!(server.last_leaf(), first.fingerprint());
    }
    for name in ["two", "three"] {
        let next = identity(&ca, name);
        channel.swap(target.connect(&next).await.unwrap());
        echo(&channel, "Echo").await.unwrap();
        assert_eq!(server.last_leaf(), next.fingerprint());
    }
}

#[tokio::test]
async fn a_call_in_flight_ends_on_the_connection_it_began_on() {
    let ca = Ca::new("g1");
    let server = Server::start(&ca).await;
    let target = server.target(&ca);
    let (first, second) = (identity(&ca, "one"), identity(&ca, "two"));
    let channel = Swappable::new(target.connect(&first).await.unwrap());
    let waiting = {
        let channel = channel.clone();
        tokio::spawn(async move { echo(&channel, "Wait").await })
    };
    server.is_called().await;
    channel.swap(target.connect(&second).await.unwrap());
    echo(&channel, "Echo").await.unwrap();
    assert_eq!(server.last_leaf(), second.fingerprint());
    assert!(!waiting.is_finished());
    server.let_go.notify_one();
    waiting.await.unwrap().unwrap();
}

/// Connects and asks: the handshake alone proves nothing.
async fn prove(target: &Target, identity: &Identity) -> Result<Channel, Refused> {
    let channel = target.connect(identity).await.map_err(Refused::Connect)?;
    let tried = Swappable::new(channel.clone());
    echo(&tried, "Echo").await.map_err(Refused::Call)?;
    Ok(channel)
}

#[derive(Debug)]
enum Refused {
    Connect(ConnectError),
    Call(Status),
}

#[tokio::test]
async fn an_identity_that_the_server_refuses_is_never_used() {
    let (ca, stranger) = (Ca::new("g1"), Ca::new("stranger"));
    let server = Server::start(&ca).await;
    let target = server.target(&ca);
    let (publisher, subscriber) = publish::channel();
    let first = publisher.publish(Arc::new(identity(&ca, "one")));
    let channel = Swappable::new(prove(&target, &first.identity).await.unwrap());

    let (told, mut news) = mpsc::unbounded_channel();
    let following = {
        let channel = channel.clone();
        tokio::spawn(async move {
            let target = Arc::new(target);
            let connect = move |snapshot: Arc<publish::Snapshot>| {
                let target = Arc::clone(&target);
                async move { prove(&target, &snapshot.identity).await }
            };
            let tell = |followed| told.send(followed).unwrap();
            channel.follow(subscriber, 1, connect, tell).await;
        })
    };
    publisher.publish(Arc::new(identity(&stranger, "worker")));
    let Some(Followed::Refused(refused, why)) = news.recv().await else {
        panic!("expected a refusal")
    };
    assert_eq!(refused.generation, 2);
    match why {
        Refused::Connect(ConnectError::Connect { .. }) => {}
        Refused::Call(status) => assert_ne!(status.code(), Code::Cancelled, "{status}"),
        Refused::Connect(other) => panic!("{other}"),
    }
    echo(&channel, "Echo").await.unwrap();
    assert_eq!(server.last_leaf(), first.identity.fingerprint());

    let third = publisher.publish(Arc::new(identity(&ca, "three")));
    loop {
        match news.recv().await.unwrap() {
            Followed::Refused(snapshot, _again) => assert_eq!(snapshot.generation, 2),
            Followed::Adopted(snapshot) => {
                assert_eq!(snapshot.generation, 3);
                break;
            }
            Followed::Silent(snapshot) => panic!("generation {} is silent", snapshot.generation),
        }
    }
    echo(&channel, "Echo").await.unwrap();
    assert_eq!(server.last_leaf(), third.identity.fingerprint());
    drop(publisher);
    following.await.unwrap();
}

/// Follows with a proof that answers for the third identity only, and for the second never.
fn follow_past_the_second() -> (publish::Publisher, mpsc::UnboundedReceiver<Followed<()>>) {
    let (publisher, subscriber) = publish::channel();
    let (told, news) = mpsc::unbounded_channel();
    let nowhere = || Endpoint::from_static("http://localhost:1").connect_lazy();
    let channel = Swappable::new(nowhere());
    tokio::spawn(async move {
        let connect = move |snapshot: Arc<publish::Snapshot>| async move {
            if snapshot.generation == 2 {
                std::future::pending::<()>().await;
            }
            Ok(nowhere())
        };
        let tell = |followed| told.send(followed).unwrap();
        channel.follow(subscriber, 1, connect, tell).await;
    });
    (publisher, news)
}

#[tokio::test(start_paused = true)]
async fn a_proof_that_never_answers_does_not_stand_in_the_way_of_a_newer_identity() {
    let ca = Ca::new("g1");
    let (publisher, mut news) = follow_past_the_second();
    let begun = Instant::now();
    for name in ["one", "two"] {
        publisher.publish(Arc::new(identity(&ca, name)));
    }
    // It is being proved.
    tokio::time::sleep(PROOF_TIMEOUT / 2).await;
    publisher.publish(Arc::new(identity(&ca, "three")));
    let told = news.recv().await.unwrap();
    assert!(
        matches!(&told, Followed::Adopted(snapshot) if snapshot.generation == 3),
        "{told:?}"
    );
    assert!(begun.elapsed() < PROOF_TIMEOUT);
}

/// Each would be proved, if the next did not come before.
#[tokio::test(start_paused = true)]
async fn identities_that_come_fast_do_not_keep_each_other_from_being_adopted() {
    let ca = Ca::new("g1");
    let (publisher, subscriber) = publish::channel();
    let (told, mut news) = mpsc::unbounded_channel();
    let nowhere = || Endpoint::from_static("http://localhost:1").connect_lazy();
    let channel = Swappable::new(nowhere());
    tokio::spawn(async move {
        let connect = move |_snapshot| async move {
            tokio::time::sleep(Duration::from_millis(700)).await;
            Ok::<_, ()>(nowhere())
        };
        let tell = |followed| told.send(followed).unwrap();
        channel.follow(subscriber, 1, connect, tell).await;
    });
    let one = Arc::new(identity(&ca, "one"));
    for _ in 0..10 {
        publisher.publish(Arc::clone(&one));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let mut n_adopted = 0;
    while let Ok(Followed::Adopted(_)) = news.try_recv() {
        n_adopted += 1;
    }
    assert!(n_adopted >= 3, "{n_adopted}");
}

#[tokio::test(start_paused = true)]
async fn a_proof_that_never_answers_is_told_and_tried_again() {
    let ca = Ca::new("g1");
    let (publisher, mut news) = follow_past_the_second();
    for name in ["one", "two"] {
        publisher.publish(Arc::new(identity(&ca, name)));
    }
    for _ in 0..2 {
        let told = news.recv().await.unwrap();
        assert!(
            matches!(&told, Followed::Silent(snapshot) if snapshot.generation == 2),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_does_not_choose_http_2_is_told_as_such() {
    let ca = Ca::new("g1");
    let mut config = server_config(&ca);
    config.alpn_protocols.clear();
    let server = Server::start_with(config).await;
    let connecting = server.target(&ca).connect(&identity(&ca, "one")).await;
    let error = connecting.unwrap_err();
    assert!(matches!(error, ConnectError::NotHttp2 { .. }), "{error}");
    assert!(error.to_string().ends_with("found none"), "{error}");
}

#[tokio::test]
async fn a_call_that_the_server_did_not_take_is_unavailable() {
    let ca = Ca::new("g1");
    let server = Server::start(&ca).await;
    let channel = server.target(&ca).connect(&identity(&ca, "one")).await;
    let channel = Swappable::new(channel.unwrap());
    let refused = echo(&channel, "Refuse").await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");
}

#[tokio::test]
async fn the_deadline_of_a_call_is_told_from_a_lost_connection() {
    let ca = Ca::new("g1");
    let server = Server::start(&ca).await;
    let channel = server
        .target(&ca)
        .connect(&identity(&ca, "one"))
        .await
        .unwrap();
    let channel = Swappable::new(channel);
    let headers =
        HeaderMap::from_iter([("grpc-timeout".parse().unwrap(), "100m".parse().unwrap())]);
    let late = channel
        .unary("test.Echo", "Wait", headers, Bytes::new())
        .await;
    assert_eq!(late.unwrap_err().code(), Code::DeadlineExceeded);

    server.seen.lock().unwrap().clear();
    let waiting = tokio::spawn(async move { echo(&channel, "Wait").await });
    server.is_called().await;
    server.hang_up.notify_one();
    let lost = waiting.await.unwrap().unwrap_err();
    assert_eq!(lost.code(), Code::Unavailable, "{lost}");
}

#[tokio::test]
async fn generated_clients_take_it_as_their_channel() {
    use tonic::{client::Grpc, codegen::http::uri::PathAndQuery};
    let ca = Ca::new("g1");
    let server = Server::start(&ca).await;
    let target = server.target(&ca);
    let (first, second) = (identity(&ca, "one"), identity(&ca, "two"));
    let channel = Swappable::new(target.connect(&first).await.unwrap());
    let mut grpc = Grpc::new(channel.clone());
    let mut leaves = Vec::new();
    for _ in 0..2 {
        grpc.ready().await.unwrap();
        let path = PathAndQuery::from_static("/test.Echo/Echo");
        let request = tonic::Request::new(Bytes::from_static(b"hello"));
        grpc.unary(request, path, super::Raw).await.unwrap();
        leaves.push(server.last_leaf());
        channel.swap(target.connect(&second).await.unwrap());
    }
    assert_eq!(leaves, [first.fingerprint(), second.fingerprint()]);
}
