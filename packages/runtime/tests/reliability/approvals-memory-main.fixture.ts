/** 500 questions open at once under a pool of one, on a file; prints by how many bytes the resident memory grew. */
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { defineProcess, defineTask } from '@pawl/sdk';
import { openRuntime } from '@pawl/runtime';

const ship = defineTask({ name: 'ship', run: (n: number) => n });
const asking = defineProcess({
  name: 'asking',
  run: async (width: number, ctx) => {
    const list = Array.from({ length: width }, (_, i) => i);
    const ask = async (n: number): Promise<number | null> => {
      const { approved } = await ctx.breakpoint({ title: `Item ${n}`, question: 'Is it good?' });
      return approved ? ctx.task(ship, n, { pool: 'one' }) : null;
    };
    return (await ctx.parallel.map(list, ask, { concurrency: Infinity })).length;
  },
});

const runtime = await openRuntime({ path: join(process.argv[2] ?? '.', 'journal.db'), pools: { one: 1 } });

/** @returns the resident memory while all of them wait */
async function asked(id: string, width: number): Promise<number> {
  const run = runtime.start(asking, width, { id });
  while (runtime.get(id) === undefined || runtime.waits(id).length < width) await setTimeout(5);
  const slots = runtime.pools().find(({ name }) => name === 'one')?.active ?? 0;
  if (slots > 0) throw new TypeError(`${slots} slots are held`);
  const bytes = process.memoryUsage.rss();
  for (let i = 0; i < width; i += 1) await runtime.respond(id, `0/${i}/0`, { approved: i % 2 === 0 });
  await run.result();
  return bytes;
}

await asked('few', 5);
globalThis.gc?.();
const before = process.memoryUsage.rss();
const open = await asked('many', 500);
await runtime.close();
console.log(open - before);
