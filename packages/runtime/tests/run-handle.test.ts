import type { Process } from '@pawl/sdk';
import { expect, it } from 'vitest';
import { MemoryStore } from '../src/testing.ts';
import { Lab } from './lab.fixture.ts';

it('what is taken off a handle works as on it', async () => {
  const runtime = await new Lab().open(new MemoryStore());
  const waits: Process = async (_, ctx) => ctx.receive('go');
  const { id, result, events, cancel } = runtime.start(waits, null as never);
  const seen: string[] = [];
  const following = (async () => {
    for await (const { event } of events()) seen.push(event.type);
  })();
  cancel('enough');
  await expect(result()).rejects.toThrow(`Run ${id} was cancelled: enough`);
  await following;
  expect(seen.at(-1)).toBe('RunCancelled');
  await runtime.close();
});

it('a start with an option that there is not is refused before there is a run', async () => {
  const runtime = await new Lab().open(new MemoryStore());
  const ends: Process = () => 1;
  expect(() => runtime.start(ends, null as never, { idd: 'x' } as never)).toThrow(
    /Option 'idd' must be left out: runtime\.start takes id, module, codeHash, reuseFrom, traceparent/,
  );
  expect(() => runtime.start(ends, null as never, 'x' as never)).toThrow(
    /Option 'options' must be an object/,
  );
  expect(runtime.list({ limit: 1 })).toEqual([]);
  await runtime.close();
});
