//! HTTP/2 as the relay needs it: bytes in, bytes out, no sockets and no clock (RFC 9113).

pub mod hpack;
