//! Who places orders, and tells what became of them.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::ensure;
use serde::Serialize;
use temporalio_client::{
    Client, WorkflowGetResultOptions, WorkflowQueryOptions, WorkflowSignalOptions,
    WorkflowStartOptions,
};
use tokio::{io::AsyncReadExt as _, task::JoinSet, time};

use crate::{
    counts::{self, Counts},
    order::{Order, STATES},
};

/// The time between two orders.
const PERIOD: Duration = Duration::from_secs(2);

/// What happened so far.
#[derive(Clone, Default, Serialize)]
struct Told {
    started: u64,
    completed: u64,
    failed: Vec<String>,
    slowest: f64,
    metrics: Counts,
}

/// One who places orders.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) client: Client,
    pub(crate) task_queue: String,
    pub(crate) metrics: std::net::SocketAddr,
    told: Arc<Mutex<Told>>,
}

impl Caller {
    pub(crate) fn new(client: Client, task_queue: String, metrics: std::net::SocketAddr) -> Self {
        let told = Arc::default();
        Self {
            client,
            task_queue,
            metrics,
            told,
        }
    }

    /// Places orders at a steady rate until stdin is closed, waits for those in hand, and tells twice: when the first order is
    /// complete, and at the end.
    pub(crate) async fn work(self, stop: impl Fn()) -> anyhow::Result<()> {
        self.order(0).await;
        self.tell().await?;
        let mut orders = JoinSet::new();
        let mut ticks = time::interval(PERIOD);
        let closed = tokio::spawn(async { tokio::io::stdin().read_to_end(&mut Vec::new()).await });
        for number in 1.. {
            ticks.tick().await;
            if closed.is_finished() {
                break;
            }
            let caller = self.clone();
            orders.spawn(async move { caller.order(number).await });
        }
        let _ends = orders.join_all().await;
        stop();
        self.tell().await
    }

    async fn order(&self, number: u64) {
        let begun = Instant::now();
        let name = format!("{}-{number}", self.task_queue);
        let placed = self.place(&name, number).await;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.started += 1;
        match placed {
            Ok(()) => {
                told.completed += 1;
                told.slowest = told.slowest.max(begun.elapsed().as_secs_f64());
            }
            Err(error) => {
                let said: String = format!("{name}: {error:#}").chars().take(300).collect();
                told.failed.push(said);
            }
        }
    }

    async fn place(&self, name: &str, number: u64) -> anyhow::Result<()> {
        let options = WorkflowStartOptions::new(self.task_queue.clone(), name).build();
        let order = self
            .client
            .start_workflow(Order::run, name.to_owned(), options)
            .await?;
        let ask = async || {
            let options = WorkflowQueryOptions::default();
            let state = order.query(Order::state, (), options).await?;
            ensure!(
                STATES.contains(&state.as_str()),
                "found the state {state:?}"
            );
            Ok(())
        };
        ask().await?;
        time::sleep(Duration::from_secs(2)).await;
        let options = WorkflowSignalOptions::default();
        order.signal(Order::pay, number, options).await?;
        ask().await?;
        let result = order
            .get_result(WorkflowGetResultOptions::default())
            .await?;
        let expected = format!("reserved {name}, paid {number}, shipped {name}");
        ensure!(
            result == expected,
            "expected {expected:?}, found {result:?}"
        );
        Ok(())
    }

    async fn tell(&self) -> anyhow::Result<()> {
        let told = self
            .told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let metrics = counts::read(self.metrics).await?;
        println!("{}", serde_json::to_string(&Told { metrics, ..told })?);
        Ok(())
    }
}
