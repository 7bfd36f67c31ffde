/* What a wait takes, as others can read it: recorded beside the wait, and of no weight for a replay. */
import { defineProcess, defineTask, type Context } from '@pawl/sdk';
import { expect, test } from 'vitest';
import { z } from 'zod';

import { markedPayload } from '../../src/journal/sealed-payload.ts';
import { parseEvent, storeEvent, storeParts } from '../../src/journal/stored-event.ts';
import { openRuntime, type Runtime } from '../../src/runtime.ts';
import { MemoryStore, seededEntropy } from '../../src/testing.ts';
import { journal } from '../lab.fixture.ts';
import { until } from '../until.fixture.ts';

const ORDER = z.object({ amount: z.number().min(1), note: z.string().optional() });
const ORDER_JSON = {
  type: 'object',
  properties: { amount: { type: 'number', minimum: 1 }, note: { type: 'string' } },
  required: ['amount'],
};

/** @returns how often the schema was converted since */
function countConversions(schema: z.ZodType): () => number {
  let count = 0;
  const { input, output } = schema['~standard'].jsonSchema;
  const counted = (...given: Parameters<typeof input>): ReturnType<typeof input> => {
    count += 1;
    return input(...given);
  };
  Object.assign(schema['~standard'], { jsonSchema: { input: counted, output } });
  return () => count;
}

function waitsWith(schema: z.ZodType | undefined, name = 'order'): ReturnType<typeof defineProcess> {
  const run = (_: null, ctx: Context): Promise<unknown> =>
    schema === undefined ? ctx.receive(name) : ctx.receive(name, { schema });
  return defineProcess({ name: 'waits', run }) as never;
}

async function open(store: MemoryStore): Promise<Runtime> {
  return await openRuntime({ store, entropy: seededEntropy(1), onWarning: () => undefined });
}

/** A run that waits, and what it recorded of that. */
async function waiting(process: ReturnType<typeof defineProcess>): Promise<MemoryStore> {
  const store = new MemoryStore();
  await using runtime = await open(store);
  runtime
    .start(process, null as never, { id: 'r' })
    .result()
    .catch(() => undefined);
  await until(() => runtime.get('r')?.asked.length === 1);
  return store;
}

test('what a message must look like is told to whoever can answer', async () => {
  const store = await waiting(waitsWith(ORDER));
  await using runtime = await open(store);
  expect(runtime.waits('r')).toMatchObject([{ kind: 'message', name: 'order', schema: ORDER_JSON }]);
  const [, wait] = journal(store);
  expect(wait?.event).toMatchObject({ type: 'SignalAwaited', schema: ORDER_JSON });
});

test('another schema under the same name is the same call: nothing is written, and nothing converted', async () => {
  const store = await waiting(waitsWith(ORDER));
  const before = journal(store).length;
  const later = z.object({ amount: z.number() });
  const converted = countConversions(later);
  await using runtime = await open(store);
  const handle = runtime.resume('r', waitsWith(later));
  await runtime.send('r', 'order', { amount: 0 });
  expect(await handle.result()).toEqual({ amount: 0 });
  expect(converted()).toBe(0);
  expect(
    journal(store)
      .map(({ event }) => event.type)
      .slice(before),
  ).toEqual(['SignalReceived', 'RunSucceeded']);
});

test.each([
  ['none', undefined],
  ['one that JSON Schema cannot say', z.object({ when: z.date() })],
  ['one that is too long', z.enum(Array.from({ length: 3000 }, (_, n) => `word ${n}`))],
])('%s: nothing is told, the row is as it was, and the wait is one', async (_, schema) => {
  const store = await waiting(waitsWith(schema));
  await using runtime = await open(store);
  expect(runtime.waits('r')).toMatchObject([{ name: 'order', schema: null }]);
  const event = journal(store)[1]?.event ?? expect.fail();
  expect(storeEvent(event).payload).toBe('{"key":"0","name":"order"}');
});

test('a task tells what it waits for, too', async () => {
  const hears = defineTask({
    name: 'hears',
    run: (_: null, task) => task.receive('code', { schema: ORDER }),
  });
  const run = (_: null, ctx: Context): Promise<unknown> => ctx.task(hears, null);
  const store = await waiting(defineProcess({ name: 'listens', run }) as never);
  const found = journal(store).find(({ event }) => event.type === 'TaskSignalAwaited');
  expect(found?.event).toMatchObject({ name: 'code', schema: ORDER_JSON });
});

test('a schema converts once, however often it is waited for', async () => {
  const schema = z.string();
  const converted = countConversions(schema);
  const process = defineProcess({
    name: 'thrice',
    run: async (_: null, ctx: Context) => {
      for (let n = 0; n < 3; n += 1) await ctx.receive('word', { schema });
      return 'done';
    },
  });
  await using runtime = await open(new MemoryStore());
  const handle = runtime.start(process, null, { id: 'r' });
  for (const word of ['a', 'b', 'c']) await runtime.send('r', 'word', word);
  expect(await handle.result()).toBe('done');
  expect(converted()).toBe(1);
});

test('what a schema says is a value: it is sealed, and missing where nobody has the key', () => {
  const event = {
    type: 'SignalAwaited',
    key: '0',
    name: 'n',
    timeoutMs: null,
    prompt: null,
    data: null,
    schema: { const: 'canary' },
  } as const;
  const { open: seen, closed } = storeParts(event);
  expect([seen.includes('canary'), closed.includes('canary')]).toEqual([false, true]);
  expect(parseEvent(storeEvent(event))).toStrictEqual(event);
  const marked = parseEvent({ ...storeEvent(event), payload: markedPayload(event.type, seen) });
  expect(marked).not.toHaveProperty('schema');
});
