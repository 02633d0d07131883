//! Certificate filters of a stranger, as `tcld` writes them: what is read can be written and read again, and admits a leaf
//! only if one of the filters does.
#![no_main]

use std::sync::OnceLock;

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use newleaf_fuzz::assert_printable;
use newleaf_x509::{
    Certificate, Filters, TrustBundle,
    filter::MAX_FILTERS,
    lint::{self, Context, Profile},
};

fn leaf() -> &'static Certificate {
    static LEAF: OnceLock<Certificate> = OnceLock::new();
    LEAF.get_or_init(|| {
        Certificate::from_der(include_bytes!("../corpus/certificate/leaf")).unwrap()
    })
}

fuzz_target!(|text: &str| {
    let Ok(filters) = serde_json::from_str::<Filters>(text) else {
        return;
    };
    let written = serde_json::to_string(&filters).unwrap();
    assert_eq!(serde_json::from_str::<Filters>(&written).unwrap(), filters);
    let context = Context {
        profile: Profile::TemporalCloud,
        now: Timestamp::from_second(1_800_000_000).unwrap(),
    };
    let leaves = [leaf().clone()];
    let findings = lint::filters(&filters, &leaves, &TrustBundle::default(), &context);
    assert!(findings.len() <= 4 * MAX_FILTERS);
    for finding in findings {
        assert_printable(&finding.to_string());
    }
});
