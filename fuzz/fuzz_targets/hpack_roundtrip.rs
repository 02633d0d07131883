//! Header lists and table sizes in any order: the decoder reads what the encoder writes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use newleaf_proxy::h2::hpack::{DEFAULT_TABLE_SIZE, Decoder, Encoder, Field, HeaderList, Limits};

const ROOMY: Limits = Limits {
    size: 1024 * 1024,
    fields: 100_000,
};

/// The input is a list of steps, each begun by an octet that says which.
struct Steps<'input>(&'input [u8]);

impl<'input> Steps<'input> {
    fn octet(&mut self) -> Option<u8> {
        let (octet, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*octet)
    }

    fn size(&mut self) -> Option<usize> {
        Some(usize::from(u16::from_be_bytes([
            self.octet()?,
            self.octet()?,
        ])))
    }

    fn text(&mut self) -> Option<&'input [u8]> {
        let length = usize::from(self.octet()?);
        let (text, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        Some(text)
    }

    fn field(&mut self, step: u8) -> Option<Field<'input>> {
        let name = match step % 8 {
            0 => &b":path"[..],
            1 => b":status",
            2 => b"authorization",
            3 => b"grpc-timeout",
            4 => b"user-agent",
            _ => self.text()?,
        };
        let value = self.text()?;
        Some(if step & 0x40 == 0 {
            Field::new(name, value)
        } else {
            Field::never_indexed(name, value)
        })
    }
}

fuzz_target!(|input: &[u8]| {
    let mut steps = Steps(input);
    let Some(bound) = steps.size() else { return };
    let mut encoder = Encoder::new(bound);
    let mut decoder = Decoder::new(DEFAULT_TABLE_SIZE);
    let (mut sent, mut received) = (HeaderList::new(), HeaderList::new());
    let mut block = Vec::new();
    while let Some(step) = steps.octet() {
        if step < 8 {
            let Some(size) = steps.size() else { return };
            decoder.set_max_table_size(size);
            encoder.set_max_table_size(size);
        } else if let Some(field) = steps.field(step) {
            sent.push(field);
        }
        if step & 0x80 == 0 {
            continue;
        }
        block.clear();
        encoder.encode(&sent, &mut block);
        assert_eq!(decoder.decode(&block, ROOMY, &mut received), Ok(()));
        assert_eq!(sent.len(), received.len());
        for (sent, received) in sent.iter().zip(&received) {
            assert_eq!((sent.name, sent.value), (received.name, received.value));
        }
        sent.clear();
    }
});
