//! Header lists and table sizes in any order: the decoder reads what the encoder writes.
#![no_main]

use libfuzzer_sys::{arbitrary, arbitrary::Arbitrary, fuzz_target};
use newleaf_proxy::h2::hpack::{DEFAULT_TABLE_SIZE, Decoder, Encoder, Field, HeaderList, Limits};

const ROOMY: Limits = Limits {
    size: 1024 * 1024,
    fields: 100_000,
};

#[derive(Arbitrary, Debug)]
enum Event<'input> {
    Resize(u16),
    List(Vec<(Name<'input>, &'input [u8], bool)>),
}

#[derive(Arbitrary, Debug)]
enum Name<'input> {
    Path,
    Status,
    Authorization,
    GrpcTimeout,
    Other(&'input [u8]),
}

fuzz_target!(|input: (u16, Vec<Event<'_>>)| {
    let (bound, events) = input;
    let mut encoder = Encoder::new(usize::from(bound));
    let mut decoder = Decoder::new(DEFAULT_TABLE_SIZE);
    let mut received = HeaderList::new();
    for event in events {
        let fields = match event {
            Event::Resize(size) => {
                decoder.set_max_table_size(usize::from(size));
                encoder.set_max_table_size(usize::from(size));
                continue;
            }
            Event::List(fields) => fields,
        };
        let sent: HeaderList = fields.iter().map(field).collect();
        let mut block = Vec::new();
        encoder.encode(&sent, &mut block);
        assert_eq!(decoder.decode(&block, ROOMY, &mut received), Ok(()));
        assert_eq!(sent.len(), received.len());
        for (sent, received) in sent.iter().zip(&received) {
            assert_eq!((sent.name, sent.value), (received.name, received.value));
        }
    }
});

fn field<'list>((name, value, sensitive): &'list (Name<'_>, &[u8], bool)) -> Field<'list> {
    let name = match name {
        Name::Path => b":path",
        Name::Status => b":status",
        Name::Authorization => b"authorization",
        Name::GrpcTimeout => b"grpc-timeout",
        Name::Other(name) => *name,
    };
    if *sensitive {
        Field::never_indexed(name, value)
    } else {
        Field::new(name, value)
    }
}
