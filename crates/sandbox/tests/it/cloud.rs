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
    let play = Play::new(options(&[&g1])).await;
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
