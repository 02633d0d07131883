//! Recorded conversations of other implementations: `stories/README.md` says from where.

use serde_json::Value;

use super::*;

#[test]
fn python_hpack() {
    check(include_str!("stories/python-hpack.json"));
}

#[test]
fn go_hpack() {
    check(include_str!("stories/go-hpack.json"));
}

/// Its table changes size now and then.
#[test]
fn nghttp2_with_changing_table() {
    check(include_str!("stories/nghttp2-change-table-size.json"));
}

fn check(story: &str) {
    let story: Value = serde_json::from_str(story).unwrap();
    let mut decoder = Decoder::new(DEFAULT_TABLE_SIZE);
    let mut encoder = Encoder::new(DEFAULT_TABLE_SIZE);
    let mut reader = Decoder::new(DEFAULT_TABLE_SIZE);
    for case in story["cases"].as_array().unwrap() {
        if let Some(size) = case["header_table_size"].as_u64() {
            decoder.set_max_table_size(usize::try_from(size).unwrap());
        }
        let expected: Vec<Pair> = case["headers"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|field| field.as_object().unwrap())
            .map(|(name, value)| (name.clone().into_bytes(), value.as_str().unwrap().into()))
            .collect();
        let block = unhex(case["wire"].as_str().unwrap());
        assert_eq!(decoded(&mut decoder, &block), expected);
        let ours = encoded(&mut encoder, &expected);
        assert_eq!(decoded(&mut reader, &ours), expected);
    }
}
