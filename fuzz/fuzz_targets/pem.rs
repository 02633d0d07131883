//! PEM of a stranger: what is read can be written and read again, and so can a trust bundle.
#![no_main]

use libfuzzer_sys::fuzz_target;
use newleaf_x509::{Chain, TrustBundle, pem};

fuzz_target!(|text: &str| {
    let Ok(document) = pem::parse(text) else {
        return;
    };
    let written: String = document
        .blocks
        .iter()
        .map(|block| pem::encode(&block.label, &block.der))
        .collect();
    let again = pem::parse(&written).unwrap();
    assert_eq!(document.blocks.len(), again.blocks.len());
    for (block, again) in document.blocks.iter().zip(&again.blocks) {
        assert_eq!(block.label, again.label);
        assert_eq!(block.der, again.der);
    }
    if let Ok(bundle) = TrustBundle::from_pem(text) {
        assert_eq!(TrustBundle::from_pem(&bundle.to_pem()), Ok(bundle));
    }
    drop(Chain::from_pem(text));
});
