"""A worker and its caller, as anybody would write them with the Python SDK: nothing here knows of certificates.

Workflows of one activity each start at a steady rate, until stdin is closed. Then those in hand are waited for. What
happened is printed as lines of JSON: one when the first workflow has completed, one at the end.
"""

import asyncio
import json
import logging
import os
import sys
import time
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)
from temporalio.worker import Worker

TASK_QUEUE = "orders"

# Seconds between two starts.
PERIOD = 0.1


@activity.defn
async def ship(order: str) -> str:
    return f"shipped {order}"


@workflow.defn
class Order:
    @workflow.run
    async def run(self, order: str) -> str:
        return await workflow.execute_activity(
            ship, order, start_to_close_timeout=timedelta(seconds=30)
        )


class Warnings(logging.Handler):
    """Keeps what the SDK warns of: it hides failed calls behind retries, but it tells of them."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


class Counts:
    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.failed: list[str] = []


async def order(client: Client, number: int, counts: Counts) -> None:
    name = f"order-{number}"
    begun = time.monotonic()
    try:
        result = await client.execute_workflow(
            Order.run, name, id=name, task_queue=TASK_QUEUE
        )
        assert result == f"shipped {name}", result
    except Exception as error:  # Every failure counts, whatever its kind.
        counts.failed.append(f"{name}: {error!r}")
    else:
        counts.seconds.append(time.monotonic() - begun)


def tell(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


async def main(address: str, namespace: str) -> None:
    warnings = Warnings()
    core = logging.getLogger("core")
    for logger in (core, logging.getLogger("temporalio")):
        logger.addHandler(warnings)
    forwarding = LogForwardingConfig(logger=core)
    log_filter = TelemetryFilter(core_level="WARN", other_level="ERROR")
    logs = LoggingConfig(filter=log_filter, forwarding=forwarding)
    runtime = Runtime(telemetry=TelemetryConfig(logging=logs))
    client = await Client.connect(address, namespace=namespace, runtime=runtime)
    counts = Counts()
    stop = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    async with Worker(client, task_queue=TASK_QUEUE, workflows=[Order], activities=[ship]):
        await order(client, 0, counts)
        tell(pid=os.getpid(), failed=counts.failed)
        orders = []
        while not stop.done():
            orders.append(asyncio.create_task(order(client, len(orders) + 1, counts)))
            await asyncio.sleep(PERIOD)
        await asyncio.gather(*orders)
    tell(
        pid=os.getpid(),
        completed=len(counts.seconds),
        failed=counts.failed,
        slowest=max(counts.seconds),
        warnings=warnings.texts,
    )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
    # The SDK's native threads now and then crash while Python tears itself down: leave without that.
    sys.stdout.flush()
    os._exit(0)
