//! The official clients judge the sandbox: the `temporal` CLI and Python's `CloudOperationsClient`.
//!
//! They are found in the Python venv that `NEWLEAF_PARTS` names, which `cargo xtask test` prepares. Without it the
//! tests say so and pass; with `CI=true` they fail.

use std::{path::Path, process::Output, time::Duration};

use newleaf_sandbox::DevServer;
use tempfile::TempDir;
use tokio::{process::Command, time::timeout};

use crate::{
    pki::{Ca, Leaf},
    play::{API_KEY, NAMESPACE, Play, options},
};

/// The longest that a judge may take: Python alone needs a second to start.
const PATIENCE: Duration = Duration::from_mins(2);

async fn run(command: &mut Command) -> Output {
    timeout(PATIENCE, command.kill_on_drop(true).output())
        .await
        .unwrap()
        .unwrap()
}

/// Writes what the `temporal` CLI is given.
fn files(play: &Play, leaf: &Leaf) -> TempDir {
    let dir = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs_err::write(dir.path().join(name), text).unwrap();
    write("server-ca.pem", play.sandbox.server_ca_pem());
    write("leaf.pem", &leaf.certificate.to_pem());
    write("leaf.key", &leaf.key.to_pem());
    dir
}

async fn temporal(program: &Path, play: &Play, leaf: &Leaf, words: &[&str]) -> Output {
    let files = files(play, leaf);
    let address = play.endpoint().to_string();
    let mut command = Command::new(program);
    command
        .args(words)
        .args(["--disable-config-file", "--disable-config-env"])
        .args(["--address", &address, "--namespace", NAMESPACE])
        .args(["--tls-server-name", "payments.a2dd6.tmprl.cloud"])
        .args(["--command-timeout", "10s"])
        .current_dir(files.path())
        .args(["--tls-cert-path", "leaf.pem", "--tls-key-path", "leaf.key"])
        .args(["--tls-ca-path", "server-ca.pem"]);
    run(&mut command).await
}

#[tokio::test]
async fn the_temporal_cli_is_served_with_a_good_leaf_only() {
    let Some(program) = newleaf_parts::program("temporal") else {
        return;
    };
    let (g1, foreign) = (Ca::new("payments g1"), Ca::new("mallory"));
    let play = Play::new(options(&[&g1])).await;
    let (good, bad) = (g1.leaf("worker-1"), foreign.leaf("worker-1"));
    for words in [
        &["operator", "cluster", "health"][..],
        &["workflow", "list"],
        &["workflow", "count"],
        &[
            "task-queue",
            "describe",
            "--task-queue",
            "payments",
            "--select-all-active",
        ],
    ] {
        let served = temporal(&program, &play, &good, words).await;
        assert!(served.status.success(), "{words:?}: {served:?}");
        let refused = temporal(&program, &play, &bad, words).await;
        assert!(!refused.status.success(), "{words:?}: {refused:?}");
    }
    let seen = play.sandbox.seen(NAMESPACE).unwrap();
    assert!(seen.leaves.contains_key(&good.certificate.fingerprint()));
    assert!(!seen.leaves.contains_key(&bad.certificate.fingerprint()));
    assert!(seen.n_refused >= 4);
}

/// Reads a namespace, replaces its bundle, and waits until the operation is over.
const OPERATOR: &str = r#"
import asyncio, os, sys
from datetime import timedelta
from temporalio.api.cloud.cloudservice.v1 import (
    GetAsyncOperationRequest, GetNamespaceRequest, UpdateNamespaceRequest)
from temporalio.api.cloud.operation.v1 import AsyncOperation
from temporalio.client import CloudOperationsClient
from temporalio.service import TLSConfig

address, key, server_ca, namespace, bundle = sys.argv[1:]

async def main():
    tls = TLSConfig(server_root_ca_cert=server_ca.encode(), domain="saas-api.tmprl.cloud")
    client = await CloudOperationsClient.connect(
        api_key=key, version="v0.17.0", target_host=address, tls=tls)
    cloud = client.cloud_service
    read = await cloud.get_namespace(GetNamespaceRequest(namespace=namespace))
    spec = read.namespace.spec
    spec.mtls_auth.accepted_client_ca = bundle.encode()
    answer = await cloud.update_namespace(UpdateNamespaceRequest(
        namespace=namespace, spec=spec, resource_version=read.namespace.resource_version))
    operation = answer.async_operation
    over = (AsyncOperation.STATE_FULFILLED, AsyncOperation.STATE_FAILED, AsyncOperation.STATE_REJECTED)
    while operation.state not in over:
        await asyncio.sleep(operation.check_duration.ToTimedelta() / timedelta(seconds=1))
        operation = (await cloud.get_async_operation(
            GetAsyncOperationRequest(async_operation_id=operation.id))).async_operation
    read = await cloud.get_namespace(GetNamespaceRequest(namespace=namespace))
    print(AsyncOperation.State.Name(operation.state))
    print(read.namespace.spec.mtls_auth.accepted_client_ca.decode())

asyncio.run(main())
# The SDK's native threads now and then crash while Python tears itself down: leave without that.
sys.stdout.flush()
os._exit(0)
"#;

#[tokio::test]
async fn the_python_cloud_client_updates_a_namespace() {
    let Some(python) = newleaf_parts::program("python") else {
        return;
    };
    let (g1, g2) = (Ca::new("payments g1"), Ca::new("payments g2"));
    let play = Play::new(options(&[&g1])).await;
    let both = g1.pem() + &g2.pem();
    let address = play.sandbox.cloud_address().to_string();
    let server_ca = play.sandbox.server_ca_pem();
    let operator = async |key: &str| {
        let mut command = Command::new(&python);
        command.args(["-c", OPERATOR, &address, key, server_ca, NAMESPACE, &both]);
        run(&mut command).await
    };
    let refused = operator("wrong").await;
    assert!(!refused.status.success());
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("invalid API key"),
        "{refused:?}"
    );

    let done = operator(API_KEY).await;
    assert!(done.status.success(), "{done:?}");
    let said = String::from_utf8_lossy(&done.stdout);
    assert_eq!(
        said.trim_end(),
        format!("STATE_FULFILLED\n{}", both.trim_end())
    );
}

/// A worker and a client that run workflows, one after the other, over the endpoint's connections, for some seconds.
const WORKER: &str = r#"
import asyncio, os, sys
from datetime import timedelta
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.service import TLSConfig
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

address, namespace, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])

def read(name):
    with open(name, "rb") as file:
        return file.read()

@activity.defn
async def greet(name: str) -> str:
    return f"hello {name}"

@workflow.defn
class Greet:
    @workflow.run
    async def run(self, name: str) -> str:
        return await workflow.execute_activity(
            greet, name, start_to_close_timeout=timedelta(seconds=10))

async def main():
    tls = TLSConfig(
        server_root_ca_cert=read("server-ca.pem"), domain="payments.a2dd6.tmprl.cloud",
        client_cert=read("leaf.pem"), client_private_key=read("leaf.key"))
    client = await Client.connect(address, namespace=namespace, tls=tls)
    async with Worker(
        client, task_queue="payments", workflows=[Greet], activities=[greet],
        workflow_runner=UnsandboxedWorkflowRunner()):
        n, clock = 0, asyncio.get_running_loop()
        ends_at = clock.time() + seconds
        while clock.time() < ends_at:
            said = await client.execute_workflow(
                Greet.run, str(n), id=f"greet-{n}", task_queue="payments")
            assert said == f"hello {n}", said
            n += 1
        print(n, "completed", flush=True)
        # Not through the worker's shutdown, which waits for its long polls.
        os._exit(0)

asyncio.run(main())
"#;

#[tokio::test]
async fn a_real_worker_works_with_a_real_temporal_through_ageing_connections() {
    let (Some(temporal), Some(python)) = (
        newleaf_parts::program("temporal"),
        newleaf_parts::program("python"),
    ) else {
        return;
    };
    let server = DevServer::start(Command::new(temporal), NAMESPACE).await;
    let server = server.unwrap();

    let g1 = Ca::new("payments g1");
    let leaf = g1.leaf("worker-1");
    let mut options = options(&[&g1]);
    options.namespaces[0].upstream = Some(server.address());
    options.timing.connection_age = Duration::from_millis(700);
    options.timing.age_grace = Duration::from_secs(70);
    let play = Play::new(options).await;
    let files = files(&play, &leaf);
    let mut worker = Command::new(python);
    worker
        .args(["-c", WORKER, &play.endpoint().to_string(), NAMESPACE, "4"])
        .current_dir(files.path());
    let done = run(&mut worker).await;
    assert!(done.status.success(), "{done:?}");
    let said = String::from_utf8_lossy(&done.stdout);
    let n_completed: u32 = said.strip_suffix(" completed\n").unwrap().parse().unwrap();
    assert!(n_completed > 0);
    assert!(
        !String::from_utf8_lossy(&done.stderr).contains("WARN"),
        "{done:?}"
    );
    let seen = play.sandbox.seen(NAMESPACE).unwrap();
    let seen = &seen.leaves[&leaf.certificate.fingerprint()];
    assert!(seen.n_handshakes >= 3, "connections aged: {seen:?}");
}
