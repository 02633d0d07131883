//! Tests of [`super`].

use proptest::prelude::*;

use super::*;

#[test]
fn entries_of_the_static_table_are_found() {
    for (nth, (name, value)) in STATIC.into_iter().enumerate() {
        let first = STATIC.iter().position(|entry| entry.0 == name).unwrap() + 1;
        assert_eq!(find_static(first, Field::new(name, value)), Some(nth + 1));
        assert_eq!(find_static(first, Field::new(name, b"\0")), None);
    }
    assert_eq!(find_static(0, Field::new(b"te", b"trailers")), None);
}

#[test]
fn the_oldest_goes_first() {
    let mut table = Table::new(3 * 34);
    for name in [b"a", b"b", b"c"] {
        table.insert(name, b"1");
    }
    assert_eq!(contents(&table), ["c1", "b1", "a1"]);
    table.insert(b"d", b"1");
    assert_eq!(contents(&table), ["d1", "c1", "b1"]);
    table.insert(b"e", b"12");
    assert_eq!(contents(&table), ["e12", "d1"]);
    assert_eq!(table.size(), 69);
}

#[test]
fn what_is_larger_than_the_table_empties_it() {
    let mut table = Table::new(70);
    table.insert(b"a", b"1");
    table.insert(b"b", &[b'x'; 38]);
    assert_eq!(table.len(), 0);
    assert_eq!(table.size(), 0);
}

#[test]
fn a_smaller_table_keeps_the_newest() {
    let mut table = Table::new(4096);
    for name in [b"a", b"b", b"c"] {
        table.insert(name, b"1");
    }
    table.resize(70);
    assert_eq!(contents(&table), ["c1", "b1"]);
    table.resize(4096);
    assert_eq!(contents(&table), ["c1", "b1"]);
    table.resize(0);
    assert_eq!(table.len(), 0);
}

#[test]
fn the_generation_changes_with_the_table_and_only_then() {
    let mut table = Table::new(70);
    let mut last = table.generation();
    let mut changed = |table: &Table| std::mem::replace(&mut last, table.generation()) != last;
    table.insert(b"a", &[b'x'; 70]);
    assert!(!changed(&table), "what has no room changes nothing");
    table.insert(b"a", b"1");
    assert!(changed(&table));
    table.resize(70);
    assert!(!changed(&table), "the same size");
    table.resize(71);
    assert!(changed(&table), "the next insertion could end otherwise");
    table.insert(b"a", &[b'x'; 70]);
    assert!(changed(&table), "it was emptied");
}

#[derive(Clone, Debug)]
enum Change {
    Insert(String, String),
    Resize(usize),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        9 => ("[a-z]{0,12}", "[a-z]{0,80}").prop_map(|(name, value)| Change::Insert(name, value)),
        1 => (0_usize..400).prop_map(Change::Resize),
    ];
    prop::collection::vec(change, 0..40)
}

proptest! {
    /// The flat buffer is compared with the obvious table: a list of strings.
    #[test]
    fn it_is_a_list_of_fields(changes in changes()) {
        let mut table = Table::new(300);
        let mut model: Vec<(String, String)> = Vec::new();
        let mut max = 300;
        for change in changes {
            match change {
                Change::Insert(name, value) => {
                    table.insert(name.as_bytes(), value.as_bytes());
                    model.insert(0, (name, value));
                }
                Change::Resize(size) => {
                    table.resize(size);
                    max = size;
                }
            }
            while size_of_model(&model) > max {
                model.pop();
            }
            prop_assert_eq!(table.size(), size_of_model(&model));
            let expected: Vec<_> = model.iter().map(|(name, value)| format!("{name}{value}")).collect();
            prop_assert_eq!(contents(&table), expected);
            prop_assert!(table.bytes.len() <= 2 * 400 + 92, "the dead are forgotten");
        }
    }
}

fn size_of_model(model: &[(String, String)]) -> usize {
    model
        .iter()
        .map(|(name, value)| name.len() + value.len() + 32)
        .sum()
}

fn contents(table: &Table) -> Vec<String> {
    (0..table.len())
        .map(|nth| {
            let Field { name, value, .. } = table.get(nth).unwrap();
            format!("{}{}", name.escape_ascii(), value.escape_ascii())
        })
        .collect()
}
