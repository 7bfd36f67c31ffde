import { equal } from 'node:assert/strict';
import { createHash } from 'node:crypto';

/**
 * The work of each case, once for all peers whose steps are promises: `step(name, fn)` is the peer's durable
 * step and `all(thunks)` its way of doing many at once. Every result is checked, so that no peer is fast by
 * doing less.
 *
 * The clock stops when the workflow function has its last result, not when a client hears of it: several peers
 * poll for the end of a run once a second, which says nothing about a step.
 */

/** Runs of the case `runs`, and the shape that each case gives to one run. */
export const STEPS_OF_A_SHORT_RUN = 3;

export function inputsOf(name, n) {
  if (name === 'runs') {
    return Array.from({ length: n }, () => ({ shape: 'sequential', n: STEPS_OF_A_SHORT_RUN }));
  }
  return [{ shape: name, n }];
}

export function stepsOf(name, n) {
  if (name === 'runs') return n * STEPS_OF_A_SHORT_RUN;
  return name === 'resume' ? 1 : n;
}

const open = Promise.withResolvers();
let runsLeft = 1;

/** Settles when that many runs have got their last result. To be called before any of them starts. */
export function finished(runs) {
  runsLeft = runs;
  return open.promise;
}

export function finish(error) {
  if (error !== undefined) open.reject(error);
  else if (--runsLeft === 0) open.resolve();
}

/** 1 KiB of text that no compressor can shrink by much: 768 bytes in base64. */
export function payload(i) {
  return createHash('shake256', { outputLength: 768 }).update(String(i)).digest('base64');
}

/** Whether this program is the first of the two of `resume`: it dies when it comes to the new step. */
export const DIES = process.env.PEER_PHASE === 'record';

export function newStep() {
  // The real thing: nothing is flushed, closed or handed back.
  if (DIES) process.kill(process.pid, 'SIGKILL');
  return 'new';
}

export async function perform({ shape, n }, step, all = (thunks) => Promise.all(thunks.map((f) => f()))) {
  try {
    await shapes[shape](n, step, all);
    finish();
  } catch (error) {
    finish(error);
    throw error;
  }
}

export const shapes = {
  async sequential(n, step) {
    for (let i = 0; i < n; i++) equal(await step(`step-${i}`, async () => i), i);
  },
  async fanOut(n, step, all) {
    const results = await all(indices(n).map((i) => () => step(`step-${i}`, async () => i)));
    for (const i of indices(n)) equal(results[i], i);
  },
  async payload(n, step, all) {
    const results = await all(indices(n).map((i) => () => step(`step-${i}`, async () => payload(i))));
    for (const i of indices(n)) equal(results[i], payload(i));
  },
  async resume(n, step) {
    for (let i = 0; i < n; i++) equal(await step(`step-${i}`, async () => i), i);
    equal(await step('new', async () => newStep()), 'new');
  },
};

function indices(n) {
  return Array.from({ length: n }, (_, i) => i);
}
