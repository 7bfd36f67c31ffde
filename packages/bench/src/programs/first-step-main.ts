/** What a user embeds: opens a journal and runs one step. Says when that step was durable. */
import { join } from 'node:path';

import { openRuntime } from '@pawl/runtime';
import { defineProcess, defineTask } from '@pawl/sdk';

import { benchFolder } from '../bench-folder.ts';
import { peakRss } from '../probe.ts';

let durableAt = 0;

const hello = defineTask({ name: 'hello', run: async (name: string) => `Hello, ${name}!` });
/** A task starts after the commit of what came before it. */
const after = defineTask({
  name: 'after',
  run: async () => {
    durableAt = performance.timeOrigin + performance.now();
  },
});

const greet = defineProcess({
  name: 'greet',
  run: async (name: string, ctx) => {
    const greeting = await ctx.task(hello, name);
    await ctx.task(after);
    return greeting;
  },
});

const runtime = await openRuntime({ path: join(benchFolder(), 'first.db') });
await runtime.start(greet, 'you').result();
await runtime.close();
console.log(JSON.stringify({ at: durableAt, rssBytes: peakRss() }));
