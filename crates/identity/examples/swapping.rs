//! A gRPC client whose identity changes between two calls: asks Temporal about itself each time a line is read from standard
//! input. A client that `tonic` generated would be given the same channel.
//!
//! `cargo run -p newleaf-identity --features tonic --example swapping -- HOST:PORT IDENTITY-DIRECTORY SERVER-CA.pem`
#![expect(clippy::print_stdout, reason = "an example speaks")]

use std::{env, error::Error, sync::Arc};

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use newleaf_identity::{
    Reloader, Source,
    channel::{Swappable, Target},
    publish::Snapshot,
    tls,
};
use newleaf_x509::TrustBundle;
use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};
use tonic::transport::Channel;

type Failure = Box<dyn Error + Send + Sync>;

const SERVICE: &str = "temporal.api.workflowservice.v1.WorkflowService";

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::disallowed_methods, reason = "a program reads the clock")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [address, directory, server_ca] = arguments.as_slice() else {
        return Err("expected HOST:PORT IDENTITY-DIRECTORY SERVER-CA.pem".into());
    };
    let roots = tls::bundle_roots(&TrustBundle::from_pem(&fs_err::read_to_string(server_ca)?)?)?;
    let target = Arc::new(Target::new(address, None, roots)?);

    let source = Source::Directory(directory.into());
    let (reloader, identities) = Reloader::start(source, Timestamp::now)?;
    tokio::spawn(reloader.run(|reload| println!("{reload:?}")));
    let first = identities.current().ok_or("there is no identity")?;
    let channel = Swappable::new(proved(Arc::clone(&target), Arc::clone(&first)).await?);

    // New identities are used once the server has answered a call under them, and not before.
    let following = channel.clone();
    tokio::spawn(async move {
        let connect = |snapshot| proved(Arc::clone(&target), snapshot);
        let tell = |followed| println!("{followed:?}");
        following
            .follow(identities, first.generation, connect, tell)
            .await;
    });

    let mut lines = BufReader::new(stdin()).lines();
    while lines.next_line().await?.is_some() {
        let (_headers, reply) = ask(&channel).await?;
        println!("answered with {} bytes", reply.len());
    }
    Ok(())
}

/// Connects under an identity, and makes sure that the server takes calls under it: with TLS 1.3, a handshake says nothing.
async fn proved(target: Arc<Target>, snapshot: Arc<Snapshot>) -> Result<Channel, Failure> {
    let channel = target.connect(&snapshot.identity).await?;
    ask(&Swappable::new(channel.clone())).await?;
    Ok(channel)
}

/// An empty message is a whole `GetSystemInfoRequest`.
async fn ask(channel: &Swappable) -> Result<(HeaderMap, Bytes), tonic::Status> {
    let headers = HeaderMap::new();
    channel
        .unary(SERVICE, "GetSystemInfo", headers, Bytes::new())
        .await
}
