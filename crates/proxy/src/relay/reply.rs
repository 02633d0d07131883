//! From the server to a caller.

use std::sync::Arc;

use super::{
    CallerId, ConnectionId, Event, Relay, ServerId,
    caller::How,
    half::{End, Last, Passage},
    head::{self, Reply},
    place::Again,
    slots::Key,
};
use crate::h2::{
    block::Block,
    breach::{Breach, Fault},
    frame::{Data, Head},
    hpack::Versions,
    reason::Reason,
};

impl Relay {
    /// The server sent headers, or the beginning of them.
    pub(super) fn reply_headers(
        &mut self,
        key: Key,
        head: Head,
        payload: &[u8],
    ) -> Result<(), Fault> {
        let Some(server) = self.servers.not_ended(key) else {
            return Ok(());
        };
        let block = server.wire.hear_headers(head, payload)?;
        block.map_or(Ok(()), |block| self.reply_block(key, &block))
    }

    /// A server's headers are whole: a response, or the trailers of one.
    ///
    /// They are encoded last, when nothing can refuse them any more: a block that is encoded and not sent would leave the
    /// caller's table out of step, and one bad reply would end all its calls. And what must wait for bytes that wait is not
    /// translated yet: a block is only good at the place in the order for which it was encoded.
    pub(super) fn reply_block(&mut self, server: Key, block: &Block<'_>) -> Result<(), Fault> {
        let (stream, server_key) = (block.stream, server);
        let Some(server) = self.servers.get_mut(server) else {
            return Ok(());
        };
        let Some(key) = server.call_at(stream)? else {
            return self.reply_without_call(server_key, block);
        };
        let Some(call) = self.calls.get_mut(key) else {
            return Ok(());
        };
        let caller_key = call.caller;
        let Some(caller) = self.callers.get_mut(caller_key) else {
            return Ok(());
        };
        let at_stream = |breach| Fault::Stream(stream, breach);
        let before = Versions {
            decoder: server.wire.decoder_version(),
            encoder: caller.wire.encoder_version(),
        };
        let goes_through = call.response.pending.is_empty();
        let known = goes_through.then(|| self.replies.get(before, &block.bytes));
        let known = known.flatten();
        let reply = if let Some(known) = known {
            *known.note
        } else {
            server.wire.decode(stream, &block.bytes, &mut self.list)?;
            head::reply(&self.list).map_err(at_stream)?
        };
        call.hear_reply(reply, block).map_err(at_stream)?;
        if let Reply::Final { .. } = reply {
            self.keep.forget(call.kept.take());
        }
        if !goes_through {
            let trailers = Last::Trailers(Arc::new(self.list.clone()));
            call.response.end = End::Coming(trailers);
            return Ok(());
        }
        if let Some(known) = known {
            caller
                .wire
                .write_block(call.down, block.ends, known.translation);
        } else {
            self.block.clear();
            caller.wire.encode(&self.list, &mut self.block);
            caller.wire.write_block(call.down, block.ends, &self.block);
            let after = Versions {
                decoder: server.wire.decoder_version(),
                encoder: caller.wire.encoder_version(),
            };
            if before == after {
                self.replies.put(after, &block.bytes, &self.block, reply);
            }
        }
        let id = ConnectionId::Caller(CallerId(caller_key));
        let n_touched = self.touched.len();
        caller.wire.touch(id, &mut self.touched);
        let is_another = self.touched.len() > n_touched && n_touched > 0;
        if block.ends {
            call.response.end = End::Passed;
            if call.is_over() {
                self.finish(key);
            }
        }
        if is_another {
            self.is_somebody_due = self.first_due().is_some();
        }
        Ok(())
    }

    /// Headers on a stream that carries no call: an answer to a call of ours, or for a caller who has gone.
    fn reply_without_call(&mut self, key: Key, block: &Block<'_>) -> Result<(), Fault> {
        let Some(server) = self.servers.get_mut(key) else {
            return Ok(());
        };
        server
            .wire
            .decode(block.stream, &block.bytes, &mut self.list)?;
        if let Some(own) = server.own_calls.get_mut(&block.stream) {
            own.hear_fields(&self.list);
            if block.ends {
                self.answered(key, block.stream);
            }
        }
        Ok(())
    }

    /// The server sent bytes.
    pub(super) fn reply_data(&mut self, key: Key, head: Head, payload: &[u8]) -> Result<(), Fault> {
        let Some(source) = self.servers.not_ended(key) else {
            return Ok(());
        };
        let data = source.wire.hear_data(head, payload, self.now)?;
        let stream = data.stream;
        let cost = usize::try_from(data.cost).unwrap_or(usize::MAX);
        let Some(call_key) = source.call_at(stream)? else {
            return self.data_without_call(key, &data);
        };
        let Some(call) = self.calls.get_mut(call_key) else {
            return Ok(());
        };
        let heard = if call.is_answered() {
            call.response.hear(&data)
        } else {
            let rule = "bytes before a response";
            Err(Breach::Malformed { rule })
        };
        if let Err(breach) = heard {
            source.wire.release(cost);
            return Err(Fault::Stream(stream, breach));
        }
        let caller_key = call.caller;
        let Some(sink) = self.callers.get_mut(caller_key) else {
            return Ok(());
        };
        sink.resets.restore();
        let mut passage = Passage {
            half: &mut call.response,
            sink: &mut sink.wire,
            stream: call.down,
            kept: None,
        };
        let n_passed = passage.pass(data.bytes);
        passage.queue(call_key);
        let n_padding = cost - data.bytes.len();
        let n_bytes = n_passed + n_padding;
        call.response.give_room(&mut source.wire, stream, n_bytes);
        let id = ConnectionId::Caller(CallerId(caller_key));
        sink.wire.touch(id, &mut self.touched);
        if call.is_over() {
            self.finish(call_key);
        }
        Ok(())
    }

    /// Bytes on a stream that carries no call.
    fn data_without_call(&mut self, key: Key, data: &Data<'_>) -> Result<(), Fault> {
        let Some(server) = self.servers.get_mut(key) else {
            return Ok(());
        };
        let cost = usize::try_from(data.cost).unwrap_or(usize::MAX);
        server.wire.release(cost);
        let Some(own) = server.own_calls.get_mut(&data.stream) else {
            return Ok(());
        };
        if !own.hear_bytes(data.bytes.len()) {
            let rule = "an answer longer than any";
            return Err(Fault::Stream(data.stream, Breach::Malformed { rule }));
        }
        if data.ends {
            self.answered(key, data.stream);
        } else if data.cost > 0 {
            server.wire.write_window(data.stream, data.cost);
        }
        Ok(())
    }

    /// Tells what the server answered to a call of ours.
    pub(super) fn answered(&mut self, key: Key, stream: u32) {
        let own = self
            .servers
            .get_mut(key)
            .and_then(|server| server.own_calls.remove(&stream));
        if let Some(own) = own {
            let answer = own.into_answer();
            self.events
                .push_back(Event::Answered(ServerId(key), answer));
        }
    }

    /// The server reset a stream.
    pub(super) fn reply_reset(
        &mut self,
        server: Key,
        stream: u32,
        reason: Reason,
    ) -> Result<(), Fault> {
        let found = self.servers.get(server);
        let Some(key) = found.map_or(Ok(None), |server| server.call_at(stream))? else {
            self.answered(server, stream);
            return Ok(());
        };
        let Some(call) = self.calls.get_mut(key) else {
            return Ok(());
        };
        if reason == Reason::REFUSED_STREAM && !call.is_answered() {
            self.send_again(key, Again::Refused);
        } else if call.response.is_heard() {
            // RFC 9113 §8.1: it has answered whole, and does not need the rest of the request; with NO_ERROR, it says so.
            self.detach(key, None);
            self.let_finish(key, reason);
        } else {
            self.detach(key, None);
            self.reset_caller(key, reason);
        }
        Ok(())
    }

    /// Passes a reset on to the caller.
    fn reset_caller(&mut self, key: Key, reason: Reason) {
        let Some(call) = self.calls.get(key) else {
            return;
        };
        let caller_key = call.caller;
        if let Some(caller) = self.callers.get_mut(caller_key) {
            caller.wire.write_reset(call.down, reason);
        }
        self.tally.reset += 1;
        self.remove_call(key, How::Reset);
        self.touch_caller(caller_key);
    }
}
