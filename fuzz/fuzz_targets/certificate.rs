//! DER of a stranger: a certificate is kept as it was read, and can be described and judged without a panic; nothing in
//! it reaches a terminal as a control character.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use newleaf_x509::{
    Certificate, Chain, TrustBundle,
    describe::Description,
    lint::{self, Context, Profile},
};

fuzz_target!(|der: &[u8]| {
    let Ok(certificate) = Certificate::from_der(der) else {
        return;
    };
    assert_eq!(certificate.der(), der);
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let said = Description::of(&certificate, now).to_string();
    assert!(!said.contains('\u{1b}'));
    for profile in [
        Profile::TemporalCloud,
        Profile::SelfHosted,
        Profile::Rfc5280,
    ] {
        let context = Context { profile, now };
        let findings = [
            lint::certificate(&certificate, &context),
            lint::ca(&certificate, &context),
            lint::leaf(&certificate, &context),
        ];
        for finding in findings.iter().flatten() {
            assert!(!finding.to_string().contains('\u{1b}'));
        }
        let bundle = TrustBundle::new([certificate.clone()]);
        lint::bundle(&bundle, &context);
        if let Ok(chain) = Chain::new([certificate.clone()]) {
            lint::chain_to(&chain, &bundle, &context);
        }
    }
});
