"""What Temporal itself wrote down of the workflows of `cargo xtask soak`: their ends, and what in their histories shows that
a task got lost between the server and its worker.

Prints one line of JSON: for each task queue, how many workflows ended how, how many such events there are, and how long the
slowest workflow took by its own history (`slowest_ms`): an order that its caller found slower was heard of late.
"""

import asyncio
import json
import sys
from collections import Counter, defaultdict

from temporalio.api.enums.v1 import EventType, TimeoutType
from temporalio.client import Client, WorkflowExecution

# How many histories are read at once.
AT_ONCE = 8

LOST = (
    EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
    EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED,
    EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT,
    EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED,
)


async def main(address: str, namespace: str) -> None:
    client = await Client.connect(address, namespace=namespace)
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    room = asyncio.Semaphore(AT_ONCE)

    async def judge(execution: WorkflowExecution) -> None:
        found = counts[execution.task_queue]
        found[execution.status.name.lower() if execution.status else "unknown"] += 1
        if execution.start_time and execution.close_time:
            took = execution.close_time - execution.start_time
            found["slowest_ms"] = max(found["slowest_ms"], round(took.total_seconds() * 1000))
        async with room:
            handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
            history = await handle.fetch_history()
        for event in history.events:
            if event.event_type in LOST:
                name = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")
                if event.HasField("workflow_task_timed_out_event_attributes"):
                    kind = event.workflow_task_timed_out_event_attributes.timeout_type
                    name += TimeoutType.Name(kind).removeprefix("TIMEOUT_TYPE")
                found[name.lower()] += 1
            if event.activity_task_started_event_attributes.attempt > 1:
                found["activity_task_started_again"] += 1

    executions = [execution async for execution in client.list_workflows()]
    await asyncio.gather(*(judge(execution) for execution in executions))
    print(json.dumps(counts))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
