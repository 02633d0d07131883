//! One question to one server: over UDP, and over TCP when the answer did not fit (RFC 1035 §4.2, RFC 7766).

use std::{
    fmt, io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use domain::base::{
    Message, MessageBuilder,
    iana::{Rcode, Rtype},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UdpSocket},
    time::{Instant, timeout_at},
};

use super::{
    answer::{self, Reply},
    question::Candidate,
    system::Setup,
};
use crate::limits;

/// A message of DNS.
pub(super) type Wire = Message<Vec<u8>>;

/// Why a server's answer is none.
#[derive(Debug)]
pub(super) enum Silence {
    /// Nothing came in time.
    Late,
    /// The network said that nothing would.
    Io(io::Error),
    /// It does not want to say, or cannot.
    Code(Rcode),
    /// What came cannot be read.
    Malformed,
}

/// Asks, and reads the answer.
pub(super) async fn ask(
    server: SocketAddr,
    (candidate, kind): (&Candidate, Rtype),
    setup: &Setup,
    until: Instant,
) -> Result<Reply, Silence> {
    let exchange = async {
        let query = query(candidate, kind, setup)?;
        let reply = if setup.tcp {
            over_tcp(server, &query).await?
        } else {
            let reply = over_udp(server, &query).await?;
            if reply.header().tc() {
                over_tcp(server, &query).await?
            } else {
                reply
            }
        };
        answer::read(&reply, kind, server)
    };
    let answered = timeout_at(until, exchange).await;
    answered.unwrap_or(Err(Silence::Late))
}

fn query(candidate: &Candidate, kind: Rtype, setup: &Setup) -> Result<Wire, Silence> {
    let mut message = MessageBuilder::new_vec();
    message.header_mut().set_id(number()?);
    message.header_mut().set_rd(true);
    let mut message = message.question();
    let pushed = message.push((&candidate.name, kind));
    pushed.map_err(|error| Silence::Io(io::Error::other(error)))?;
    let mut message = message.additional();
    if setup.edns {
        let said = message.opt(|opt| {
            opt.set_udp_payload_size(limits::DATAGRAM);
            Ok(())
        });
        said.map_err(|error| Silence::Io(io::Error::other(error)))?;
    }
    Ok(message.into_message())
}

/// Returns a number that nobody can guess who would answer in the server's place.
fn number() -> Result<u16, Silence> {
    let mut bytes = [0; 2];
    let dice = rustls::crypto::aws_lc_rs::default_provider().secure_random;
    let thrown = dice.fill(&mut bytes);
    thrown.map_err(|_error| Silence::Io(io::Error::other("there is no randomness")))?;
    Ok(u16::from_be_bytes(bytes))
}

/// Each question has a socket of its own, so that its port cannot be guessed either (RFC 5452 §9.2). What is not the answer
/// is not heard.
async fn over_udp(server: SocketAddr, query: &Wire) -> Result<Wire, Silence> {
    let any = match server {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    socket.send(query.as_slice()).await?;
    loop {
        let mut datagram = Vec::with_capacity(usize::from(limits::DATAGRAM));
        socket.recv_buf(&mut datagram).await?;
        if let Some(reply) = Message::from_octets(datagram)
            .ok()
            .filter(|reply| reply.is_answer(query))
        {
            return Ok(reply);
        }
    }
}

async fn over_tcp(server: SocketAddr, query: &Wire) -> Result<Wire, Silence> {
    let mut socket = TcpStream::connect(server).await?;
    let n_bytes = u16::try_from(query.as_slice().len()).map_err(io::Error::other)?;
    let framed = [n_bytes.to_be_bytes().as_slice(), query.as_slice()].concat();
    socket.write_all(&framed).await?;
    let n_bytes = socket.read_u16().await?;
    let mut reply = vec![0; usize::from(n_bytes)];
    socket.read_exact(&mut reply).await?;
    let reply = Message::from_octets(reply).ok();
    let reply = reply.filter(|reply| reply.is_answer(query));
    reply.ok_or(Silence::Malformed)
}

impl From<io::Error> for Silence {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late => f.write_str("did not answer"),
            Self::Io(error) => write!(f, "could not be asked ({error})"),
            Self::Code(code) => write!(f, "answered {code}"),
            Self::Malformed => f.write_str("answered what cannot be read"),
        }
    }
}
