//! The examples of RFC 7541, and answers as peers write them.

use super::{BlockError, Decoder, Fields, huffman};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

#[test]
fn huffman_strings_of_the_rfc() {
    let cases = [
        ("f1e3 c2e5 f23a 6ba0 ab90 f4ff", "www.example.com"),
        ("a8eb 1064 9cbf", "no-cache"),
        ("25a8 49e9 5bb8 e8b4 bf", "custom-value"),
        (
            "d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff",
            "Mon, 21 Oct 2013 20:13:21 GMT",
        ),
    ];
    for (hex, expected) in cases {
        let text = huffman::decode(&bytes(hex));
        assert_eq!(text.as_deref(), Some(expected.as_bytes()), "{expected}");
    }
    assert_eq!(
        huffman::decode(&bytes("a8eb 1064 9cb0")),
        None,
        "wrong padding"
    );
}

/// RFC 7541 C.6: three answers whose tables evict each other's entries (of 256 bytes there).
#[test]
fn answers_of_the_rfc() {
    let mut decoder = Decoder::default();
    decoder.decode(&bytes("3fe1 01")).unwrap();
    let answers = [
        (
            "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
            302,
        ),
        ("4883 640e ffc1 c0bf", 307),
        (
            "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
            200,
        ),
    ];
    for (hex, status) in answers {
        let fields = decoder.decode(&bytes(hex)).unwrap();
        assert_eq!(fields.status, Some(status));
    }
}

#[test]
fn a_block_means_the_same_until_the_table_changes() {
    let mut decoder = Decoder::default();
    let failed = [b"\x40\x0bgrpc-status\x02".as_slice(), b"14"].concat();
    assert_eq!(decoder.decode(&failed).unwrap().grpc_status, Some(14));
    for _ in 0..2 {
        let fields = decoder.decode(b"\xbe").unwrap();
        assert_eq!(
            fields,
            Fields {
                status: None,
                grpc_status: Some(14)
            }
        );
    }
    let passed = [b"\x40\x0bgrpc-status\x01".as_slice(), b"0"].concat();
    decoder.decode(&passed).unwrap();
    assert_eq!(decoder.decode(b"\xbe").unwrap().grpc_status, Some(0));
}

#[test]
fn what_cannot_be_read_is_an_error() {
    for block in [
        b"\x80".as_slice(),
        b"\xff",
        b"\x7f\xff\xff\xff\xff\xff",
        b"\x40\x05ab",
        b"\xfe",
    ] {
        assert_eq!(
            Decoder::default().decode(block),
            Err(BlockError),
            "{block:x?}"
        );
    }
}
