//! Patterns of certificate filters: a pattern covers itself and accepts what it spells out, and covering is about values.
#![no_main]

use libfuzzer_sys::fuzz_target;
use newleaf_x509::filter::Pattern;

fuzz_target!(|texts: (&str, &str, &str)| {
    let (one, other, value) = texts;
    let Ok(one) = Pattern::parse(one) else { return };
    assert!(one.covers(&one));
    assert!(one.matches(&one.as_str().replace('*', "x")));
    let Ok(other) = Pattern::parse(other) else {
        return;
    };
    if one.covers(&other) {
        assert!(one.matches(value) || !other.matches(value));
    }
});
