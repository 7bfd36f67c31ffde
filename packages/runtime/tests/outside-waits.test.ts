import { setImmediate } from 'node:timers/promises';

import { defineProcess } from '@pawl/sdk';
import { expect, test } from 'vitest';

import { openRuntime } from '../src/index.ts';
import { MemoryStore } from '../src/testing.ts';

/** Behind a wait that ctx does not know, it relies on that a branch has begun when `race` returns. */
const leaves = defineProcess({
  name: 'leaves',
  run: async (_: null, ctx) => {
    await setImmediate();
    let left: Promise<unknown> = Promise.resolve('not begun');
    const race = ctx.parallel.race([
      () => {
        left = ctx.sleep('1d');
        return 1;
      },
    ]);
    return await Promise.all([left.catch(() => 'given up'), race]);
  },
});

// Seed 19027222 of the simulation: on replay a branch began once the replay stood there, after the call had returned.
test('what a branch does at once is done when its group returns, on replay as it was', async () => {
  const store = new MemoryStore();
  await using runtime = await openRuntime({ store, processes: [leaves] });
  expect(await runtime.start(leaves, null, { id: 'r' }).result()).toEqual(['given up', 1]);
  expect(await runtime.replay('r', leaves)).toMatchObject({ reached: 'end' });
});
