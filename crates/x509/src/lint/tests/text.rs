//! PEM texts: what is lost, hidden or not a certificate.

use super::*;

fn root() -> Certificate {
    Forge::root("g1", "p256-a").certificate()
}

pub(super) fn cases() -> Vec<Case> {
    let pem = root().to_pem();
    let other = Forge::root("g2", "p256-b").certificate().to_pem();
    let both = format!("{pem}{other}");
    let key = forge::key("p256-a").to_pem();
    let lint = |text: &str| pem_text(text, &CLOUD);
    let not_der = pem::encode("CERTIFICATE", b"nothing of the kind");
    let request = pem::encode("CERTIFICATE REQUEST", b"0");
    vec![
        case("two certificates", lint(&both), &[]),
        case(
            "blank lines",
            lint(&format!("\n{pem}\n\n{other}\n \t\n")),
            &[],
        ),
        case("nothing", lint(""), &["NL002"]),
        case("only words", lint("hello"), &["NL002"]),
        case(
            "cut off",
            lint(pem.trim_end().trim_end_matches("-----END CERTIFICATE-----")),
            &["NL001"],
        ),
        case("not base64", lint(&pem.replacen('M', "!", 3)), &["NL001"]),
        case("indented", lint(&format!("{pem} {other}")), &["NL001"]),
        case(
            "byte order mark",
            lint(&format!("\u{feff}{pem}")),
            &["NL001"],
        ),
        case(
            "an end alone",
            lint(&format!("-----END CERTIFICATE-----\n{pem}")),
            &["NL001"],
        ),
        case("a key", lint(&format!("{pem}{}", *key)), &["NL003"]),
        case(
            "a key in a broken text",
            lint(&format!("{}{pem}-----BEGIN X-----", *key)),
            &["NL001", "NL003"],
        ),
        case("a request", lint(&format!("{pem}{request}")), &["NL004"]),
        case("not DER", lint(&format!("{pem}{not_der}")), &["NL005"]),
        case(
            "words around",
            lint(&format!("subject=acme\n{pem}bye\n")),
            &["NL006"],
        ),
        case("Windows", lint(&pem.replace('\n', "\r\n")), &["NL007"]),
        case("twice", lint(&format!("{both}{pem}")), &["NL008"]),
    ]
}

#[test]
fn texts() {
    check(cases());
}

#[test]
fn a_private_key_in_a_bundle_is_refused_and_never_quoted() {
    let key = forge::key("p256-a").to_pem();
    let text = format!("{}{}", root().to_pem(), *key);
    let error = TrustBundle::from_pem(&text).unwrap_err();
    assert!(error.found_private_key());
    let mut said = vec![format!("{error} {error:?}")];
    for broken in [
        text.clone(),
        text.replace("-----END PRIVATE", "-----END PRIVATE "),
    ] {
        for finding in pem_text(&broken, &CLOUD) {
            said.push(format!("{finding} {finding:?}"));
        }
    }
    let said = said.join("\n");
    assert!(said.contains("PrivateKeyInText"));
    for line in key.lines().filter(|line| !line.starts_with("-----")) {
        assert!(!said.contains(line), "a line of the key was quoted");
    }
}

#[test]
fn malformed_pem_is_named_by_its_line() {
    let pem = root().to_pem();
    let said: Vec<_> = pem_text(
        &format!("{pem}{pem}-----BEGIN CERTIFICATE-----\nAAAA\n"),
        &CLOUD,
    )
    .iter()
    .map(ToString::to_string)
    .collect();
    let line = 1 + 2 * pem.lines().count();
    assert_eq!(
        said,
        [format!(
            "error[NL001] the text: line {line}: expected `-----END CERTIFICATE-----` before the text ends, found none"
        )]
    );
}
