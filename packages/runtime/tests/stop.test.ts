import type { Process } from '@pawl/sdk';
import { expect, it } from 'vitest';
import { MemoryStore } from '../src/testing.ts';
import { Lab, shape } from './lab.fixture.ts';

it('a program that stops when it is told of a log line does not wait for what started with it', async () => {
  const lab = new Lab();
  const store = new MemoryStore();
  const process: Process = async (_, ctx) => {
    ctx.log('about to work');
    return ctx.task(lab.work, { ms: 1e9, value: 'never' });
  };
  let closed: Promise<void> | undefined;
  const runtime = await lab.open(store, {
    onLog: () => {
      closed = runtime.close();
    },
  });
  const handle = runtime.start(process, null as never, { id: 'r' });
  await expect(handle.result()).rejects.toMatchObject({ code: 'STOPPED' });
  await closed;
  expect(shape(store)).toEqual(['RunStarted', 'TaskScheduled 0', 'AttemptStarted 0', 'AttemptInterrupted 0']);
});
