//! What header lists mean: which requests and responses are well-formed, and what becomes of them on the way.
//!
//! A request is pointed at the server: what its caller says about scheme and authority is replaced, so no request
//! chooses where it goes. All else passes as it came. RFC 9113 §8.2 and §8.3 say what a message must not be; an
//! intermediary must not pass such a message on (§8.1.1). Of requests more is asked, since they share a connection: some
//! servers end it, with everybody's calls, where one request is against the grammar of RFC 9110.

use super::UpstreamId;
use crate::{
    grpc::{self, Timeout},
    h2::{
        breach::Breach,
        hpack::{Field, HeaderList, Indexing},
    },
};

/// A request as it goes to the server, but for its deadline.
#[derive(Debug)]
pub(super) struct RequestHead {
    /// Where it goes.
    pub(super) upstream: UpstreamId,
    pub(super) fields: HeaderList,
}

/// The deadline in a list of headers, and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deadline {
    pub(super) nth: usize,
    pub(super) timeout: Timeout,
}

impl Deadline {
    /// Finds the deadline of a call: the first `grpc-timeout` that says one. Any other is a field like others; so is one that
    /// is never to be indexed, since it must stay as it is on every hop (RFC 7541 §6.2.3).
    pub(super) fn of(list: &HeaderList) -> Option<Self> {
        let named =
            |field: &Field<'_>| field.name == grpc::TIMEOUT && field.indexing == Indexing::Allowed;
        let mut fields = list.iter().enumerate().filter(|(_, field)| named(field));
        fields.find_map(|(nth, field)| {
            let timeout = Timeout::read(field.value)?;
            Some(Self { nth, timeout })
        })
    }
}

/// What was learned of a header block of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// A response that another will follow (1xx).
    Interim,
    /// The response.
    Final {
        /// How many bytes its body has, if it says so.
        length: Option<u64>,
    },
    /// The headers at the end.
    Trailers,
}

/// The pseudo-fields of a request (RFC 9113 §8.3.1).
#[derive(Default)]
struct Pseudo<'a> {
    method: Option<&'a [u8]>,
    scheme: Option<&'a [u8]>,
    authority: Option<&'a [u8]>,
    path: Option<&'a [u8]>,
}

/// What a request is, besides where it goes.
pub(super) struct Request<'a> {
    method: &'a [u8],
    path: &'a [u8],
    /// How many bytes its body has, if it says so.
    pub(super) length: Option<u64>,
    list: &'a HeaderList,
}

/// Reads a request.
pub(super) fn request(list: &HeaderList) -> Result<Request<'_>, Breach> {
    let mut pseudo = Pseudo::default();
    let mut length = None;
    let mut is_regular = false;
    for field in list {
        check_sent(field)?;
        if field.name.first() == Some(&b':') {
            if is_regular {
                return Err(malformed("a pseudo-field behind a field"));
            }
            pseudo.take(field)?;
            continue;
        }
        is_regular = true;
        if field.name == b"content-length" {
            length = Some(self::length(field.value, length)?);
        }
    }
    let (Some(method), Some(_), Some(path)) = (pseudo.method, pseudo.scheme, pseudo.path) else {
        return Err(malformed("a request without method, scheme and path"));
    };
    // RFC 9113 §8.5: CONNECT is another kind of request, for proxies of another kind.
    if !is_token(method) || method == b"CONNECT" {
        return Err(malformed("a method that requests do not have here"));
    }
    if !is_path(method, path) {
        return Err(malformed("a path that requests do not have"));
    }
    Ok(Request {
        method,
        path,
        length,
        list,
    })
}

impl Request<'_> {
    /// Points a request at its upstream. Its deadline is left out: it is said last, since it is another for each call.
    pub(super) fn to(
        &self,
        upstream: UpstreamId,
        authority: &str,
        deadline: Option<Deadline>,
    ) -> RequestHead {
        let mut fields = HeaderList::with_room_of(self.list, authority.len());
        fields.push(Field::new(b":method", self.method));
        fields.push(Field::new(b":scheme", b"https"));
        fields.push(Field::new(b":authority", authority.as_bytes()));
        fields.push(Field::new(b":path", self.path));
        for (nth, field) in self.list.iter().enumerate() {
            let is_deadline = deadline.is_some_and(|deadline| deadline.nth == nth);
            // `host` would name another authority than ours.
            if !is_deadline && !field.name.starts_with(b":") && field.name != b"host" {
                fields.push(field);
            }
        }
        RequestHead { upstream, fields }
    }
}

impl<'a> Pseudo<'a> {
    fn take(&mut self, field: Field<'a>) -> Result<(), Breach> {
        let place = match field.name {
            b":method" => &mut self.method,
            b":scheme" => &mut self.scheme,
            b":authority" => &mut self.authority,
            b":path" => &mut self.path,
            _ => return Err(malformed("a pseudo-field that requests do not have")),
        };
        match place.replace(field.value) {
            None => Ok(()),
            Some(_) => Err(malformed("a pseudo-field twice")),
        }
    }
}

/// Reads what a server said: a response if `:status` is there, and trailers otherwise.
pub(super) fn reply(list: &HeaderList) -> Result<Reply, Breach> {
    let mut status = None;
    let mut length = None;
    let mut is_regular = false;
    for field in list {
        check(field)?;
        match field.name {
            b":status" if is_regular => return Err(malformed("a pseudo-field behind a field")),
            b":status" if status.is_some() => return Err(malformed("a pseudo-field twice")),
            b":status" => status = Some(field.value),
            b"content-length" => {
                is_regular = true;
                length = Some(self::length(field.value, length)?);
            }
            name if name.starts_with(b":") => {
                return Err(malformed("a pseudo-field that responses do not have"));
            }
            _ => is_regular = true,
        }
    }
    match status {
        None => Ok(Reply::Trailers),
        Some([b'1', tens, ones]) if digits(&[*tens, *ones]) => Ok(Reply::Interim),
        Some(status) if status.len() == 3 && digits(status) => Ok(Reply::Final { length }),
        Some(_) => Err(malformed("a status that is no number")),
    }
}

/// Checks the trailers of a request.
pub(super) fn trailers(list: &HeaderList) -> Result<(), Breach> {
    for field in list {
        check_sent(field)?;
        if field.name.starts_with(b":") {
            return Err(malformed("a pseudo-field in trailers"));
        }
    }
    Ok(())
}

/// RFC 9113 §8.2.1 and §8.2.2: what no field may be, and which fields belong to one hop only.
fn check(field: Field<'_>) -> Result<(), Breach> {
    let (colon, rest) = match field.name {
        [b':', rest @ ..] => (true, rest),
        name => (false, name),
    };
    if !is_token(rest) || rest.iter().any(u8::is_ascii_uppercase) {
        return Err(malformed("a field with a name that none can have"));
    }
    let breaks = |byte: &u8| matches!(byte, 0 | b'\r' | b'\n');
    if field.value.iter().any(breaks) {
        return Err(VALUE);
    }
    match field.name {
        _ if colon => Ok(()),
        b"connection" | b"proxy-connection" | b"keep-alive" | b"transfer-encoding" | b"upgrade" => {
            Err(malformed("a field of HTTP/1.1 connections"))
        }
        b"te" if field.value != b"trailers" => Err(malformed("`te` other than `trailers`")),
        _ => Ok(()),
    }
}

/// The same for what callers say, and no blanks around a value (RFC 9113 §8.2.1), nor control characters in it (RFC 9110
/// §5.5). Servers may: gRPC lets a blank stand at the end of a message, and what a status says is not lost for it.
fn check_sent(field: Field<'_>) -> Result<(), Breach> {
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let is_control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    if field.value.iter().any(is_control)
        || is_blank(field.value.first())
        || is_blank(field.value.last())
    {
        return Err(VALUE);
    }
    check(field)
}

const VALUE: Breach = malformed("a field with a value that none can have");

/// Returns whether a text is a token (RFC 9110 §5.6.2), as methods and the names of fields are.
fn is_token(text: &[u8]) -> bool {
    let is_in_tokens =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(is_in_tokens)
}

/// Returns whether a request of this method may have this path (RFC 9113 §8.3.1): visible characters behind a slash.
fn is_path(method: &[u8], path: &[u8]) -> bool {
    match path {
        [b'/', rest @ ..] => rest.iter().all(u8::is_ascii_graphic),
        b"*" => method == b"OPTIONS",
        _ => false,
    }
}

/// Reads `content-length`. Twice it is refused, as RFC 9110 §8.6 allows even if both say the same.
fn length(value: &[u8], before: Option<u64>) -> Result<u64, Breach> {
    let wrong = malformed("a content-length that is not one number");
    if value.is_empty() || !digits(value) || before.is_some() {
        return Err(wrong);
    }
    let text = std::str::from_utf8(value).map_err(|_not_ascii| wrong)?;
    text.parse().map_err(|_too_long| wrong)
}

fn digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

const fn malformed(rule: &'static str) -> Breach {
    Breach::Malformed { rule }
}
