//! What an answer says: the addresses at the end of its chain of aliases, and for how long.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use domain::{
    base::{
        ParsedRecord,
        iana::{Rcode, Rtype},
        wire::ParseError,
    },
    rdata::{A, Aaaa},
};

use super::{
    exchange::{Silence, Wire},
    question::Candidate,
};

/// An answer that counts.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    /// None: there are none of this family.
    pub(super) addresses: Vec<IpAddr>,
    /// The last name of the chain.
    pub(super) canonical: String,
    /// The shortest TTL of the chain and the addresses.
    pub(super) holds: Duration,
    /// NXDOMAIN: there is no such name, and so no address of the other family either.
    pub(super) code: Rcode,
    /// The same for a person.
    pub(super) said: String,
}

impl Reply {
    /// What counts as said of a family that nobody is to be asked for.
    pub(super) fn none(candidate: &Candidate) -> Self {
        Self {
            addresses: Vec::new(),
            canonical: candidate.to_string(),
            holds: Duration::MAX,
            code: Rcode::NOERROR,
            said: format!("addresses of the family are not asked for, of `{candidate}`"),
        }
    }
}

/// Reads an answer. Only "here they are" and "there are none" are answers: what a server could not find out says nothing.
pub(super) fn read(message: &Wire, kind: Rtype, server: SocketAddr) -> Result<Reply, Silence> {
    let code = message.header().rcode();
    if code != Rcode::NOERROR && code != Rcode::NXDOMAIN {
        return Err(Silence::Code(code));
    }
    parse(message, kind, server).map_err(|_error| Silence::Malformed)
}

fn parse(message: &Wire, kind: Rtype, server: SocketAddr) -> Result<Reply, ParseError> {
    let question = message.sole_question()?;
    let looped = || ParseError::form_error("chain of aliases without an end");
    let canonical = message.canonical_name().ok_or_else(looped)?;
    let (mut addresses, mut holds) = (Vec::new(), Duration::MAX);
    for record in message.answer()? {
        let record = record?;
        if record.rtype() == Rtype::CNAME || record.rtype() == kind {
            holds = holds.min(record.ttl().into_duration());
        }
        if record.owner() == canonical
            && let Some(address) = address(&record)?
            && record.rtype() == kind
        {
            addresses.push(address);
        }
    }
    let code = message.header().rcode();
    let said = format!(
        "{server} answered {code} without an address for `{}` {kind}",
        question.qname()
    );
    Ok(Reply {
        addresses,
        canonical: canonical.to_string(),
        holds,
        code,
        said,
    })
}

fn address(record: &ParsedRecord<'_, Vec<u8>>) -> Result<Option<IpAddr>, ParseError> {
    if let Some(record) = record.to_record::<A>()? {
        return Ok(Some(IpAddr::V4(record.data().addr())));
    }
    let six = record.to_record::<Aaaa>()?;
    Ok(six.map(|record| IpAddr::V6(record.data().addr())))
}
