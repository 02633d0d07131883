//! Every code has one page, and every page a code.

use std::{collections::BTreeSet, path::Path};

use super::*;

#[test]
fn pages_begin_with_their_code_and_say_what_to_do() {
    for code in ALL {
        let (first, rest) = code.page.split_once('\n').unwrap();
        assert!(first.starts_with(&format!("# {}: ", code.id)), "{first}");
        assert!(rest.contains("**What to do.**"), "{}", code.id);
        assert!(
            code.page.ends_with('\n') && !code.title().is_empty(),
            "{}",
            code.id
        );
    }
}

#[test]
fn the_list_is_whole_in_order_and_without_twins() {
    let listed: Vec<_> = ALL.iter().map(|code| code.id.to_owned()).collect();
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/codes");
    let there: BTreeSet<_> = fs_err::read_dir(pages)
        .unwrap()
        .filter_map(|page| {
            page.unwrap()
                .path()
                .file_stem()?
                .to_str()
                .map(str::to_owned)
        })
        .collect();
    assert_eq!(listed, there.into_iter().collect::<Vec<_>>());
}

#[test]
fn codes_are_found_whatever_their_case() {
    assert_eq!(find("c002").unwrap().id, "C002");
    assert!(find("C999").is_none());
}
