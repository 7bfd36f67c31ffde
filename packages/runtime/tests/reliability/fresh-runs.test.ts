import { RunLockedError, type Process } from '@pawl/sdk';
import { expect, it } from 'vitest';
import { MemoryStore } from '../../src/testing.ts';
import { Lab, shape } from '../lab.fixture.ts';

it('a run is cancelled in the very moment in which it was started', async () => {
  const lab = new Lab();
  const store = new MemoryStore();
  const long: Process = (_, ctx) => ctx.task(lab.work, { ms: 1e9, value: 1 });
  await using runtime = await lab.open(store);
  const handle = runtime.start(long, null as never, { id: 'r' });
  handle.cancel('never mind');
  expect(runtime.cancel('r')).toBe('asked');
  await lab.clock.advance(10);
  await expect(handle.result()).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(runtime.cancel('r')).toBe('ended');
  expect(() => runtime.cancel('none')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
});

it('a run that is under way is not replayed beside itself', async () => {
  const lab = new Lab();
  const store = new MemoryStore();
  const long: Process = async (_, ctx) => [
    await ctx.task(lab.work, { ms: 10, value: 1 }),
    await ctx.task(lab.work, { ms: 1000, value: 2 }),
  ];
  await using runtime = await lab.open(store);
  const handle = runtime.start(long, null as never, { id: 'r' });
  await lab.clock.advance(100);
  await expect(runtime.replay('r', long)).rejects.toThrow(RunLockedError);
  await lab.clock.advance(1000);
  expect(await handle.result()).toEqual([1, 2]);
  const before = shape(store);
  const report = runtime.replay('r', long);
  await lab.clock.advance(0);
  expect(await report).toMatchObject({ reached: 'end', events: before.length });
});
