//! Every bound of the proxy, each with its reason.
//!
//! Nothing here ends a call that waits: Temporal's long polls last 60 to 70 seconds, and a proxy that cut
//! them would cost its workers more than any bound saves. Calls end when their caller or the server says so.

use std::time::Duration;

/// Connections from callers at once. A pod has a handful; a host daemon some dozens. Further ones wait in the
/// kernel's accept queue.
pub const DOWNSTREAM_CONNECTIONS: usize = 256;

/// Connections from callers over TCP that wait until they are accepted. All workers of a host come at once when a proxy is
/// started anew; of those that find the queue full, the kernel drops the first packet, and they try again after a second or
/// more. It takes the smaller of this and `net.core.somaxconn`, which is 4096 since Linux 5.4. The standard library's 128 is
/// soon full.
pub const ACCEPT_QUEUE: u32 = 1024;

/// A caller from another machine that is silent for so long is asked by TCP whether it is still there, which costs it nothing.
/// Without that, callers that vanished without a word would fill [`DOWNSTREAM_CONNECTIONS`] for good.
pub const CALLER_SILENCE: Duration = Duration::from_mins(1);

/// How often it is asked again before it is given up.
pub const CALLER_QUESTIONS: u32 = 4;

/// The time between two of these questions.
pub const CALLER_QUESTION: Duration = Duration::from_secs(15);

/// Streams at once on one connection from a caller: thousands of pollers fit.
pub const DOWNSTREAM_STREAMS: u32 = 10_000;

/// Connections to the server at once that take new streams. More than one is dialled only while the server's own limit of
/// streams per connection is reached, and one that is not needed any more gets no successor when it grows old.
pub const UPSTREAM_CONNECTIONS: usize = 8;

/// Header list of a request, counted as RFC 9113 §6.5.2 does. gRPC's own default is 8 to 16 KiB. Servers end a connection, with
/// everybody's calls, over a list that is far beyond what they take: nghttp2 over more than eight CONTINUATION frames.
pub const REQUEST_HEADER_BYTES: u32 = 64 * 1024;

/// Header list of a response, likewise: error details in trailers may be long.
pub const RESPONSE_HEADER_BYTES: u32 = 256 * 1024;

/// Headers of all calls that are open; what is remembered beside them gives way. Most calls say the same, and have one list
/// together: of ten thousand whose headers are as long as may be, this is a tenth.
pub const HEADS_BYTES: usize = 64 * 1024 * 1024;

/// Fields of one request or response: a worker sends about ten.
pub const HEADER_FIELDS: usize = 1000;

/// Flow-control window of a stream, both sides: 64 KiB, HTTP/2's default, would hold a stream to 1.6 MB/s at 40 ms.
pub const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;

/// Flow-control window of a connection to the server, shared by all streams of all callers: what one caller does not
/// read counts against it, so it must be many times [`STREAM_WINDOW_BYTES`]. A worker that stands still while as many answers
/// wait for it loses them, at the second of two looks every [`SWEEP_INTERVAL`], lest it stop the others.
pub const UPSTREAM_WINDOW_BYTES: u32 = 64 * 1024 * 1024;

/// Flow-control window of a connection from a caller: no round-trip time to bridge, so it only bounds memory.
pub const DOWNSTREAM_WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// What may wait to be written to a connection before its calls are held back: enough for the kernel to be kept busy. One
/// round of the loop can bring more, which is why a server is told [much](MUCH_BYTES) at once.
pub const OUTBOX_BYTES: usize = 256 * 1024;

/// What a caller is told at once although there is more to hear: less is not worth a write of its own, and whoever is told only
/// when all is relayed has nothing to do until then.
pub const WORTH_A_WRITE_BYTES: usize = 4 * 1024;

/// With so much to be told, a server is told before all callers that are ready are read: as much as one read brings.
pub const MUCH_BYTES: usize = READ_BUFFER_BYTES;

/// How many callers are connected at most for anybody to look who that is. Of more, each one's calls are a small part of what is
/// said.
pub const FEW_CALLERS: usize = 16;

/// What may wait to be written to a caller before it is given up: headers and acknowledgements are not held back, and a
/// caller that asks for more and more of them without reading any means harm. Ten thousand calls end in 1 MiB.
pub const OUTBOX_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Frames of no use, such as PING, that a peer may send in a burst. gRPC's bandwidth estimation sends some hundred in
/// a second, with as many DATA frames, each of which earns one.
pub const PATIENCE: u32 = 1000;

/// How often memory that is not in use is given back.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Read at once from a socket, into memory that all connections share: rustls alone reads 4 KiB a time, which costs 10 to
/// 16 % on large messages.
pub const READ_BUFFER_BYTES: usize = 64 * 1024;

/// A server's connection takes so many turns in search of an answer before it waits for one. While such a turn read the clock,
/// it took some 1.2 µs under `perf`, which is part of that.
pub const LINGER_TURNS: u32 = 96;

/// Lingering in vain more often than this counts no more: of a server that takes its time, one answer in 256 is lingered for.
pub const LINGER_MISSES: u32 = 8;

/// A server that is given more calls at once works on them for longer than anybody would linger.
pub const LINGER_CALLS: usize = 3;

/// What is kept of one request, until the server answers, so that it can be replayed. Of larger requests nothing is kept,
/// once they are seen to be larger. As much as grpc-go keeps, so that what an SDK on direct mTLS would send again is sent
/// again here.
pub const REPLAY_BYTES: usize = 256 * 1024;

/// What is kept of all requests together.
pub const REPLAY_TOTAL_BYTES: usize = 64 * 1024 * 1024;

/// How often one call is replayed within its deadline: a server that refuses this often in a row means it.
pub const REPLAYS: u32 = 64;

/// The pause before a refused stream is replayed, doubled each time up to [`REPLAY_PAUSE_MAX`].
pub const REPLAY_PAUSE: Duration = Duration::from_millis(2);

/// The longest pause before a replay.
pub const REPLAY_PAUSE_MAX: Duration = Duration::from_millis(200);

/// How long a call without a deadline of its own waits for a connection before it fails with `UNAVAILABLE`.
pub const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(10);

/// The longest that a call waits for a connection, whatever its own deadline says.
pub const WAIT_FOR_CONNECTION_MAX: Duration = Duration::from_hours(1);

/// For the TCP handshake with each of the server's addresses, so that a dead one leaves time for the next.
pub const CONNECT: Duration = Duration::from_secs(3);

/// For all servers of DNS to say what a name stands for, in all its forms, which share it: half of [`HANDSHAKE`], so that a
/// first dial has time left.
pub const LOOKUP: Duration = Duration::from_secs(5);

/// For one server of DNS to answer one question, however long the machine is set up to wait: the next one may know, and in
/// this time the slowest of resolvers has asked halfway round the world.
pub const DNS_SERVER: Duration = Duration::from_secs(1);

/// The least of that: `timeout:0` in `/etc/resolv.conf` would hear nobody.
pub const DNS_SERVER_MIN: Duration = Duration::from_millis(250);

/// How often each server of DNS is asked at most: one datagram may get lost, or two.
pub const DNS_ATTEMPTS: usize = 3;

/// How long addresses of one family are waited for once the other has some, or there is said to be no such name. They arrive
/// together, or one question was swallowed.
pub const OTHER_FAMILY: Duration = Duration::from_millis(250);

/// The largest answer that is asked for in one datagram: it passes everywhere unbroken (DNS flag day 2020).
pub const DATAGRAM: u16 = 1232;

/// An answer of DNS is used so long at least, whatever its TTL: records with TTL 0 exist, and each dial would wait for DNS.
pub const TTL_MIN: Duration = Duration::from_secs(1);

/// An answer of DNS is used so long at most, whatever its TTL: a record that is changed in an emergency has the TTL of quiet
/// days, and a cache in between is asked, not its source.
pub const TTL_MAX: Duration = Duration::from_mins(1);

/// What `/etc/hosts` says is looked at again after this; it has no TTL, and somebody may be editing it right now.
pub const HOSTS_INTERVAL: Duration = Duration::from_secs(10);

/// What is read of `/etc/hosts` and `/etc/resolv.conf`: lists of ten thousands of blocked names exist.
pub const HOSTS_BYTES: u64 = 4 * 1024 * 1024;

/// After DNS had no answer, the last addresses are used so long before it is asked again: dials do not wait for what does not
/// come, and a server that has moved is found within seconds.
pub const LOOKUP_PAUSE: Duration = Duration::from_secs(5);

/// How long after a look-up began a dial waits for it, if there are addresses that served before. A resolver that is there
/// answers within this, mostly; what comes later is for the next dial.
pub const LOOKUP_OF_DIAL: Duration = Duration::from_millis(250);

/// Addresses of a name in `/etc/hosts` that count: as many as an answer of DNS has room for, which is 64 KiB long at most, with
/// 16 bytes for each.
pub const ADDRESSES_KNOWN: usize = 4096;

/// Addresses of a server that are tried in one dial.
pub const ADDRESSES: usize = 8;

/// How long one address may take to answer before the next is tried beside it (RFC 8305 §5).
pub const HEAD_START: Duration = Duration::from_millis(250);

/// After so many looks in a row that do not show it, an address is gone.
pub const LOOKS: usize = 2;

/// The least time after which another dial is begun beside one that is not answered.
pub const SECOND_DIAL: Duration = Duration::from_millis(250);

/// The longest time after which that is done.
pub const SECOND_DIAL_MAX: Duration = Duration::from_secs(1);

/// What a proxy on the way may answer to CONNECT: browsers take 8 to 16 KiB of headers.
pub const TUNNEL_BYTES: usize = 16 * 1024;

/// Fields of that answer.
pub const TUNNEL_FIELDS: usize = 64;

/// From dialling to the server's acknowledgement of our SETTINGS. A healthy server takes four round trips.
pub const HANDSHAKE: Duration = Duration::from_secs(10);

/// From a caller's connection to its HTTP/2 preface.
pub const DOWNSTREAM_HANDSHAKE: Duration = Duration::from_secs(10);

/// Callers in the midst of their TLS handshake at once, at each listener. They are nobody yet: however many of them say nothing,
/// callers of other listeners come in.
pub const DOWNSTREAM_HANDSHAKES: usize = 64;

/// For each call that proves a new identity.
pub const PROOF: Duration = Duration::from_secs(5);

/// The largest answer that a proving call reads: `DescribeNamespace` answers some KB.
pub const PROOF_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// For credentials to be read in `check`: a program that reads a secret manager may take 30 s, and is tried twice.
pub const CHECK: Duration = Duration::from_secs(65);

/// After so much silence a connection is kept alive by a PING. The SDKs use 30 s; servers refuse more than one in 10 s.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);

/// How long the server may leave a question open before the connection counts as dead, as in the SDKs.
pub const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(15);

/// How long nothing at all may be heard while a call waits, before the server is asked for a sign of life; four round trips, if
/// they take longer. More than most calls take, so that the question is rare; and what is sent in this time to a server that
/// is gone, is lost.
pub const QUIET: Duration = Duration::from_millis(25);

/// [`QUIET`] at most.
pub const QUIET_MAX: Duration = Duration::from_millis(100);

/// How long that question may be open before a successor is dialled; four round trips, if they take longer.
pub const DOUBT: Duration = Duration::from_millis(250);

/// [`DOUBT`] at most: beyond the moon.
pub const DOUBT_MAX: Duration = Duration::from_secs(5);

/// How long a connection in doubt is kept once another takes the calls: a server that was paused may come back, and callers
/// with a deadline of 10 s, the SDKs' own, still have time to try again.
pub const SILENCE: Duration = Duration::from_secs(5);

/// How often a call that only asks is sent again because its connection broke: often enough for a long poll at a server that is
/// restarted again and again; but a request that brings servers down must not bring them all down.
pub const REPEATS: u32 = 16;

/// A deadline is sent as it came unless so much of it was spent here: a header that changes costs its compression.
pub const DEADLINE_GRAIN: Duration = Duration::from_millis(100);

/// The first pause after a dial under the identity in use that came to nothing, doubled up to [`REDIAL_PAUSE_MAX`].
pub const REDIAL_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause between dials under the identity in use, and between proofs of a candidate while there is no connection, or
/// the server lets none in under the identity in use: calls are waiting.
pub const REDIAL_PAUSE_MAX: Duration = Duration::from_secs(1);

/// The first pause after a failed proof of a candidate, doubled up to [`PROOF_PAUSE_MAX`].
pub const PROOF_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause between proofs of a candidate while others serve: nothing is waiting, and its CA may be accepted any minute.
pub const PROOF_PAUSE_MAX: Duration = Duration::from_secs(15);

/// How long a candidate that we object to lies before it is judged again: to judge it takes less than a millisecond.
pub const OBJECTION: Duration = Duration::from_secs(1);

/// The age at which the server is taken to close connections, until it shows another: Temporal's
/// `frontend.keepAliveMaxConnectionAge`.
pub const CONNECTION_AGE: Duration = Duration::from_mins(5);

/// Age calls for a successor no earlier than this, however young the connections are to which the server says goodbye. One that
/// ends younger and has answered no call was of no use: only the first of such gets its successor without a pause.
pub const CONNECTION_AGE_MIN: Duration = Duration::from_secs(2);

/// How long streams may stay on a connection that takes no new ones: a long poll (70 s) and some.
pub const DRAIN: Duration = Duration::from_mins(2);

/// Connections to the admin endpoint at once. One more, and the oldest is closed: a probe is not kept waiting by the silent.
pub const ADMIN_CONNECTIONS: usize = 16;

/// How often it is said again that callers cannot be accepted.
pub const ACCEPT_COMPLAINT: Duration = Duration::from_mins(1);

/// For one request to the admin endpoint, from accept to the last byte of the answer.
pub const ADMIN_REQUEST: Duration = Duration::from_secs(10);

/// What may wait to be written to the log before lines are lost: some thousand lines. Each call that fails is a line, and whoever
/// reads them may have stalled.
pub const LOG_BYTES: usize = 1024 * 1024;

/// How long the end of the process waits for its last lines to be read.
pub const LOG_ENDING: Duration = Duration::from_secs(1);

/// Returns the bounds that a person may meet, for `--help`.
pub fn help() -> String {
    format!(
        "Limits:\n\
         \x20 {DOWNSTREAM_CONNECTIONS} connections from callers ({ACCEPT_QUEUE} more wait), {DOWNSTREAM_STREAMS} streams on each\n\
         \x20 {DOWNSTREAM_HANDSHAKES} TLS handshakes of callers at each listener, {} s for each\n\
         \x20 {UPSTREAM_CONNECTIONS} connections to the server, as many as its limit of streams asks for\n\
         \x20 {} KiB of headers of a request, {} KiB of an answer\n\
         \x20 {} KiB of a request and {} MiB of all requests are kept for replay, until the server answers\n\
         \x20 {} s for a connection to be made before a call without a deadline fails with UNAVAILABLE\n\
         \x20 a server that falls silent is asked after {} to {} ms, left after {} ms more, given up after {} to {} s\n\
         \x20 {} s from dialling to the server's first answer, {} s for each call that proves an identity\n\
         \x20 {ADMIN_CONNECTIONS} connections to the admin endpoint, then the oldest is closed; {} s for each request\n\
         \x20 no limit on how long a call may take",
        DOWNSTREAM_HANDSHAKE.as_secs(),
        REQUEST_HEADER_BYTES / 1024,
        RESPONSE_HEADER_BYTES / 1024,
        REPLAY_BYTES / 1024,
        REPLAY_TOTAL_BYTES / 1024 / 1024,
        WAIT_FOR_CONNECTION.as_secs(),
        QUIET.as_millis(),
        QUIET_MAX.as_millis(),
        DOUBT.as_millis(),
        SILENCE.as_secs(),
        KEEPALIVE_TIMEOUT.as_secs(),
        HANDSHAKE.as_secs(),
        PROOF.as_secs(),
        ADMIN_REQUEST.as_secs(),
    )
}
