//! Tests of what no sandbox would send; the conversation itself is tried in `tests/it/temporal_cloud.rs`.

use newleaf_identity::generate::{self, KeyKind};
use newleaf_rotation::Again;
use temporalio_protos::protos::temporal::api::cloud::namespace::v1::NamespaceSpec;
use zeroize::Zeroizing;

use super::*;
use crate::trouble::chain;

fn namespace() -> CloudNamespace {
    let options = CloudOptions {
        namespace: "payments.a2dd6".to_owned(),
        address: "https://localhost:1".to_owned(),
        api_key: ApiKey::new(&Zeroizing::new("key".to_owned())),
        server_ca: None,
    };
    CloudNamespace::new(&options).unwrap()
}

/// An update is made of the bundle that was read, and a bundle with a key in it is never read: so nothing is sent.
#[tokio::test]
async fn a_private_key_in_the_bundle_is_refused_and_never_quoted() {
    let key = generate::key(KeyKind::EcdsaP256).unwrap().to_pem();
    let mtls = MtlsAuthSpec {
        accepted_client_ca: key.as_bytes().to_vec(),
        ..MtlsAuthSpec::default()
    };
    let error = namespace().bundle(&mtls).unwrap_err();
    let CloudError::TrustBundle { source, .. } = &error else {
        panic!("{error}")
    };
    assert!(source.found_private_key());
    assert_eq!(error.again(), Again::Never);
    let said = format!("{} {error:?}", chain(&error));
    let mut secret = key.lines().filter(|line| !line.starts_with("-----"));
    assert!(secret.all(|line| !said.contains(line)), "{said}");
}

#[tokio::test]
async fn a_bundle_that_is_not_text_is_refused() {
    let mtls = MtlsAuthSpec {
        accepted_client_ca: vec![0xff, 0xfe],
        ..MtlsAuthSpec::default()
    };
    assert!(matches!(
        namespace().bundle(&mtls),
        Err(CloudError::NotText { .. })
    ));
}

#[tokio::test]
async fn a_namespace_without_mtls_is_not_changed() {
    let read = Namespace {
        spec: Some(NamespaceSpec::default()),
        ..Namespace::default()
    };
    let error = namespace().mtls(&read).unwrap_err();
    assert!(matches!(error, CloudError::MtlsDisabled { .. }));
}

#[test]
fn the_recommended_rest_is_kept_within_bounds() {
    let recommending = |seconds: i64, nanos: i32| {
        let mut operation = AsyncOperation::default();
        let recommended = operation.check_duration.get_or_insert_default();
        recommended.seconds = seconds;
        recommended.nanos = nanos;
        check(&operation)
    };
    assert_eq!(check(&AsyncOperation::default()), CHECK);
    assert_eq!(recommending(0, 50_000_000), SignedDuration::from_millis(50));
    assert_eq!(recommending(3_600, 0), CHECK_BOUNDS.1);
    assert_eq!(recommending(i64::MIN, i32::MIN), CHECK_BOUNDS.0);
}

#[test]
fn a_date_is_read_from_the_answers_headers() {
    let mut headers = MetadataMap::new();
    assert_eq!(date(&headers), None);
    headers.insert(
        "date",
        MetadataValue::from_static("Sun, 22 Nov 2026 06:43:46 GMT"),
    );
    assert_eq!(
        date(&headers),
        Some("2026-11-22T06:43:46Z".parse().unwrap())
    );
}
