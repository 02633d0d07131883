//! Whole updates in no time: the instant is an argument.

use jiff::SignedDuration;
use newleaf_x509::issue::{self, CaTemplate, Subject, Validity};
use temporalio_protos::protos::temporal::api::cloud::{
    namespace::v1::MtlsAuthSpec, operation::v1::async_operation,
};
use tonic::Code;

use super::*;
use newleaf_identity::generate::{self, KeyKind};

const NAME: &str = "payments.a2dd6";
const START: Timestamp = Timestamp::UNIX_EPOCH;

fn ca(common_name: &str, not_after: Timestamp) -> String {
    let template = CaTemplate {
        subject: Subject::new(common_name, None, None).unwrap(),
        serial: generate::serial().unwrap(),
        validity: Validity {
            not_before: START,
            not_after,
        },
    };
    issue::ca(&template, &generate::key(KeyKind::EcdsaP256).unwrap())
        .unwrap()
        .to_pem()
}

fn spec(bundle: &str) -> NamespaceSpec {
    NamespaceSpec {
        name: "payments".to_owned(),
        mtls_auth: Some(MtlsAuthSpec {
            accepted_client_ca: bundle.as_bytes().to_vec(),
            enabled: true,
            ..MtlsAuthSpec::default()
        }),
        ..NamespaceSpec::default()
    }
}

/// An account with one namespace, whose operations take 10 s.
fn account(quirks: Quirks, limits: Limits, bundle: &str) -> Account {
    let timing = Timing {
        operation: Duration::from_secs(10),
        ..Timing::USUAL
    };
    let mut account = Account::new(timing, quirks, limits);
    account.insert(NAME, spec(bundle), "127.0.0.1:1".to_owned(), START);
    account
}

fn likeliest(bundle: &str) -> Account {
    account(Quirks::LIKELIEST, Limits::DOCUMENTED, bundle)
}

fn request(version: &str, bundle: &str, id: &str) -> UpdateNamespaceRequest {
    UpdateNamespaceRequest {
        namespace: NAME.to_owned(),
        spec: Some(spec(bundle)),
        resource_version: version.to_owned(),
        async_operation_id: id.to_owned(),
    }
}

fn at(seconds: i64) -> Timestamp {
    START + SignedDuration::from_secs(seconds)
}

fn far() -> Timestamp {
    at(1_000_000)
}

fn bundle_of(namespace: &Namespace) -> String {
    let mtls = namespace.spec.as_ref().unwrap().mtls_auth.as_ref().unwrap();
    String::from_utf8(mtls.accepted_client_ca.clone()).unwrap()
}

#[test]
fn an_operation_is_pending_then_in_progress_then_fulfilled() {
    use async_operation::State::{Fulfilled, InProgress, Pending};
    let (g1, g2) = (ca("g1", far()), ca("g2", far()));
    let mut account = likeliest(&g1);
    let accepted = account
        .update(request("version-1", &g2, "id"), || None, START)
        .unwrap();
    assert_eq!(accepted.rollout.unwrap().after, Duration::from_secs(15));
    for (seconds, state) in [
        (0, Pending),
        (1, Pending),
        (2, InProgress),
        (9, InProgress),
        (10, Fulfilled),
    ] {
        let operation = account.operation("id", at(seconds)).unwrap();
        assert_eq!(operation.state(), state, "after {seconds} s");
        assert_eq!(operation.finished_time.is_some(), state == Fulfilled);
    }
    let namespace = account.namespace(NAME, at(10)).unwrap();
    assert_eq!(namespace.resource_version, "version-2");
    assert_eq!(bundle_of(&namespace), g2);
}

#[test]
fn a_pending_specification_is_shown_as_the_quirk_says_and_taken_back_if_it_fails() {
    let (g1, g2) = (ca("g1", far()), ca("g2", far()));
    for (pending_spec, during, version_during, version_after) in [
        (PendingSpec::Old, &g1, "version-1", "version-1"),
        (PendingSpec::New, &g2, "version-2", "version-3"),
    ] {
        let quirks = Quirks {
            pending_spec,
            ..Quirks::LIKELIEST
        };
        let mut account = account(quirks, Limits::DOCUMENTED, &g1);
        let accepted = account.update(
            request("version-1", &g2, "id"),
            || Some(BadEnding::Failed),
            START,
        );
        assert!(
            accepted.unwrap().rollout.is_none(),
            "nothing reaches the data plane"
        );
        let namespace = account.namespace(NAME, at(5)).unwrap();
        assert_eq!(namespace.state(), ResourceState::Updating);
        assert_eq!(bundle_of(&namespace), *during);
        assert_eq!(namespace.resource_version, version_during);
        let namespace = account.namespace(NAME, at(10)).unwrap();
        assert_eq!(namespace.state(), ResourceState::UpdateFailed);
        assert_eq!(bundle_of(&namespace), g1);
        assert_eq!(namespace.resource_version, version_after);
    }
}

#[test]
fn a_repeated_id_is_the_same_operation_only_for_the_same_request() {
    let (g1, g2, g3) = (ca("g1", far()), ca("g2", far()), ca("g3", far()));
    let mut account = likeliest(&g1);
    let first = request("version-1", &g2, "id");
    account.update(first.clone(), || None, START).unwrap();
    let again = account.update(first, || None, at(60)).unwrap();
    assert_eq!(again.operation.state(), async_operation::State::Fulfilled);
    assert!(again.rollout.is_none());
    let other = account.update(request("version-2", &g3, "id"), || None, at(60));
    assert_eq!(other.unwrap_err().code(), Code::AlreadyExists);
}

#[test]
fn a_refused_update_does_not_use_up_an_ordered_fault() {
    let g1 = ca("g1", far());
    let mut account = likeliest(&g1);
    let never = || panic!("a refused update has no ending");
    let refused = account.update(request("version-1", &g1, "id"), never, START);
    assert_eq!(refused.unwrap_err().message(), "nothing to change");
}

#[test]
fn operations_of_one_account_are_limited() {
    let (g1, g2) = (ca("g1", far()), ca("g2", far()));
    let limits = Limits {
        concurrent_operations: 1,
        ..Limits::DOCUMENTED
    };
    let mut account = account(Quirks::LIKELIEST, limits, &g1);
    account.insert("billing.a2dd6", spec(&g1), String::new(), START);
    let mut other = request("version-1", &g2, "other");
    other.namespace = "billing.a2dd6".to_owned();
    account
        .update(request("version-1", &g2, "id"), || None, START)
        .unwrap();
    let refused = account.update(other.clone(), || None, at(9));
    assert_eq!(refused.unwrap_err().code(), Code::ResourceExhausted);
    account.update(other, || None, at(10)).unwrap();
}

#[test]
fn an_expired_member_that_stays_blocks_as_the_quirk_says() {
    let (g1, old) = (ca("g1", far()), ca("g0", at(100)));
    let both = old.clone() + &g1;
    for (expired_unchanged, is_accepted) in [
        (ExpiredUnchanged::Refused, false),
        (ExpiredUnchanged::Allowed, true),
    ] {
        let quirks = Quirks {
            expired_unchanged,
            ..Quirks::LIKELIEST
        };
        let mut account = account(quirks, Limits::DOCUMENTED, &both);
        let changed = request("version-1", &(both.clone() + &ca("g2", far())), "");
        let refused = account.update(changed, || None, at(200)).unwrap_err();
        assert!(refused.message().contains("'CN=g0' received is expired"));
        let mut unrelated = request("version-1", &both, "");
        unrelated.spec.as_mut().unwrap().retention_days = 7;
        let update = account.update(unrelated, || None, at(200));
        assert_eq!(update.is_ok(), is_accepted, "{expired_unchanged}");
    }
}

#[test]
fn operations_without_an_id_are_given_one() {
    let (g1, g2) = (ca("g1", far()), ca("g2", far()));
    let mut account = likeliest(&g1);
    let first = account.update(request("version-1", &g2, ""), || None, START);
    let second = account.update(request("version-2", &g1, ""), || None, at(10));
    let (first, second) = (first.unwrap().operation.id, second.unwrap().operation.id);
    assert_ne!(first, second);
    assert_eq!(account.operation(&first, at(20)).unwrap().id, first);
    let unknown = account.operation("nobody's", at(20)).unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}
