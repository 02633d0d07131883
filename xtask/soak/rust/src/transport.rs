//! The connection whose identity is replaced while calls run: the SDK's own way to be given a service, and newleaf-identity's
//! channel below it.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use newleaf_identity::{
    Reloader, Source,
    channel::{Followed, Swappable, Target},
    publish::{Snapshot, Subscriber},
    tls,
};
use newleaf_x509::{Certificate, TrustBundle};
use temporalio_client::{
    callback_based::{CallbackBasedGrpcService, GrpcSuccessResponse},
    tonic::{Status, codegen::http::HeaderMap, transport::Channel},
};
use temporalio_common::envconfig::{ClientConfigProfile, DataSource};

/// Follows the identity of a directory for as long as the program runs, and returns what the SDK is to call through.
pub(crate) async fn following(
    directory: PathBuf,
    profile: &ClientConfigProfile,
) -> anyhow::Result<CallbackBasedGrpcService> {
    let target = Arc::new(target(profile)?);
    let (reloader, mut identities) = Reloader::start(Source::Directory(directory), Timestamp::now)?;
    tokio::spawn(reloader.run(|reload| tracing::debug!(?reload)));
    let first = first(&mut identities).await?;
    let using = first.generation;
    let channel = Swappable::new(proved(Arc::clone(&target), first).await?);
    let service = service(channel.clone());
    tokio::spawn(async move {
        let connect = |snapshot| proved(Arc::clone(&target), snapshot);
        channel.follow(identities, using, connect, tell).await;
    });
    Ok(service)
}

/// The server that Temporal's own variables name.
fn target(profile: &ClientConfigProfile) -> anyhow::Result<Target> {
    let address = profile.address.as_deref().context("no address is set")?;
    let tls = profile.tls.as_ref().context("no TLS is set")?;
    let Some(DataSource::Path(ca)) = &tls.server_ca_cert else {
        bail!("no file with the server's CA is set");
    };
    let cas = Certificate::all_from_pem(&std::fs::read_to_string(ca)?)?;
    let roots = tls::bundle_roots(&TrustBundle::new(cas))?;
    Ok(Target::new(address, tls.server_name.as_deref(), roots)?)
}

async fn first(identities: &mut Subscriber) -> anyhow::Result<Arc<Snapshot>> {
    match identities.current() {
        Some(first) => Ok(first),
        None => identities.changed().await.context("there is no identity"),
    }
}

/// Connects under an identity, and makes one call: a server's refusal comes after the handshake.
async fn proved(target: Arc<Target>, snapshot: Arc<Snapshot>) -> anyhow::Result<Channel> {
    let channel = target.connect(&snapshot.identity).await?;
    let (service, rpc) = (
        "temporal.api.workflowservice.v1.WorkflowService",
        "GetSystemInfo",
    );
    let trial = Swappable::new(channel.clone());
    trial
        .unary(service, rpc, HeaderMap::new(), Vec::<u8>::new().into())
        .await?;
    Ok(channel)
}

fn tell(followed: Followed<anyhow::Error>) {
    match followed {
        Followed::Adopted(snapshot) => {
            tracing::info!(generation = snapshot.generation, "adopted");
        }
        Followed::Refused(snapshot, error) => {
            tracing::warn!(generation = snapshot.generation, "refused: {error:#}");
        }
        Followed::Silent(snapshot) => {
            tracing::warn!(generation = snapshot.generation, "not proved in time");
        }
    }
}

fn service(channel: Swappable) -> CallbackBasedGrpcService {
    CallbackBasedGrpcService {
        callback: Arc::new(move |call| {
            let channel = channel.clone();
            Box::pin(async move {
                let reply = channel
                    .unary(&call.service, &call.rpc, call.headers, call.proto)
                    .await;
                let (headers, proto) = reply?;
                let proto = proto.into();
                Ok::<_, Status>(GrpcSuccessResponse { headers, proto })
            })
        }),
    }
}
