//! The SDK's own metrics, which it tells in Prometheus' text.

use std::{collections::BTreeMap, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Counts by name, operation, status, and why a workflow task failed.
pub(crate) type Counts = BTreeMap<String, u64>;

/// What shows a call that the SDK made again, or a workflow that it had to replay.
const WATCHED: [&str; 4] = [
    "request_failure",
    "long_request_failure",
    "sticky_cache_miss",
    "workflow_task_execution_failed",
];

/// Asks the SDK's exporter.
pub(crate) async fn read(from: SocketAddr) -> anyhow::Result<Counts> {
    let mut stream = TcpStream::connect(from).await?;
    let question = "GET /metrics HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n";
    stream.write_all(question.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let mut counts = Counts::new();
    for (name, count) in answer.lines().filter_map(counted) {
        *counts.entry(name).or_default() += count;
    }
    Ok(counts)
}

/// Reads a line such as `temporal_request_failure{operation="…",status_code="…"} 1`, if it is watched.
fn counted(line: &str) -> Option<(String, u64)> {
    let (name, rest) = line.strip_prefix("temporal_")?.split_once('{')?;
    let (tags, count) = rest.rsplit_once("} ")?;
    if !WATCHED.contains(&name) {
        return None;
    }
    let tag = |key: &str| {
        let mut tags = tags.split(',').filter_map(|tag| tag.split_once('='));
        tags.find(|(name, _)| *name == key)
            .map(|(_, value)| value.trim_matches('"'))
    };
    let words = [
        Some(name),
        tag("operation"),
        tag("status_code"),
        tag("failure_reason"),
    ];
    let words: Vec<_> = words.into_iter().flatten().collect();
    Some((words.join(" "), count.parse().ok()?))
}
