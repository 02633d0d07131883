//! A worker and its caller, as anybody would write them with the Rust SDK.
//!
//! The environment says where Temporal is, the first argument names the task queue. Orders are placed at a steady rate until
//! stdin is closed; then those in hand are waited for. Two lines of JSON tell what happened: one when the first order is
//! complete, one at the end.
//!
//! Where `NEWLEAF_IDENTITY` names a directory, the SDK calls through a channel of `newleaf-identity`, which follows the identity
//! in it. Else nothing here knows of certificates but the SDK.

mod caller;
mod counts;
mod order;
mod transport;

use std::{env, net::Ipv4Addr, thread};

use anyhow::Context as _;
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, Url};
use temporalio_common::{
    envconfig::{LoadClientConfigProfileOptions, load_client_config_profile},
    telemetry::{
        PrometheusExporterOptions, TelemetryOptions, start_prometheus_metric_exporter,
        telemetry_init,
    },
};
use temporalio_sdk::{Runtime, Worker, WorkerOptions, runtime::RuntimeOptions};
use tokio::runtime::Handle;

use crate::{
    caller::Caller,
    order::{Order, Warehouse},
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_max_level(tracing::Level::WARN)
        .init();
    let task_queue = env::args().nth(1).context("expected a task queue")?;
    let exporter = PrometheusExporterOptions::builder()
        .socket_addr((Ipv4Addr::LOCALHOST, 0).into())
        .build();
    let exporter = start_prometheus_metric_exporter(exporter)?;
    let telemetry = TelemetryOptions::builder()
        .metrics(
            exporter.meter as std::sync::Arc<dyn temporalio_common::telemetry::metrics::CoreMeter>,
        )
        .build();
    let mut connection = connection_options().await?;
    connection.metrics_meter = telemetry_init(telemetry.clone())?.get_temporal_metric_meter();
    let options = RuntimeOptions::builder().telemetry_options(telemetry);
    let runtime = Runtime::from_current_tokio(options.build().map_err(anyhow::Error::msg)?)?;
    let namespace = env::var("TEMPORAL_NAMESPACE")?;
    let client = Client::new(
        Connection::connect(connection).await?,
        ClientOptions::new(namespace).build(),
    )?;
    let options = WorkerOptions::new(task_queue.clone())
        .register_activities(Warehouse)
        .register_workflow::<Order>()?
        .build();
    let mut worker = Worker::new(&runtime, client.clone(), options)?;
    let stop = worker.shutdown_handle();
    let here = Handle::current();
    // A worker's future stays on one thread.
    let working = thread::spawn(move || here.block_on(worker.run()));
    let caller = Caller::new(client, task_queue, exporter.bound_addr);
    caller.work(stop).await?;
    tokio::task::spawn_blocking(move || working.join())
        .await?
        .map_err(|_panic| anyhow::anyhow!("the worker panicked"))??;
    Ok(())
}

/// Where Temporal's own variables say, through our channel if there is to be one.
async fn connection_options() -> anyhow::Result<ConnectionOptions> {
    let load = LoadClientConfigProfileOptions::default;
    let Some(identity) = env::var_os("NEWLEAF_IDENTITY") else {
        let (options, _client) =
            ClientOptions::load_from_config(load()).map_err(|error| anyhow::anyhow!("{error}"))?;
        return Ok(options);
    };
    let profile =
        load_client_config_profile(load(), None).map_err(|error| anyhow::anyhow!("{error}"))?;
    let service = transport::following(identity.into(), &profile).await?;
    let address = profile.address.unwrap_or_default();
    let url = Url::parse(&format!("http://{address}"))?;
    // Balancing by name is another's service.
    Ok(ConnectionOptions::new(url)
        .dns_load_balancing(None)
        .service_override(service)
        .build())
}
