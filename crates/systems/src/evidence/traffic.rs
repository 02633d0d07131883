//! What pollers and calls are like, by the same sources that tell who presents what.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use newleaf_rotation::{
    HolderId, TrustPointId,
    census::Window,
    sight::{Reading, Traffic},
};
use temporalio_protos::protos::temporal::api::enums::v1::TaskQueueType;

use super::{
    Ask,
    pollers::{self, Poller, PollersError},
    proxy,
};
use crate::{
    domain::{EvidenceSource, Holder},
    trouble::chain,
};

/// Asks every source of these holders that can tell of traffic. Each queue is asked once, whoever polls it.
pub(crate) async fn look(ask: &Ask<'_>, holders: &[HolderId], window: Window) -> Traffic {
    let mut seen = Traffic::default();
    let mut queues = BTreeMap::new();
    for id in holders {
        let mut told = BTreeMap::new();
        let found = ask.domain.holders.iter().find(|holder| holder.id == *id);
        for source in found.into_iter().flat_map(|holder| &holder.evidence) {
            match source {
                EvidenceSource::Proxy { admin } => {
                    let reading = match proxy::calls(admin).await {
                        Ok(calls) => Reading::Calls(calls),
                        Err(error) => Reading::Unknown(chain(&error)),
                    };
                    told.insert(format!("the proxy at {admin}"), reading);
                }
                EvidenceSource::Pollers {
                    point, task_queue, ..
                } => {
                    let key = (point, task_queue.as_str());
                    let found = match queues.entry(key) {
                        Entry::Occupied(asked) => asked.into_mut(),
                        Entry::Vacant(new) => {
                            new.insert(pollers::look(ask, point, task_queue).await)
                        }
                    };
                    let reading = count(ask, id, key, found, window);
                    told.insert(format!("task queue `{task_queue}` at `{point}`"), reading);
                }
                EvidenceSource::Attested => {}
            }
        }
        seen.holders.insert(id.clone(), told);
    }
    seen
}

type Found = Result<BTreeSet<Poller>, PollersError>;

/// Counts a holder's pollers, of workflows and of activities each. A poller changes what its identity says of its leaf,
/// and is still the same.
fn count(
    ask: &Ask<'_>,
    holder: &HolderId,
    (point, task_queue): (&TrustPointId, &str),
    found: &Found,
    window: Window,
) -> Reading {
    let pollers = match found {
        Ok(pollers) => pollers,
        Err(error) => return Reading::Unknown(chain(error)),
    };
    let polls = |other: &Holder| {
        let prefixes = other.evidence.iter().filter_map(|source| match source {
            EvidenceSource::Pollers {
                point: p,
                task_queue: q,
                identity_prefix,
            } if p == point && q == task_queue => Some((identity_prefix.clone(), other.id.clone())),
            EvidenceSource::Pollers { .. }
            | EvidenceSource::Proxy { .. }
            | EvidenceSource::Attested => None,
        });
        prefixes.collect::<Vec<_>>()
    };
    let prefixes: Vec<_> = ask.domain.holders.iter().flat_map(polls).collect();
    let theirs = |poller: &&Poller| {
        let fitting = prefixes
            .iter()
            .filter(|(prefix, _)| poller.identity.starts_with(prefix));
        let whose = fitting.max_by_key(|(prefix, _)| prefix.len());
        whose.is_some_and(|(_, id)| id == holder) && window.holds(poller.seen_at)
    };
    let names: BTreeSet<(TaskQueueType, String)> = pollers
        .iter()
        .filter(theirs)
        .map(|poller| (poller.kind, poller.name()))
        .collect();
    u64::try_from(names.len()).map_or_else(
        |_| Reading::Unknown("more pollers than can be counted".to_owned()),
        Reading::Pollers,
    )
}
