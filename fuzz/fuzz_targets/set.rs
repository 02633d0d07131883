//! Certificates of strangers that have to do with one another: judged as a chain, a bundle, a change of bundles, CA files.
//! The same set is judged the same twice, and what is said stays in proportion to what was sent.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use newleaf_fuzz::{assert_printable, elements};
use newleaf_x509::{
    Certificate, Chain, TrustBundle,
    lint::{self, Context, Finding, Profile},
};

/// Enough for every rule about sets; more would only be slower.
const MAX_CERTIFICATES: usize = 8;

/// Everything that lints say about the certificates, in whatever role.
fn judge(certificates: &[Certificate], context: &Context) -> Vec<Finding> {
    let (some, others) = certificates.split_at(certificates.len() / 2);
    let all = TrustBundle::new(certificates.iter().cloned());
    let (old, new) = (
        TrustBundle::new(some.iter().cloned()),
        TrustBundle::new(others.iter().cloned()),
    );
    let mut findings = lint::bundle(&all, context);
    let chain = Chain::new(certificates.iter().cloned()).ok();
    if let Some(chain) = &chain {
        findings.extend(lint::chain(chain, context));
        findings.extend(lint::chain_to(chain, &all, context));
        if let Ok(anchor) = chain.accepted_by(&new, context.now) {
            assert!(
                new.contains(anchor.fingerprint()) && chain.accepted_by(&all, context.now).is_ok()
            );
        }
    }
    findings.extend(lint::transition(&old, &new, chain.as_slice(), context));
    let (old, new) = ([old], [new, all]);
    findings.extend(lint::ca_slot_files(&new, context));
    findings.extend(lint::ca_slot_change(&old, &new, context));
    findings
}

fuzz_target!(|input: &[u8]| {
    let certificates: Vec<_> = elements(input)
        .into_iter()
        .take(MAX_CERTIFICATES)
        .filter_map(|der| Certificate::from_der(der).ok())
        .collect();
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    for profile in [
        Profile::TemporalCloud,
        Profile::SelfHosted,
        Profile::Rfc5280,
    ] {
        let context = Context { profile, now };
        let findings = judge(&certificates, &context);
        assert_eq!(findings, judge(&certificates, &context));
        let said: Vec<_> = findings.iter().map(ToString::to_string).collect();
        said.iter().for_each(|said| assert_printable(said));
        let length: usize = said.iter().map(String::len).sum();
        assert!(
            length <= 64 * 1024 + 64 * input.len(),
            "{length} bytes said of {}",
            input.len()
        );
    }
    let bundle = TrustBundle::new(certificates.iter().cloned());
    assert_eq!(
        TrustBundle::from_pem(&bundle.to_pem()).as_ref(),
        Ok(&bundle)
    );
});
