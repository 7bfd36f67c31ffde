/** Trivial steps: one after another, side by side, in many runs, and with results of 1 KiB. */
import { keepHeapSmall } from '@pawl/runtime';
import { defineProcess, defineTask } from '@pawl/sdk';

import type { Order } from '../order.ts';
import type { Sample } from '../sample.ts';
import { Stand } from '../stand.ts';
import { RESULT_BYTES } from './result-bytes.ts';
import { fan, sequence } from './work.ts';

export async function sequential(asked: Order): Promise<Sample> {
  const stand = await Stand.open(asked);
  if (asked.warmUp > 0) await stand.runtime.start(sequence, asked.warmUp, { id: 'warm-up' }).result();
  return stand.measure(async () => {
    await stand.runtime.start(sequence, asked.steps, { id: 'measured' }).result();
    return { steps: asked.steps, note: asked.warmUp === 0 ? 'cold' : '', counts: {} };
  });
}

export async function fanOut(asked: Order): Promise<Sample> {
  const { concurrency } = asked;
  const stand = await Stand.open(asked, concurrency === 0 ? {} : { inFlight: concurrency });
  const process = fan(concurrency);
  if (asked.warmUp > 0) await stand.runtime.start(process, asked.warmUp, { id: 'warm-up' }).result();
  return stand.measure(async () => {
    await stand.runtime.start(process, asked.steps, { id: 'measured' }).result();
    return { steps: asked.steps, note: noteOf(concurrency), counts: {} };
  });
}

function noteOf(concurrency: number): string {
  return concurrency === 0 ? 'default concurrency' : `concurrency ${concurrency}`;
}

/** `steps` runs of three steps each, `concurrency` of them at a time (0: all at once). */
export async function runs(asked: Order): Promise<Sample> {
  const stand = await Stand.open(asked);
  const atOnce = asked.concurrency === 0 ? asked.steps : asked.concurrency;
  return stand.measure(async () => {
    let started = 0;
    const lane = async (): Promise<void> => {
      while (started < asked.steps) {
        started += 1;
        await stand.runtime.start(sequence, 3, { id: `run-${started}` }).result();
      }
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
    const note = asked.concurrency === 0 ? 'all at once' : `${atOnce} at a time`;
    return { steps: asked.steps * 3, note, counts: {} };
  });
}

const fill = defineTask({
  name: 'fill',
  run: async (n: number) => String(n).padEnd(RESULT_BYTES, 'abcdefghijklmnopqrstuvwxyz'),
});

const manyResults = defineProcess({
  name: 'manyResults',
  run: async (width: number, ctx) => {
    const items = Array.from({ length: width }, (_, i) => i);
    const results = await ctx.parallel.map(items, (n) => ctx.task(fill, n));
    return results.length;
  },
});

export async function payload(asked: Order): Promise<Sample> {
  // As the command line does; so below.
  keepHeapSmall();
  const stand = await Stand.open(asked);
  return stand.measure(async () => {
    await stand.runtime.start(manyResults, asked.steps, { id: 'measured' }).result();
    return { steps: asked.steps, note: 'results of 1 KiB, default concurrency, heap kept small', counts: {} };
  });
}

const manyItems = defineProcess({
  name: 'manyItems',
  run: async (count: number, ctx) => {
    const numbers = ctx.source('numbers', function* (cursor: number | undefined) {
      for (let n = cursor ?? 0; n < count; n += 1) yield { item: n, cursor: n + 1 };
    });
    return ctx.reduce(numbers, 0, (sum, n) => sum + n);
  },
});

/** Items of a source that are folded as they come. */
export async function stream(asked: Order): Promise<Sample> {
  keepHeapSmall();
  const stand = await Stand.open(asked);
  return stand.measure(async () => {
    await stand.runtime.start(manyItems, asked.steps, { id: 'measured' }).result();
    return {
      steps: asked.steps,
      note: 'ctx.reduce over a ctx.source, all defaults, heap kept small',
      counts: {},
    };
  });
}

/** Tasks with a store in memory: what the engine alone can do. */
export async function dispatch(asked: Order): Promise<Sample> {
  const stand = await Stand.open(asked, {}, 'memory');
  const process = fan(asked.concurrency);
  await stand.runtime.start(process, asked.warmUp, { id: 'warm-up' }).result();
  return stand.measure(async () => {
    await stand.runtime.start(process, asked.steps, { id: 'measured' }).result();
    return { steps: asked.steps, note: `parallel.map, ${noteOf(asked.concurrency)}`, counts: {} };
  });
}
