//! From a caller to the server.

use std::sync::Arc;

use super::{
    ConnectionId, Event, Relay, ServerId,
    call::{Call, Place},
    caller::{Goodbye, How},
    half::{End, Half, Last, Passage},
    head,
    route::Astray,
    slots::Key,
};
use crate::{
    grpc,
    h2::{
        block::Block,
        breach::{Breach, Fault},
        frame::Head,
        reason::Reason,
        window::SendWindow,
    },
    limits,
};

impl Relay {
    /// A caller sent headers, or the beginning of them.
    pub(super) fn request_headers(
        &mut self,
        key: Key,
        head: Head,
        payload: &[u8],
    ) -> Result<(), Fault> {
        let Some(caller) = self.callers.not_ended(key) else {
            return Ok(());
        };
        let block = caller.wire.hear_headers(head, payload)?;
        block.map_or(Ok(()), |block| self.request_block(key, &block))
    }

    /// A caller's headers are whole: a new call, or the trailers of one.
    pub(super) fn request_block(&mut self, key: Key, block: &Block<'_>) -> Result<(), Fault> {
        let stream = block.stream;
        let Some(caller) = self.callers.get_mut(key) else {
            return Ok(());
        };
        if stream <= caller.highest || stream.is_multiple_of(2) {
            if let Some(call) = caller.wire.streams.get(stream) {
                return self.request_trailers(call, block);
            }
            let highest = caller.highest;
            return match caller.gone.how(stream) {
                // It was on its way when we reset the stream; the compression must follow it all the same.
                Some(How::Reset) => caller.wire.decode(stream, &block.bytes, &mut self.list),
                Some(How::Finished) => Err(closed("HEADERS", stream).into()),
                None => Err(Breach::StreamOrder {
                    highest,
                    found: stream,
                }
                .into()),
            };
        }
        let is_late = caller.goodbye == Goodbye::Said;
        if !is_late {
            caller.highest = stream;
        }
        let n_streams = u32::try_from(caller.wire.streams.len()).unwrap_or(u32::MAX);
        if is_late || n_streams >= limits::DOWNSTREAM_STREAMS {
            caller.wire.decode(stream, &block.bytes, &mut self.list)?;
            let limit = limits::DOWNSTREAM_STREAMS;
            return Err(Fault::Stream(stream, Breach::TooManyStreams { limit }));
        }
        self.take_call(key, block)
    }

    /// Takes a new call, and gives it to a server at once if one has room.
    fn take_call(&mut self, caller_key: Key, block: &Block<'_>) -> Result<(), Fault> {
        let (known, server_key) = match self.translate_request(caller_key, block)? {
            Ok(translated) => translated,
            Err(astray) => {
                self.refuse_call(caller_key, block, &astray);
                return Ok(());
            }
        };
        let Some(caller) = self.callers.get_mut(caller_key) else {
            return Ok(());
        };
        let stream = block.stream;
        let end = if block.ends {
            End::Coming(Last::Bytes)
        } else {
            End::Open
        };
        let window = SendWindow::new(caller.wire.peer.initial_window);
        let key = self.calls.insert(Call {
            caller: caller_key,
            down: stream,
            place: Place::Nowhere,
            request: Half::new(SendWindow::new(0), known.length, end),
            response: Half::new(window, None, End::Open),
            head: known.head,
            timeout: known.timeout,
            kept: Some(self.keep.begin()),
            n_attempts: 0,
            head_end: 0,
            came_at: self.now,
            waits_since: self.now,
            is_failed: false,
        });
        caller.wire.streams.insert(stream, key);
        caller.wire.earn();
        match server_key {
            Some(server_key) => self.open(key, server_key),
            None => self.wait(key),
        }
        Ok(())
    }

    /// Answers a call that goes nowhere. Its headers are in `self.list`.
    fn refuse_call(&mut self, key: Key, block: &Block<'_>, astray: &Astray) {
        let Some(caller) = self.callers.get_mut(key) else {
            return;
        };
        let stream = block.stream;
        let why = format!("newleaf-proxy: {astray}");
        let answer = grpc::answer_fields(&grpc::status_fields(astray.code(), &why));
        caller.wire.write_list(stream, true, &answer);
        let how = if block.ends {
            How::Finished
        } else {
            // RFC 9113 §8.1: the answer is whole, and the rest of the request is not wanted.
            caller.wire.write_reset(stream, Reason::NO_ERROR);
            How::Reset
        };
        caller.gone.note(stream, how);
        let path = self.list.get(b":path").unwrap_or_default();
        let path = String::from_utf8_lossy(path).into_owned();
        self.events.push_back(Event::Failed {
            path,
            cause: astray.cause(),
            why,
        });
        self.touch_caller(key);
    }

    /// The end of a request in trailers: gRPC has none, but HTTP/2 does.
    fn request_trailers(&mut self, key: Key, block: &Block<'_>) -> Result<(), Fault> {
        let Some(call) = self.calls.get_mut(key) else {
            return Ok(());
        };
        let Some(caller) = self.callers.get_mut(call.caller) else {
            return Ok(());
        };
        let stream = block.stream;
        let at_stream = |breach| Fault::Stream(stream, breach);
        caller.wire.decode(stream, &block.bytes, &mut self.list)?;
        if call.request.is_heard() {
            return Err(at_stream(closed("HEADERS", stream)));
        }
        if !block.ends {
            let rule = "trailers that do not end the request";
            return Err(at_stream(Breach::Malformed { rule }));
        }
        head::trailers(&self.list).map_err(at_stream)?;
        let last = Last::Trailers(Arc::new(self.list.clone()));
        call.request.hear_end(last.clone()).map_err(at_stream)?;
        if let Some(kept) = &mut call.kept {
            kept.trailers = Some(last);
        }
        self.pump_request(key);
        self.finish_if_over(key);
        Ok(())
    }

    /// A caller sent bytes.
    pub(super) fn request_data(
        &mut self,
        key: Key,
        head: Head,
        payload: &[u8],
    ) -> Result<(), Fault> {
        let Some(source) = self.callers.not_ended(key) else {
            return Ok(());
        };
        let data = source.wire.hear_data(head, payload, self.now)?;
        let stream = data.stream;
        let cost = usize::try_from(data.cost).unwrap_or(usize::MAX);
        let Some(key) = source.call_at(stream)? else {
            source.wire.release(cost);
            return match source.gone.how(stream) {
                Some(How::Reset) => Ok(()),
                Some(How::Finished) | None => Err(Fault::Stream(stream, closed("DATA", stream))),
            };
        };
        let Some(call) = self.calls.get_mut(key) else {
            return Ok(());
        };
        if let Err(breach) = call.request.hear(&data) {
            source.wire.release(cost);
            return Err(Fault::Stream(stream, breach));
        }
        let n_padding = cost - data.bytes.len();
        let n_passed = match call.place {
            Place::At { server, stream, .. } => {
                let Some(sink) = self.servers.get_mut(server) else {
                    return Ok(());
                };
                if let Some(kept) = &mut call.kept
                    && call.request.pending.is_empty()
                {
                    kept.reserve_for(data.bytes, &mut self.keep);
                }
                let mut passage = Passage {
                    half: &mut call.request,
                    sink: &mut sink.wire,
                    stream,
                    kept: call.kept.as_mut(),
                };
                let n_passed = passage.pass(data.bytes);
                passage.queue(key);
                let id = ConnectionId::Server(ServerId(server));
                sink.wire.touch(id, &mut self.touched);
                self.keep.count(&mut call.kept);
                n_passed
            }
            Place::Waiting { .. } | Place::Pausing { .. } | Place::Nowhere => {
                call.request.pending.extend(data.bytes);
                0
            }
            // Nobody reads it any more.
            Place::Detached { .. } => data.bytes.len(),
        };
        let n_bytes = n_passed + n_padding;
        call.request.give_room(&mut source.wire, stream, n_bytes);
        if call.is_over() {
            self.finish(key);
        }
        Ok(())
    }

    /// A caller took a call back.
    pub(super) fn request_reset(
        &mut self,
        caller: Key,
        stream: u32,
        reason: Reason,
    ) -> Result<(), Fault> {
        let found = self.callers.get(caller);
        let Some(key) = found.map_or(Ok(None), |caller| caller.call_at(stream))? else {
            return Ok(());
        };
        self.take_back(key, reason, How::Finished)
    }
}

fn closed(kind: &'static str, stream: u32) -> Breach {
    Breach::ClosedStream { kind, stream }
}
