//! What is known of a field by its name alone.

/// How an encoder treats a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// It may enter the table.
    Usual,
    /// Its value hardly ever comes twice. In a table that never evicts it would be in the way of others for ever.
    Volatile,
    /// Its value is a credential. Indexed, it could be guessed by whoever can add fields to the same connection and
    /// see how long its blocks are (RFC 7541 §7.1).
    Sensitive,
}

/// Returns how a field of this name is treated, and the index of the first entry of the static table that has it, or 0,
/// which stands for none in a literal too (RFC 7541 §6.2).
///
/// Written out, since the compiler makes a tree of it: one look at the length, and few at octets.
pub(super) fn known(name: &[u8]) -> (Policy, usize) {
    match name {
        b":authority" => (Policy::Usual, 1),
        b":method" => (Policy::Usual, 2),
        b":path" => (Policy::Usual, 4),
        b":scheme" => (Policy::Usual, 6),
        b":status" => (Policy::Usual, 8),
        b"accept-charset" => (Policy::Usual, 15),
        b"accept-encoding" => (Policy::Usual, 16),
        b"accept-language" => (Policy::Usual, 17),
        b"accept-ranges" => (Policy::Usual, 18),
        b"accept" => (Policy::Usual, 19),
        b"access-control-allow-origin" => (Policy::Usual, 20),
        b"age" => (Policy::Volatile, 21),
        b"allow" => (Policy::Usual, 22),
        b"authorization" => (Policy::Sensitive, 23),
        b"cache-control" => (Policy::Usual, 24),
        b"content-disposition" => (Policy::Usual, 25),
        b"content-encoding" => (Policy::Usual, 26),
        b"content-language" => (Policy::Usual, 27),
        b"content-length" => (Policy::Volatile, 28),
        b"content-location" => (Policy::Usual, 29),
        b"content-range" => (Policy::Usual, 30),
        b"content-type" => (Policy::Usual, 31),
        b"cookie" => (Policy::Sensitive, 32),
        b"date" => (Policy::Volatile, 33),
        b"etag" => (Policy::Volatile, 34),
        b"expect" => (Policy::Usual, 35),
        b"expires" => (Policy::Usual, 36),
        b"from" => (Policy::Usual, 37),
        b"host" => (Policy::Usual, 38),
        b"if-match" => (Policy::Usual, 39),
        b"if-modified-since" => (Policy::Usual, 40),
        b"if-none-match" => (Policy::Usual, 41),
        b"if-range" => (Policy::Usual, 42),
        b"if-unmodified-since" => (Policy::Usual, 43),
        b"last-modified" => (Policy::Usual, 44),
        b"link" => (Policy::Usual, 45),
        b"location" => (Policy::Usual, 46),
        b"max-forwards" => (Policy::Usual, 47),
        b"proxy-authenticate" => (Policy::Usual, 48),
        b"proxy-authorization" => (Policy::Sensitive, 49),
        b"range" => (Policy::Usual, 50),
        b"referer" => (Policy::Usual, 51),
        b"refresh" => (Policy::Usual, 52),
        b"retry-after" => (Policy::Usual, 53),
        b"server" => (Policy::Usual, 54),
        b"set-cookie" => (Policy::Sensitive, 55),
        b"strict-transport-security" => (Policy::Usual, 56),
        b"transfer-encoding" => (Policy::Usual, 57),
        b"user-agent" => (Policy::Usual, 58),
        b"vary" => (Policy::Usual, 59),
        b"via" => (Policy::Usual, 60),
        b"www-authenticate" => (Policy::Usual, 61),
        b"baggage"
        | b"grpc-message"
        | b"grpc-status-details-bin"
        | b"grpc-timeout"
        | b"traceparent"
        | b"tracestate"
        | b"x-envoy-upstream-service-time"
        | b"x-request-id" => (Policy::Volatile, 0),
        _ => (Policy::Usual, 0),
    }
}

#[cfg(test)]
mod tests;
