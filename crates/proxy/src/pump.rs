//! Moves the body of one stream to another, at the speed of the slower side.
//!
//! A chunk's flow-control credit goes back to its sender only when the other side had room for it. So what a slow
//! reader does not take, its writer cannot send, and nothing piles up in between.

use std::future::poll_fn;

use bytes::Bytes;
use h2::{RecvStream, SendStream};

/// Whether a frame is the last of its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndOfStream {
    Yes,
    No,
}

/// Which side ended before the body did.
#[derive(Debug)]
pub(crate) enum Cut {
    /// The side that is read.
    Source(h2::Error),
    /// The side that is written.
    Sink,
}

impl EndOfStream {
    fn of(source: &RecvStream) -> Self {
        if source.is_end_stream() {
            Self::Yes
        } else {
            Self::No
        }
    }
}

/// Moves everything, trailers included. `seen` is shown each chunk before it is written.
pub(crate) async fn pump(
    source: &mut RecvStream,
    sink: &mut SendStream<Bytes>,
    seen: impl Fn(&Bytes),
) -> Result<(), Cut> {
    loop {
        let chunk = tokio::select! {
            biased;
            chunk = source.data() => chunk,
            _reset = poll_fn(|cx| sink.poll_reset(cx)) => return Err(Cut::Sink),
        };
        let Some(chunk) = chunk else {
            break;
        };
        let chunk = chunk.map_err(Cut::Source)?;
        let n_bytes = chunk.len();
        seen(&chunk);
        let end = EndOfStream::of(source);
        write(sink, chunk, end).await?;
        source
            .flow_control()
            .release_capacity(n_bytes)
            .map_err(Cut::Source)?;
        if end == EndOfStream::Yes {
            return Ok(());
        }
    }
    let last = match source.trailers().await.map_err(Cut::Source)? {
        Some(trailers) => sink.send_trailers(trailers),
        None => sink.send_data(Bytes::new(), true),
    };
    last.map_err(|_error| Cut::Sink)
}

/// Writes one chunk, in as many parts as the other side has room for.
pub(crate) async fn write(
    sink: &mut SendStream<Bytes>,
    mut chunk: Bytes,
    end: EndOfStream,
) -> Result<(), Cut> {
    loop {
        let room = if chunk.is_empty() {
            0
        } else {
            room(sink, chunk.len()).await?
        };
        let part = chunk.split_to(room.min(chunk.len()));
        let is_last = chunk.is_empty();
        if !part.is_empty() || end == EndOfStream::Yes {
            sink.send_data(part, is_last && end == EndOfStream::Yes)
                .map_err(|_error| Cut::Sink)?;
        }
        if is_last {
            return Ok(());
        }
    }
}

/// Waits until at least one byte may be written.
async fn room(sink: &mut SendStream<Bytes>, wanted: usize) -> Result<usize, Cut> {
    sink.reserve_capacity(wanted);
    while sink.capacity() == 0 {
        match poll_fn(|cx| sink.poll_capacity(cx)).await {
            Some(Ok(_capacity)) => {}
            Some(Err(_)) | None => return Err(Cut::Sink),
        }
    }
    Ok(sink.capacity())
}
