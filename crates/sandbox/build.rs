//! Generates the server side of the calls that the sandbox answers, and of no others.
//!
//! The descriptors and the message types are Temporal's own, from `temporalio-protos` (which hands its
//! descriptor set to its dependants through its `links` metadata). That crate generates clients only. Methods that
//! are not listed here are answered `UNIMPLEMENTED` by the generated dispatch, and cost no compile time.

use std::{collections::BTreeSet, env, error::Error};

use prost::Message as _;
use prost_types::{FileDescriptorProto, FileDescriptorSet};

/// Package and service, and the methods that are answered.
const ANSWERED: [(&str, &str, &[&str]); 3] = [
    (
        "temporal.api.cloud.cloudservice.v1",
        "CloudService",
        &[
            "GetAccount",
            "GetAsyncOperation",
            "GetCurrentIdentity",
            "GetNamespace",
            "GetNamespaces",
            "GetRegions",
            "UpdateNamespace",
        ],
    ),
    (
        "temporal.api.workflowservice.v1",
        "WorkflowService",
        &[
            "CountWorkflowExecutions",
            "DescribeNamespace",
            "DescribeTaskQueue",
            "GetClusterInfo",
            "GetSystemInfo",
            "ListWorkflowExecutions",
            "PollActivityTaskQueue",
            "PollWorkflowTaskQueue",
        ],
    ),
    ("grpc.health.v1", "Health", &["Check"]),
];

#[expect(
    clippy::disallowed_methods,
    reason = "Cargo speaks to build scripts through the environment"
)]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    let path = env::var("DEP_TEMPORALIO_PROTOS_DESCRIPTOR_PATH")?;
    let mut set = FileDescriptorSet::decode(fs_err::read(path)?.as_slice())?;
    let packages: BTreeSet<String> = set
        .file
        .iter()
        .map(|file| file.package().to_owned())
        .filter(|package| !package.starts_with("google.protobuf"))
        .collect();
    set.file.iter_mut().for_each(keep_answered);
    let mut build = tonic_prost_build::configure()
        .build_client(false)
        .build_server(true)
        .build_transport(false);
    for package in packages {
        let path = package.replace('.', "::");
        build = build.extern_path(
            format!(".{package}"),
            format!("::temporalio_protos::protos::{path}"),
        );
    }
    build.compile_fds(set)?;
    Ok(())
}

fn keep_answered(file: &mut FileDescriptorProto) {
    let package = file.package().to_owned();
    file.service.retain_mut(|service| {
        let answered = ANSWERED
            .iter()
            .find(|(p, name, _)| *p == package && *name == service.name());
        let Some((_, _, methods)) = answered else {
            return false;
        };
        service.method.retain(|m| methods.contains(&m.name()));
        true
    });
}
