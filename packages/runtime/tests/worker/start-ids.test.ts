import { defineProcess, type Context } from '@pawl/sdk';
import { expect, it } from 'vitest';
import { Floor } from './bench.fixture.ts';

it('a start that waits is no run that another one starts under its id, unless that is the same', async () => {
  const floor = new Floor();
  const receives = async (n: number, ctx: Context): Promise<unknown> => [n, await ctx.receive('m')];
  const own = defineProcess({ name: 'own', run: receives });
  const other = defineProcess({ name: 'other', run: receives });
  const starter = defineProcess({
    name: 'starter',
    run: async (process: 'own' | 'other', ctx: Context) =>
      ctx.run(process === 'own' ? own : other, 7, { id: 'r' }),
  });
  const { runtime } = await floor.worker([own, other, starter]);
  await runtime.enqueue(own, 7, { id: 'r', delay: '1h' });
  await runtime.send('r', 'm', 'to own');
  await runtime.enqueue(starter, 'other', { id: 'refused' });
  await floor.clock.advance(1000);
  expect(runtime.get('refused')).toMatchObject({ status: 'failed' });
  expect(floor.store.read('refused', 0, 9).at(-1)?.event).toMatchObject({
    error: { cause: { message: expect.stringContaining("Run r exists already, of process 'own'") } },
  });
  expect(runtime.queue.list(9).map(({ runId }) => runId)).toEqual(['r']);
  await runtime.enqueue(starter, 'own', { id: 'same' });
  await floor.clock.advance(1000);
  expect(floor.store.read('same', 0, 9).at(-1)?.event).toMatchObject({ output: [7, 'to own'] });
});
