import { setTimeout as rawDelay } from 'node:timers/promises';
import { defineTask, type Context, type Process } from '@pawl/sdk';

// One process that was recorded, and thirteen changes of it that do not fit.

const pack = defineTask({ name: 'pack', run: (order: { id: number; boxes: number }) => `order ${order.id}` });
const weigh = defineTask({ name: 'weigh', run: (box: string) => box.length });
const charge = defineTask({ name: 'charge', run: (grams: number) => grams * 2 });
const bill = defineTask({ name: 'bill', run: (grams: number) => grams * 2 });
const charge2 = defineTask({ name: 'charge', version: 2, run: (grams: number) => grams * 3 });
const thank = defineTask({ name: 'thank', run: (id: number) => `thanks for ${id}` });

const ORDER = { id: 7, boxes: 2 };

/** What was recorded. */
export const recorded: Process = async (_, ctx) => {
  const box = await ctx.task(pack, ORDER);
  const grams = await ctx.task(weigh, box, { key: 'weigh' });
  await ctx.task(charge, grams);
  await ctx.parallel.map([1, 2], (n) => ctx.task(thank, n));
  for (const n of [1, 2]) await ctx.task(thank, n);
  return ctx.sleep(10);
};

async function packed(ctx: Context): Promise<number> {
  const box = await ctx.task(pack, ORDER);
  return ctx.task(weigh, box, { key: 'weigh' });
}

async function thanked(ctx: Context): Promise<void> {
  await ctx.parallel.map([1, 2], (n) => ctx.task(thank, n));
  for (const n of [1, 2]) await ctx.task(thank, n);
}

/** By the kind of change. */
export const changed: Readonly<Record<string, Process>> = {
  rename: async (_, ctx) => {
    await ctx.task(bill, await packed(ctx));
    await thanked(ctx);
  },
  insert: async (_, ctx) => {
    const grams = await packed(ctx);
    await ctx.task(thank, 0);
    await ctx.task(charge, grams);
    await thanked(ctx);
  },
  remove: async (_, ctx) => {
    await packed(ctx);
    await thanked(ctx);
  },
  'remove the last': async (_, ctx) => {
    await ctx.task(charge, await packed(ctx));
    await thanked(ctx);
  },
  throws: async (_, ctx) => {
    await packed(ctx);
    throw new TypeError('it has no weight');
  },
  reorder: async (_, ctx) => {
    const grams = await packed(ctx);
    await ctx.parallel.map([1, 2], (n) => ctx.task(thank, n));
    await ctx.task(charge, grams);
    for (const n of [1, 2]) await ctx.task(thank, n);
    await ctx.sleep(10);
  },
  kind: async (_, ctx) => {
    await packed(ctx);
    await ctx.sleep(5);
  },
  input: async (_, ctx) => {
    await ctx.task(pack, { ...ORDER, boxes: 3 });
  },
  key: async (_, ctx) => {
    const box = await ctx.task(pack, ORDER);
    await ctx.task(weigh, box, { key: 'weight' });
  },
  'branch count': async (_, ctx) => {
    await ctx.task(charge, await packed(ctx));
    await ctx.parallel.map([1, 2, 3], (n) => ctx.task(thank, n));
  },
  'loop bound, less': async (_, ctx) => {
    await ctx.task(charge, await packed(ctx));
    await ctx.parallel.map([1, 2], (n) => ctx.task(thank, n));
    for (const n of [1]) await ctx.task(thank, n);
    await ctx.sleep(10);
  },
  'loop bound, more': async (_, ctx) => {
    await ctx.task(charge, await packed(ctx));
    await ctx.parallel.map([1, 2], (n) => ctx.task(thank, n));
    for (const n of [1, 2, 3]) await ctx.task(thank, n);
    await ctx.sleep(10);
  },
  'task version': async (_, ctx) => {
    await ctx.task(charge2, await packed(ctx));
  },
  'moved into parallel': async (_, ctx) => {
    const box = await ctx.task(pack, ORDER);
    await ctx.parallel.all([() => ctx.task(weigh, box, { key: 'weigh' }), () => ctx.task(charge, 7)]);
  },
  'foreign await': async (_, ctx) => {
    await packed(ctx);
    await rawDelay(3_600_000, undefined, { ref: false });
    await ctx.task(charge, 7);
  },
  'another end': async (_, ctx) => {
    await ctx.task(charge, await packed(ctx));
    await thanked(ctx);
    await ctx.sleep(10);
    return 'done';
  },
};
