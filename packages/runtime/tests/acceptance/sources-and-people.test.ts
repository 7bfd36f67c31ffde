import { type Context } from '@pawl/sdk';
import { expect, test } from 'vitest';
import { MemoryStore } from '../../src/testing.ts';
import { Stage, watchForLeaks, type Program } from './stage.fixture.ts';

watchForLeaks();

test('a source without room is nothing that goes on: the run is told to wait for a person', async () => {
  const program: Program = () => async (_, ctx: Context) => {
    const seen: unknown[] = [];
    const three = ctx.source<number, number>(
      'three',
      async function* () {
        for (let n = 0; n < 3; n += 1) yield { item: n, cursor: n };
      },
      { buffer: 1 },
    );
    for await (const n of three) seen.push([n, await ctx.receive(`about ${n}`)]);
    return seen;
  };
  const stage = new Stage();
  const told: string[][] = [];
  await stage.use(
    new MemoryStore(),
    { onWaiting: (_, keys) => void told.push([...keys]) },
    async (runtime) => {
      const handle = runtime.start(program(stage), null as never, { id: 'r' });
      for (let n = 0; n < 3; n += 1) {
        for (let i = 0; i < 5000 && runtime.get('r')?.asked.length !== 1; i += 1)
          await new Promise((resolve) => setImmediate(resolve));
        for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
        await runtime.send('r', `about ${n}`, `said ${n}`);
        for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await handle.result()).toEqual([
        [0, 'said 0'],
        [1, 'said 1'],
        [2, 'said 2'],
      ]);
    },
  );
  // The source and the wait, both.
  expect(told[0]).toEqual(['0', '1']);
});
