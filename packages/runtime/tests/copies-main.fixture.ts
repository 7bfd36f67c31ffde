/** Writes steps to a journal until it is killed. */
import { defineTask, type Context } from '@pawl/sdk';

import { openRuntime } from '../src/index.ts';

const step = defineTask({ name: 'step', run: (n: number) => ({ n, text: 'x'.repeat(500) }) });
const runtime = await openRuntime({ path: process.argv[2] ?? '' });
const run = runtime.start(
  {
    name: 'writer',
    run: async (_: null, ctx: Context) => {
      for (let n = 0; ; n += 1) await ctx.task(step, n);
    },
  },
  null,
  { id: 'writer' },
);
for await (const told of runtime.events())
  if (told.type === 'event' && told.event.type === 'TaskSucceeded') {
    process.stdout.write('writes\n');
    break;
  }
await run.result();
