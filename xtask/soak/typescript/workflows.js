// The workflow of `worker.js`, in a file of its own because the SDK bundles it for a sandbox.

import { condition, defineQuery, defineSignal, proxyActivities, setHandler, sleep } from '@temporalio/workflow';

const { reserve, ship } = proxyActivities({ startToCloseTimeout: '30s' });

export const pay = defineSignal('pay');
export const state = defineQuery('state');

export async function order(name) {
  let now = 'reserving';
  let paid;
  setHandler(state, () => now);
  setHandler(pay, (amount) => {
    paid = amount;
  });
  const reserved = await reserve(name);
  now = 'waiting for payment';
  await condition(() => paid !== undefined);
  now = 'packing';
  await sleep('2s');
  now = 'shipping';
  const shipped = await ship(name);
  now = 'shipped';
  return `${reserved}, paid ${paid}, ${shipped}`;
}
