//! HTTP/2 as values: bytes in, frames and rules out (RFC 9113, RFC 7541).
//!
//! Nothing here knows a socket, a clock or a call. What a peer may do is said by [`breach::Breach`]: each rule that can be
//! broken is a variant with its clause, its error code, and whether the stream or the connection ends by it.

pub mod block;
pub mod breach;
pub mod cutter;
pub mod frame;
pub mod hpack;
pub mod patience;
pub mod reason;
pub mod settings;
pub mod window;

/// What a client says first (RFC 9113 §3.4).
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
