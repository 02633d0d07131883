// A worker and its caller, as anybody would write them with the TypeScript SDK: nothing here knows of certificates.
//
// The environment says where Temporal is, the first argument names the task queue. Orders are placed at a steady rate
// until stdin is closed; then those in hand are waited for. Two lines of JSON tell what happened: one when the first order
// is complete, one at the end.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { DefaultLogger, NativeConnection, Runtime, Worker, makeTelemetryFilterString } from '@temporalio/worker';

// Milliseconds between two orders.
const PERIOD = 2000;

// What shows a call that the SDK made again, or a workflow that it had to replay.
const METRICS = ['request_failure', 'long_request_failure', 'sticky_cache_miss', 'workflow_task_execution_failed'];

const STATES = ['reserving', 'waiting for payment', 'packing', 'shipping', 'shipped'];

const taskQueue = process.argv[2];
const seconds = [];
const failed = [];
let started = 0;

async function order(client, number) {
  const name = `${taskQueue}-${number}`;
  started += 1;
  const begun = performance.now();
  try {
    const handle = await client.workflow.start('order', { args: [name], taskQueue, workflowId: name });
    assert(STATES.includes(await handle.query('state')));
    await sleep(2000);
    await handle.signal('pay', number);
    assert(STATES.includes(await handle.query('state')));
    assert.equal(await handle.result(), `reserved ${name}, paid ${number}, shipped ${name}`);
    seconds.push((performance.now() - begun) / 1000);
  } catch (error) {
    // Every failure counts, whatever its kind.
    failed.push(`${name}: ${error}${error.cause ? `: ${error.cause}` : ''}`.slice(0, 300));
  }
}

function tell(metrics) {
  const slowest = Math.max(0, ...seconds);
  console.log(JSON.stringify({ started, completed: seconds.length, failed, slowest, metrics }));
}

async function freeAddress() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

// The SDK tells its metrics in Prometheus' text: `temporal_request_failure{operation="…",status_code="…"} 1`.
async function metrics(address) {
  const text = await (await fetch(`http://${address}/metrics`)).text();
  const counts = {};
  for (const [, name, tags, value] of text.matchAll(/^temporal_(\w+)\{(.*)\} (\d+)$/gm)) {
    if (METRICS.includes(name)) {
      const tag = (key) => tags.match(new RegExp(`\\b${key}="([^"]*)"`))?.[1];
      const key = [name, tag('operation'), tag('status_code'), tag('failure_reason')].filter(Boolean).join(' ');
      counts[key] = (counts[key] ?? 0) + Number(value);
    }
  }
  return counts;
}

const bindAddress = await freeAddress();
Runtime.install({
  logger: new DefaultLogger('WARN'),
  telemetryOptions: {
    logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} },
    metrics: { prometheus: { bindAddress } },
  },
});
const { connectionOptions, namespace } = loadClientConnectConfig();
const connection = await NativeConnection.connect(connectionOptions);
const client = new Client({ connection: await Connection.connect(connectionOptions), namespace });
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue,
  workflowsPath: fileURLToPath(new URL('./workflows.js', import.meta.url)),
  activities: {
    reserve: async (name) => `reserved ${name}`,
    ship: async (name) => `shipped ${name}`,
  },
});

let closed = false;
process.stdin.resume().once('end', () => {
  closed = true;
});
const orders = [];
await worker.runUntil(async () => {
  await order(client, 0);
  tell({});
  while (!closed) {
    orders.push(order(client, orders.length + 1));
    await sleep(PERIOD);
  }
  await Promise.all(orders);
});
tell(await metrics(bindAddress));
process.exit(0);
