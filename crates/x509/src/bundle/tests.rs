//! Bundles are sets.

use super::*;
use crate::{
    certificate::CertificateError,
    forge::{Forge, days, now},
};

fn g1() -> Certificate {
    Forge::root("g1", "p256-a").certificate()
}

fn g2() -> Certificate {
    Forge::root("g2", "p256-b").certificate()
}

#[test]
fn order_and_repetition_do_not_count() {
    let bundle = TrustBundle::new([g1(), g2(), g1()]);
    assert_eq!(bundle.len(), 2);
    assert_eq!(bundle, TrustBundle::new([g2(), g1()]));
    assert_ne!(bundle, TrustBundle::new([g2()]));
    let mut grown = TrustBundle::new([g1()]);
    grown.insert(g2());
    grown.insert(g2());
    assert_eq!(grown, bundle);
    assert_eq!(grown.members(), [g1(), g2()], "order is kept for printing");
}

#[test]
fn differences_are_named() {
    let (old, new) = (TrustBundle::new([g1()]), TrustBundle::new([g2()]));
    let difference = old.difference(&new);
    assert_eq!(
        (difference.added, difference.removed),
        (vec![g2()], vec![g1()])
    );
    assert_eq!(old.difference(&old), Difference::default());
    assert!(old.without(|member| *member == g1()).is_empty());
    assert!(new.contains(g2().fingerprint()) && !new.contains(g1().fingerprint()));
}

#[test]
fn expired_members_are_found() {
    let ended = Forge::root("g0", "p256-c")
        .with(|f| f.not_after = now() - days(1))
        .certificate();
    let bundle = TrustBundle::new([ended.clone(), g1()]);
    assert_eq!(bundle.expired_at(now()).collect::<Vec<_>>(), [&ended]);
}

/// The cases of `tcld`'s own test of its parser (`app/ca_test.go`, `TestCABundleParser`), in our words.
#[test]
fn texts_are_read_as_tcld_reads_them() {
    let (one, two) = (g1().to_pem(), g2().to_pem());
    let read = |text: &str| TrustBundle::from_pem(text).map(|bundle| bundle.to_pem());
    assert_eq!(read(""), Ok(String::new()));
    assert_eq!(read(&one), Ok(one.clone()));
    assert_eq!(read(&format!("{one}{two}")), Ok(format!("{one}{two}")));
    assert_eq!(
        read(&format!("{one}{two}\n \n\t")),
        Ok(format!("{one}{two}"))
    );
    let cut: String = one.chars().take(one.len() - 40).collect();
    assert!(read(&cut).is_err(), "truncated");
    let holed: String = one
        .chars()
        .enumerate()
        .filter(|(i, _)| !(200..205).contains(i))
        .map(|(_, c)| c)
        .collect();
    assert!(read(&holed).is_err(), "five characters are missing");
    let mut lines: Vec<_> = one.lines().collect();
    lines.remove(3);
    assert!(
        matches!(
            read(&lines.join("\n")),
            Err(CertificatesError::Certificate {
                line: 1,
                source: CertificateError::NotACertificate { .. }
            }),
        ),
        "a line is missing",
    );
    assert!(
        read(&format!("{one} {two}")).is_err(),
        "a space before the second BEGIN"
    );
    assert!(read("not PEM at all").is_err());
}

#[test]
fn what_is_not_a_certificate_is_named_by_its_label() {
    let text = format!("{}{}", g1().to_pem(), pem::encode("X509 CRL", b"0"));
    let error = TrustBundle::from_pem(&text).unwrap_err();
    assert!(!error.found_private_key());
    let line = 1 + g1().to_pem().lines().count();
    assert_eq!(
        error.to_string(),
        format!("line {line}: expected a `CERTIFICATE` block, found `X509 CRL`"),
    );
}
