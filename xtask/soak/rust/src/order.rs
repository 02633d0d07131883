//! The workflow and its activities.

use std::time::Duration;

use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult,
    activities::{ActivityContext, ActivityError},
};

/// Everything that an order may say of itself.
pub(crate) const STATES: [&str; 5] = [
    "reserving",
    "waiting for payment",
    "packing",
    "shipping",
    "shipped",
];

/// How long an activity may take.
const LIMIT: Duration = Duration::from_secs(30);

/// What is done for an order.
pub(crate) struct Warehouse;

#[activities]
impl Warehouse {
    #[activity]
    pub(crate) async fn reserve(
        _ctx: ActivityContext,
        order: String,
    ) -> Result<String, ActivityError> {
        Ok(format!("reserved {order}"))
    }

    #[activity]
    pub(crate) async fn ship(
        _ctx: ActivityContext,
        order: String,
    ) -> Result<String, ActivityError> {
        Ok(format!("shipped {order}"))
    }
}

/// An order: reserved, paid, packed, shipped.
#[workflow]
pub(crate) struct Order {
    name: String,
    state: &'static str,
    paid: Option<u64>,
}

#[workflow_methods]
impl Order {
    #[init]
    fn new(_ctx: &WorkflowContextView, name: String) -> Self {
        Self {
            name,
            state: "reserving",
            paid: None,
        }
    }

    #[run]
    pub(crate) async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<String> {
        let name = ctx.state(|order| order.name.clone());
        let options = || ActivityOptions::with_start_to_close_timeout(LIMIT).build();
        let reserved = ctx
            .execute_activity(Warehouse::reserve, name.clone(), options())
            .await?;
        ctx.state_mut(|order| order.state = "waiting for payment");
        ctx.wait_condition(|order| order.paid.is_some()).await?;
        ctx.state_mut(|order| order.state = "packing");
        ctx.timer(Duration::from_secs(2)).await;
        ctx.state_mut(|order| order.state = "shipping");
        let shipped = ctx
            .execute_activity(Warehouse::ship, name, options())
            .await?;
        ctx.state_mut(|order| order.state = "shipped");
        let paid = ctx.state(|order| order.paid).unwrap_or_default();
        Ok(format!("{reserved}, paid {paid}, {shipped}"))
    }

    #[signal]
    pub(crate) fn pay(&mut self, _ctx: &mut SyncWorkflowContext<Self>, amount: u64) {
        self.paid = Some(amount);
    }

    #[query]
    pub(crate) fn state(&self, _ctx: &WorkflowContextView) -> String {
        self.state.to_owned()
    }
}
