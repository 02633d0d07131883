//! A request's headers, from what its caller wrote to what its server reads.
//!
//! What was translated once is remembered, in two ways. A *block* that comes again while the tables of both sides stand still
//! means the same as before; libraries that write the same deadline into each call, or none, are served by that. Callers in
//! Go and Java write what is left of a deadline, and let it enter the table, so that no block comes twice. But the *list* of
//! headers does, but for the deadline: it is remembered without, for all callers, and the deadline of each call is written
//! behind it.

use super::{
    Relay, UpstreamId,
    caller::Caller,
    half,
    head::{self, Deadline},
    heads::HeadId,
    route::Astray,
    slots::Key,
};
use crate::{
    grpc::Timeout,
    h2::{
        block::Block,
        breach::{Breach, Fault},
        hpack::{Version, Versions},
    },
};

/// What is known of a call by its headers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) head: HeadId,
    /// How many bytes its body has, if it says so.
    pub(super) length: Option<u64>,
    pub(super) timeout: Option<Timeout>,
}

/// A call, and the server that has room for it; or why it goes nowhere.
pub(super) type Translated = Result<(Known, Option<Key>), Astray>;

impl Relay {
    /// Reads a request's headers and chooses its server. What they are for this server is left in `self.block`.
    pub(super) fn translate_request(
        &mut self,
        key: Key,
        block: &Block<'_>,
    ) -> Result<Translated, Fault> {
        let Some(caller) = self.callers.get(key) else {
            return Err(gone(block.stream));
        };
        let before = caller.wire.decoder_version();
        if let Some(upstream) = self.upstream_of_unread(caller, block)
            && let Some(server) = self.roomiest(upstream)
            && let Some(known) = self.recall_block(before, server, block)
        {
            check_end(known.length, block)?;
            return Ok(Ok((known, Some(server))));
        }
        let Some(caller) = self.callers.get_mut(key) else {
            return Err(gone(block.stream));
        };
        let stream = block.stream;
        caller.wire.decode(stream, &block.bytes, &mut self.list)?;
        // The state in which the same block would mean the same, if there is one.
        let before = (before == caller.wire.decoder_version()).then_some(before);
        let deadline = Deadline::of(&self.list);
        self.list
            .write_likeness(deadline.map(|deadline| deadline.nth), &mut self.likeness);
        let timeout = deadline.map(|deadline| deadline.timeout);
        if let Ok(upstream) = caller.route.choose(&self.list)
            && let Some(server) = self.roomiest(upstream)
            && let Some(known) = self.recall_list(server, timeout)
        {
            check_end(known.length, block)?;
            // Remembered whole only if it may come again: its deadline is the one that came last.
            let is_the_last = known.timeout == timeout;
            let known = Known { timeout, ..known };
            if is_the_last {
                self.remember_block(before, server, block, known);
            } else if before.is_some() {
                self.note_deadline(server, known);
            }
            return Ok(Ok((known, Some(server))));
        }
        self.read_request(key, block, before, deadline)
    }

    /// Returns the upstream of a request whose headers are not read yet, if they need not be read to know it.
    fn upstream_of_unread(&self, caller: &Caller, block: &Block<'_>) -> Option<UpstreamId> {
        caller.route.only().or_else(|| {
            let meaning = Versions::alone(caller.wire.decoder_version());
            let known = self.requests.get(meaning, &block.bytes)?;
            Some(self.heads.get(known.note.head)?.upstream)
        })
    }

    /// Leaves in `self.block` what a block was translated to before, if it was.
    fn recall_block(&mut self, decoder: Version, server: Key, block: &Block<'_>) -> Option<Known> {
        let encoder = self.servers.get(server)?.wire.encoder_version();
        let versions = Versions { decoder, encoder };
        let found = self.requests.get(versions, &block.bytes)?;
        self.block.clear();
        self.block.extend_from_slice(found.translation);
        Some(*found.note)
    }

    /// Leaves in `self.block` what the list of which `self.likeness` tells is translated to, with this deadline, if one like it
    /// was translated before. Returns what was known of that one.
    fn recall_list(&mut self, server: Key, timeout: Option<Timeout>) -> Option<Known> {
        let server = self.servers.get_mut(server)?;
        let meaning = Versions::of_list(server.wire.encoder_version());
        let found = self.requests.get(meaning, &self.likeness)?;
        self.block.clear();
        self.block.extend_from_slice(found.translation);
        server.encode_timeout(timeout, &mut self.block);
        Some(*found.note)
    }

    /// Notes the deadline of a list that is remembered, the one of which `self.likeness` tells.
    fn note_deadline(&mut self, server: Key, known: Known) {
        if let Some(server) = self.servers.get(server) {
            let meaning = Versions::of_list(server.wire.encoder_version());
            self.requests.note(meaning, &self.likeness, known);
        }
    }

    /// Makes sense of a request's headers, which are in `self.list`, for the first time.
    fn read_request(
        &mut self,
        key: Key,
        block: &Block<'_>,
        before: Option<Version>,
        deadline: Option<Deadline>,
    ) -> Result<Translated, Fault> {
        let request = head::request(&self.list);
        let request = request.map_err(|breach| Fault::Stream(block.stream, breach))?;
        check_end(request.length, block)?;
        let Some(caller) = self.callers.get(key) else {
            return Err(gone(block.stream));
        };
        let upstream = match caller.route.choose(&self.list) {
            Ok(upstream) => upstream,
            Err(astray) => return Ok(Err(astray)),
        };
        let has_choice = caller.route.only().is_none();
        let authority = self.upstreams.get(upstream.0);
        let authority = authority.map_or("", |upstream| &upstream.authority);
        let head = request.to(upstream, authority, deadline);
        let timeout = deadline.map(|deadline| deadline.timeout);
        let length = request.length;
        let server_key = self.roomiest(upstream);
        let server = server_key.and_then(|key| self.servers.get(key));
        if let Some(limit) = server.and_then(|server| server.lacks_room_for(&head.fields)) {
            return Ok(Err(Astray::TooLarge { limit }));
        }
        let Some(head) = self.take_head(head) else {
            return Ok(Err(Astray::NoRoom));
        };
        let known = Known {
            head,
            length,
            timeout,
        };
        if let Some(before) = before
            && has_choice
        {
            let meaning = Versions::alone(before);
            self.requests.put(meaning, &block.bytes, &[], known);
        }
        if let Some(server_key) = server_key
            && let Some(server) = self.servers.get_mut(server_key)
            && let Some(head) = self.heads.get(known.head)
        {
            let encoder = server.wire.encoder_version();
            server.encode_request(&head.fields, &mut self.block);
            if encoder == server.wire.encoder_version() {
                let meaning = Versions::of_list(encoder);
                self.requests
                    .put(meaning, &self.likeness, &self.block, known);
                server.encode_timeout(timeout, &mut self.block);
                self.remember_block(before, server_key, block, known);
            } else {
                server.encode_timeout(timeout, &mut self.block);
            }
        }
        Ok(Ok((known, server_key)))
    }

    /// Remembers what a block was translated to, which is in `self.block`, if it would be translated alike again.
    fn remember_block(
        &mut self,
        decoder: Option<Version>,
        server: Key,
        block: &Block<'_>,
        known: Known,
    ) {
        if let (Some(decoder), Some(server)) = (decoder, self.servers.get(server)) {
            let encoder = server.wire.encoder_version();
            let versions = Versions { decoder, encoder };
            self.requests
                .put(versions, &block.bytes, &self.block, known);
        }
    }
}

/// A request that ends with its headers has no body, and must not say that it has one. Judged before it is encoded: a block
/// that is encoded and not sent would leave the server's table out of step, and one bad request would end the calls of all.
fn check_end(length: Option<u64>, block: &Block<'_>) -> Result<(), Fault> {
    if !block.ends {
        return Ok(());
    }
    half::may_end(length).map_err(|breach| Fault::Stream(block.stream, breach))
}

/// The caller is the one that has just been heard.
fn gone(stream: u32) -> Fault {
    let kind = "HEADERS";
    Breach::ClosedStream { kind, stream }.into()
}
