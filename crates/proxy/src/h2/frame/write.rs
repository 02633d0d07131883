//! Frames as they are written. Whoever writes sees to the windows and the frame length of the peer.

use super::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEAD_LEN, HEADERS, PING, RST_STREAM,
    SETTINGS, WINDOW_UPDATE,
};
use crate::h2::reason::Reason;

/// Writes a DATA frame. The caller has made sure that it is within the windows and the frame length of the peer.
#[inline]
pub fn write_data(out: &mut Vec<u8>, stream: u32, ends: bool, parts: (&[u8], &[u8])) {
    let flags = if ends { END_STREAM } else { 0 };
    write_head(out, parts.0.len() + parts.1.len(), (DATA, flags), stream);
    out.extend_from_slice(parts.0);
    if !parts.1.is_empty() {
        out.extend_from_slice(parts.1);
    }
}

/// Writes a header block, in as many frames as the peer's frame length asks for.
#[inline]
pub fn write_headers(out: &mut Vec<u8>, stream: u32, ends: bool, block: &[u8], max_frame: usize) {
    let flags = if ends { END_STREAM } else { 0 };
    if block.len() <= max_frame {
        write_head(out, block.len(), (HEADERS, flags | END_HEADERS), stream);
        out.extend_from_slice(block);
    } else {
        write_long_headers(out, (stream, flags), block, max_frame);
    }
}

/// Writes a header block that does not fit into one frame.
#[cold]
fn write_long_headers(
    out: &mut Vec<u8>,
    (stream, mut flags): (u32, u8),
    block: &[u8],
    max_frame: usize,
) {
    let mut kind = HEADERS;
    let mut rest = block;
    while let Some((fragment, more)) = rest.split_at_checked(max_frame) {
        if more.is_empty() {
            break;
        }
        write_head(out, fragment.len(), (kind, flags), stream);
        out.extend_from_slice(fragment);
        (kind, flags, rest) = (CONTINUATION, 0, more);
    }
    write_head(out, rest.len(), (kind, flags | END_HEADERS), stream);
    out.extend_from_slice(rest);
}

/// Writes an `RST_STREAM` frame.
pub fn write_reset(out: &mut Vec<u8>, stream: u32, reason: Reason) {
    write_head(out, 4, (RST_STREAM, 0), stream);
    out.extend_from_slice(&reason.code().to_be_bytes());
}

/// Writes a SETTINGS frame of identifiers and values.
pub fn write_settings(out: &mut Vec<u8>, settings: &[(u16, u32)]) {
    write_head(out, settings.len() * 6, (SETTINGS, 0), 0);
    for (id, value) in settings {
        out.extend_from_slice(&id.to_be_bytes());
        out.extend_from_slice(&value.to_be_bytes());
    }
}

/// Acknowledges SETTINGS.
pub fn write_settings_ack(out: &mut Vec<u8>) {
    write_head(out, 0, (SETTINGS, ACK), 0);
}

/// Writes a PING frame.
pub fn write_ping(out: &mut Vec<u8>, payload: [u8; 8]) {
    write_head(out, payload.len(), (PING, 0), 0);
    out.extend_from_slice(&payload);
}

/// Answers a PING.
pub fn write_pong(out: &mut Vec<u8>, payload: [u8; 8]) {
    write_head(out, payload.len(), (PING, ACK), 0);
    out.extend_from_slice(&payload);
}

/// Writes a GOAWAY frame; `words` are for the person who reads the peer's log.
pub fn write_go_away(out: &mut Vec<u8>, last: u32, reason: Reason, words: &str) {
    write_head(out, 8 + words.len(), (GOAWAY, 0), 0);
    out.extend_from_slice(&last.to_be_bytes());
    out.extend_from_slice(&reason.code().to_be_bytes());
    out.extend_from_slice(words.as_bytes());
}

/// Writes a `WINDOW_UPDATE` frame; stream 0 is the connection.
pub fn write_window(out: &mut Vec<u8>, stream: u32, increment: u32) {
    write_head(out, 4, (WINDOW_UPDATE, 0), stream);
    out.extend_from_slice(&increment.to_be_bytes());
}

#[inline]
fn write_head(out: &mut Vec<u8>, len: usize, (kind, flags): (u8, u8), stream: u32) {
    // Every caller bounds its payload by a peer's frame length, which has 24 bits.
    let len = u64::try_from(len).unwrap_or(u64::MAX);
    let start = len << 16 | u64::from(u16::from_be_bytes([kind, flags]));
    // As one word and an octet, since nine octets put together one by one take longer.
    let [.., last] = stream.to_be_bytes();
    let mut head = [last; HEAD_LEN];
    if let Some(first) = head.first_chunk_mut() {
        *first = (start << 24 | u64::from(stream >> 8)).to_be_bytes();
    }
    out.extend_from_slice(&head);
}
