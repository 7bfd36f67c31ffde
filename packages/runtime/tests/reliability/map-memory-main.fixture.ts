/** A map of 10,000 trivial tasks, 50 at once, on a file; prints by how many MiB the resident memory grew at most. */
import { join } from 'node:path';
import process from 'node:process';
import { defineProcess, defineTask } from '@pawl/sdk';
import { openRuntime } from '@pawl/runtime';

const double = defineTask({ name: 'double', run: (n: number) => n * 2 });
const wide = defineProcess({
  name: 'wide',
  run: async (width: number, ctx) => {
    const list = Array.from({ length: width }, (_, i) => i);
    return (await ctx.parallel.map(list, (n) => ctx.task(double, n), { concurrency: 50 })).length;
  },
});

const runtime = await openRuntime({ path: join(process.argv[2] ?? '.', 'journal.db') });
await runtime.start(wide, 10).result();
globalThis.gc?.();
const before = process.memoryUsage.rss();
let highest = before;
const watch = setInterval(() => (highest = Math.max(highest, process.memoryUsage.rss())), 5);
await runtime.start(wide, 10_000).result();
clearInterval(watch);
highest = Math.max(highest, process.memoryUsage.rss());
await runtime.close();
console.log((highest - before) / 2 ** 20);
