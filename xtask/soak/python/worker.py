"""A worker and its caller, as anybody would write them with the Python SDK: nothing here knows of certificates.

The environment says where Temporal is, the first argument names the task queue. Orders are placed at a steady rate until
stdin is closed; then those in hand are waited for. Two lines of JSON tell what happened: one when the first order is
complete, one at the end.
"""

import asyncio
import json
import logging
import os
import sys
import time
from collections import Counter
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    MetricBuffer,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)
from temporalio.worker import Worker

# Seconds between two orders.
PERIOD = 2.0

# What shows a call that the SDK made again, or a workflow that it had to replay.
METRICS = (
    "request_failure",
    "long_request_failure",
    "sticky_cache_miss",
    "workflow_task_execution_failed",
)

STATES = ("reserving", "waiting for payment", "packing", "shipping", "shipped")


@activity.defn
async def reserve(order: str) -> str:
    return f"reserved {order}"


@activity.defn
async def ship(order: str) -> str:
    return f"shipped {order}"


@workflow.defn
class Order:
    def __init__(self) -> None:
        self._state = "reserving"
        self._paid: int | None = None

    @workflow.run
    async def run(self, order: str) -> str:
        limit = timedelta(seconds=30)
        reserved = await workflow.execute_activity(
            reserve, order, start_to_close_timeout=limit
        )
        self._state = "waiting for payment"
        await workflow.wait_condition(lambda: self._paid is not None)
        self._state = "packing"
        await asyncio.sleep(2)
        self._state = "shipping"
        shipped = await workflow.execute_activity(
            ship, order, start_to_close_timeout=limit
        )
        self._state = "shipped"
        return f"{reserved}, paid {self._paid}, {shipped}"

    @workflow.signal
    def pay(self, amount: int) -> None:
        self._paid = amount

    @workflow.query
    def state(self) -> str:
        return self._state


class Caller:
    def __init__(self, client: Client, task_queue: str, metrics: MetricBuffer) -> None:
        self.client = client
        self.task_queue = task_queue
        self.buffer = metrics
        self.started = 0
        self.seconds: list[float] = []
        self.failed: list[str] = []
        self.metrics: Counter[str] = Counter()

    async def order(self, number: int) -> None:
        name = f"{self.task_queue}-{number}"
        self.started += 1
        begun = time.monotonic()
        try:
            handle = await self.client.start_workflow(
                Order.run, name, id=name, task_queue=self.task_queue
            )
            state = await handle.query(Order.state)
            assert state in STATES, state
            await asyncio.sleep(2)
            await handle.signal(Order.pay, number)
            state = await handle.query(Order.state)
            assert state in STATES, state
            result = await handle.result()
            assert result == f"reserved {name}, paid {number}, shipped {name}", result
        except Exception as error:  # Every failure counts, whatever its kind.
            self.failed.append(f"{name}: {error!r}"[:300])
        else:
            self.seconds.append(time.monotonic() - begun)

    def count(self) -> None:
        for update in self.buffer.retrieve_updates():
            name = update.metric.name.removeprefix("temporal_")
            if name in METRICS:
                keys = ("operation", "status_code", "failure_reason")
                tags = (update.attributes.get(key) for key in keys)
                self.metrics[" ".join([name, *(str(tag) for tag in tags if tag)])] += int(
                    update.value
                )

    def tell(self) -> None:
        told = {
            "started": self.started,
            "completed": len(self.seconds),
            "failed": self.failed,
            "slowest": max(self.seconds, default=0.0),
            "metrics": self.metrics,
        }
        print(json.dumps(told), flush=True)


async def main(task_queue: str) -> None:
    logging.basicConfig(level=logging.WARNING)
    metrics = MetricBuffer(100_000)
    runtime = Runtime(
        telemetry=TelemetryConfig(
            logging=LoggingConfig(
                filter=TelemetryFilter(core_level="WARN", other_level="ERROR"),
                forwarding=LogForwardingConfig(logger=logging.getLogger("core")),
            ),
            metrics=metrics,
        )
    )
    config = ClientConfig.load_client_connect_config()
    client = await Client.connect(**config, runtime=runtime)
    caller = Caller(client, task_queue, metrics)
    closed = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    async with Worker(
        client, task_queue=task_queue, workflows=[Order], activities=[reserve, ship]
    ):
        await caller.order(0)
        caller.tell()
        orders = []
        while not closed.done():
            orders.append(asyncio.create_task(caller.order(len(orders) + 1)))
            caller.count()
            await asyncio.sleep(PERIOD)
        await asyncio.gather(*orders)
    caller.count()
    caller.tell()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
    # The SDK's native threads now and then crash while Python tears itself down: leave without that.
    sys.stdout.flush()
    os._exit(0)
