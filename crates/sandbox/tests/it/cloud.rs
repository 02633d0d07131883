//! The Cloud Ops API on the wire.

use std::time::Duration;

use newleaf_sandbox::{
    BadEnding,
    quirks::{RepeatedId, StaleVersion},
};
use temporalio_protos::protos::temporal::api::cloud::{
    cloudservice::v1::{
        GetAccountRequest, GetCurrentIdentityRequest, GetNamespaceRequest, GetNamespacesRequest,
        GetRegionsRequest, GetUsersRequest, get_current_identity_response::Principal,
    },
    operation::v1::async_operation::State,
    resource::v1::ResourceState,
};
use tonic::Code;

use crate::{
    pki::{Ca, now},
    play::{
        API_KEY, NAMESPACE, Play, ended, namespace, operation, options, replacing_bundle, update,
    },
};

#[tokio::test]
async fn an_update_is_fulfilled_and_shown() {
    let (g1, g2) = (Ca::new("payments g1"), Ca::new("payments g2"));
    let mut options = options(&[&g1]);
    options.timing.operation = Duration::from_secs(3);
    let play = Play::new(options).await;
    let cloud = play.cloud().await;
    let before = namespace(&cloud).await;
    assert_eq!(before.namespace, NAMESPACE);
    assert_eq!(before.state(), ResourceState::Active);
    assert_eq!(
        before.endpoints.unwrap().mtls_grpc_address,
        play.endpoint().to_string()
    );

    let both = g1.pem() + &g2.pem();
    let request = replacing_bundle(&cloud, &both, "rotation-1").await;
    let accepted = update(&cloud, request.clone()).await.unwrap();
    assert_eq!(accepted.id, "rotation-1");
    assert_eq!(accepted.operation_type, "UpdateNamespace");
    assert_eq!(accepted.check_duration.unwrap().nanos, 10_000_000);
    let during = namespace(&cloud).await;
    assert_eq!(during.state(), ResourceState::Updating);
    assert_eq!(during.async_operation_id, "rotation-1");

    let fulfilled = ended(&cloud, "rotation-1").await;
    assert_eq!(fulfilled.state(), State::Fulfilled);
    assert!(fulfilled.finished_time.is_some());
    let after = namespace(&cloud).await;
    assert_eq!(after.state(), ResourceState::Active);
    assert_ne!(after.resource_version, before.resource_version);
    let mtls = after.spec.unwrap().mtls_auth.unwrap();
    assert_eq!(String::from_utf8(mtls.accepted_client_ca).unwrap(), both);
}

#[tokio::test]
async fn a_stale_version_is_refused_in_each_plausible_way() {
    let (g1, g2) = (Ca::new("payments g1"), Ca::new("payments g2"));
    for (quirk, code) in [
        (StaleVersion::FailedPrecondition, Code::FailedPrecondition),
        (StaleVersion::Aborted, Code::Aborted),
        (StaleVersion::InvalidArgument, Code::InvalidArgument),
    ] {
        let mut options = options(&[&g1]);
        options.quirks.stale_version = quirk;
        let play = Play::new(options).await;
        let cloud = play.cloud().await;
        let stale = replacing_bundle(&cloud, &g2.pem(), "second").await;
        let first = replacing_bundle(&cloud, &(g1.pem() + &g2.pem()), "first").await;
        update(&cloud, first).await.unwrap();
        ended(&cloud, "first").await;
        let refused = update(&cloud, stale).await.unwrap_err();
        assert_eq!(refused.code(), code);
        assert!(refused.message().contains("resource version"));
    }
}

#[tokio::test]
async fn white_space_is_nothing_to_change() {
    let g1 = Ca::new("payments g1");
    let play = Play::new(options(&[&g1])).await;
    let cloud = play.cloud().await;
    let spaced = format!("\n{}\n\n", g1.pem());
    let request = replacing_bundle(&cloud, &spaced, "").await;
    let refused = update(&cloud, request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("nothing to change"));
}

#[tokio::test]
async fn a_bundle_with_expired_members_is_refused_in_the_known_words() {
    let (g1, old, older) = (
        Ca::new("payments g1"),
        Ca::expired("payments g0"),
        Ca::expired("payments first"),
    );
    let play = Play::new(options(&[&g1])).await;
    let cloud = play.cloud().await;
    let pem = g1.pem() + &old.pem() + &older.pem();
    let request = replacing_bundle(&cloud, &pem, "").await;
    let refused = update(&cloud, request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let text = refused.message();
    assert!(
        text.starts_with(
            "invalid ca certificate: 4 errors occurred:\n\t* certificate with subject"
        )
    );
    assert!(text.contains("'CN=payments g0,O=acme' received is expired as of '20"));
    assert!(text.contains("unable to construct full certificate chain for cert with subject"));
    assert!(text.contains("x509: certificate has expired or is not yet valid: current time"));
}

#[tokio::test]
async fn a_private_key_is_refused_and_not_repeated() {
    let g1 = Ca::new("payments g1");
    let leaf = g1.leaf("worker-1");
    let play = Play::new(options(&[&g1])).await;
    let cloud = play.cloud().await;
    let key = leaf.key.to_pem();
    let request = replacing_bundle(&cloud, &(g1.pem() + &key), "").await;
    let refused = update(&cloud, request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("found a private key"));
    let body = key.lines().nth(1).unwrap();
    assert!(!refused.message().contains(body));
}

#[tokio::test]
async fn callers_without_key_or_version_are_not_let_in() {
    let mut options = options(&[&Ca::new("payments g1")]);
    let mut expired = options.api_keys[0].clone();
    expired.secret = "expired-key".to_owned();
    expired.expires_at = now();
    options.api_keys.push(expired);
    let play = Play::new(options).await;
    let code = async |authorization: Option<&str>, version: Option<&str>| {
        let mut wire = play.bare_cloud().await;
        if let Some(value) = authorization {
            wire = wire.with("authorization", value);
        }
        if let Some(value) = version {
            wire = wire.with("temporal-cloud-api-version", value);
        }
        let request = GetCurrentIdentityRequest::default();
        let refused = wire.cloud().get_current_identity(request).await;
        refused.unwrap_err().code()
    };
    let (right, version) = (format!("Bearer {API_KEY}"), Some("v0.17.0"));
    assert_eq!(code(None, version).await, Code::Unauthenticated);
    assert_eq!(
        code(Some("Bearer wrong"), version).await,
        Code::Unauthenticated
    );
    assert_eq!(code(Some(API_KEY), version).await, Code::Unauthenticated);
    assert_eq!(
        code(Some("Bearer expired-key"), version).await,
        Code::Unauthenticated
    );
    assert_eq!(code(Some(&right), None).await, Code::InvalidArgument);
    assert_eq!(
        code(Some(&right), Some("latest")).await,
        Code::InvalidArgument
    );
}

#[tokio::test]
async fn a_failed_or_rejected_operation_changes_nothing() {
    let (g1, g2) = (Ca::new("payments g1"), Ca::new("payments g2"));
    let play = Play::new(options(&[&g1])).await;
    let cloud = play.cloud().await;
    for (ending, state, shown) in [
        (
            BadEnding::Failed,
            State::Failed,
            ResourceState::UpdateFailed,
        ),
        (BadEnding::Rejected, State::Rejected, ResourceState::Active),
    ] {
        play.sandbox.faults().end_next_operation(ending);
        let id = format!("{ending:?}");
        let before = namespace(&cloud).await;
        let request = replacing_bundle(&cloud, &(g1.pem() + &g2.pem()), &id).await;
        let accepted = update(&cloud, request).await.unwrap();
        assert!(matches!(
            accepted.state(),
            State::Pending | State::InProgress
        ));
        let over = ended(&cloud, &id).await;
        assert_eq!(over.state(), state);
        assert!(!over.failure_reason.is_empty());
        let after = namespace(&cloud).await;
        assert_eq!(after.state(), shown);
        assert_eq!(after.spec, before.spec);
    }
}

#[tokio::test]
async fn a_lost_reply_is_found_again_by_its_operation_id() {
    let (g1, g2) = (Ca::new("payments g1"), Ca::new("payments g2"));
    for quirk in RepeatedId::ALL {
        let mut options = options(&[&g1]);
        options.quirks.repeated_id = *quirk;
        let play = Play::new(options).await;
        let cloud = play.cloud().await;
        let request = replacing_bundle(&cloud, &(g1.pem() + &g2.pem()), "derived-id").await;
        play.sandbox.faults().lose_next_reply();
        update(&cloud, request.clone()).await.unwrap_err();
        assert!(cloud.is_closed());

        let cloud = play.cloud().await;
        match quirk {
            RepeatedId::SameOperation => {
                let same = update(&cloud, request).await.unwrap();
                assert_eq!(same.id, "derived-id");
            }
            RepeatedId::AlreadyExists => {
                let refused = update(&cloud, request).await.unwrap_err();
                assert_eq!(refused.code(), Code::AlreadyExists);
            }
        }
        assert_eq!(operation(&cloud, "derived-id").await.id, "derived-id");
        assert_eq!(ended(&cloud, "derived-id").await.state(), State::Fulfilled);
    }
}

#[tokio::test]
async fn a_second_update_must_wait_for_the_first() {
    let (g1, g2) = (Ca::new("payments g1"), Ca::new("payments g2"));
    let mut options = options(&[&g1]);
    options.timing.operation = Duration::from_mins(1);
    let play = Play::new(options).await;
    let cloud = play.cloud().await;
    let first = replacing_bundle(&cloud, &(g1.pem() + &g2.pem()), "first").await;
    let second = replacing_bundle(&cloud, &g2.pem(), "second").await;
    update(&cloud, first).await.unwrap();
    let refused = update(&cloud, second).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("in progress"));
}

#[tokio::test]
async fn too_many_requests_a_second_are_refused() {
    let mut options = options(&[&Ca::new("payments g1")]);
    options.limits.user_rps = 5;
    let play = Play::new(options).await;
    let cloud = play.cloud().await;
    let mut n_refused = 0;
    // 20 calls in less than 4 seconds cannot all fit.
    for _ in 0..20 {
        let request = GetCurrentIdentityRequest::default();
        if let Err(refused) = cloud.cloud().get_current_identity(request).await {
            assert_eq!(refused.code(), Code::ResourceExhausted);
            n_refused += 1;
        }
    }
    assert!(n_refused > 0);
}

#[tokio::test]
async fn ordered_outages_and_delays_come() {
    let play = Play::new(options(&[&Ca::new("payments g1")])).await;
    let cloud = play.cloud().await;
    let request = || GetCurrentIdentityRequest::default();
    play.sandbox.faults().be_unavailable(2);
    for _ in 0..2 {
        let refused = cloud.cloud().get_current_identity(request()).await;
        assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
    }
    let delay = Duration::from_millis(150);
    play.sandbox.faults().delay_calls(delay);
    let asked_at = tokio::time::Instant::now();
    let answer = cloud.cloud().get_current_identity(request()).await.unwrap();
    assert!(asked_at.elapsed() >= delay);
    let identity = answer.into_inner();
    assert!(matches!(identity.principal, Some(Principal::User(_))));
    let key = identity.principal_api_key.unwrap().spec.unwrap();
    assert!(key.expiry_time.unwrap().seconds > now().as_second());
}

#[tokio::test]
async fn namespaces_are_listed_page_by_page() {
    let g1 = Ca::new("payments g1");
    let mut options = options(&[&g1]);
    for name in ["billing.a2dd6", "ledger.a2dd6"] {
        let mut other = options.namespaces[0].clone();
        other.name = name.to_owned();
        options.namespaces.push(other);
    }
    let play = Play::new(options).await;
    let cloud = play.cloud().await;
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = GetNamespacesRequest {
            page_size: 2,
            page_token,
            ..GetNamespacesRequest::default()
        };
        let page = cloud
            .cloud()
            .get_namespaces(request)
            .await
            .unwrap()
            .into_inner();
        names.extend(page.namespaces.into_iter().map(|n| n.namespace));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["billing.a2dd6", "ledger.a2dd6", NAMESPACE]);
}

#[tokio::test]
async fn the_rest_of_the_api_answers_truthfully() {
    let play = Play::new(options(&[&Ca::new("payments g1")])).await;
    let cloud = play.cloud().await;
    let missing = GetNamespaceRequest {
        namespace: "nobody.a2dd6".to_owned(),
    };
    let missing = cloud.cloud().get_namespace(missing).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    let users = cloud.cloud().get_users(GetUsersRequest::default()).await;
    assert_eq!(users.unwrap_err().code(), Code::Unimplemented);
    let account = cloud
        .cloud()
        .get_account(GetAccountRequest::default())
        .await;
    assert!(account.unwrap().into_inner().account.is_some());
    let regions = cloud
        .cloud()
        .get_regions(GetRegionsRequest::default())
        .await;
    assert_eq!(regions.unwrap().into_inner().regions.len(), 1);
}
