import { once } from 'node:events';
import type { Process } from '@pawl/sdk';
import { expect, it } from 'vitest';
import { MemoryStore } from '../src/testing.ts';
import { Lab, shape } from './lab.fixture.ts';

it('a listener that throws ends no run, and is told as a warning', async () => {
  const lab = new Lab();
  const store = new MemoryStore();
  const process: Process = async (_, ctx) => {
    ctx.log('to a logger that is broken');
    return ctx.task(lab.work, { ms: 1, value: 'done' });
  };
  const warned = once(globalThis.process, 'warning');
  const outcome = await lab.drive(store, process, null, {
    onLog: () => {
      throw new Error('the disk of the logs is full');
    },
  });
  expect(outcome).toEqual({ value: 'done' });
  expect(shape(store).at(-1)).toBe('RunSucceeded');
  expect(await warned).toMatchObject([{ message: 'the disk of the logs is full' }]);
});
