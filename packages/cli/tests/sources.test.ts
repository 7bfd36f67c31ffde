import { expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf } from './pawl.fixture.ts';

const MODULE = `
import { appendFileSync } from 'node:fs';
import { defineTask } from '@pawl/sdk';

const convert = defineTask({
  name: 'convert',
  run: async function* (n, task) {
    yield { done: 50 };
    return n * 2;
  },
});

export async function process(input, ctx) {
  const numbers = ctx.source('numbers', async function* (after = 0, source) {
    for (let n = after + 1; n <= 10; n += 1) {
      if (n === 8 && input.dies === source.attempt) globalThis.process.kill(globalThis.process.pid, 'SIGKILL');
      appendFileSync('given.txt', n + ' of attempt ' + source.attempt + '\\n');
      yield { item: n, cursor: n };
    }
  }, { buffer: 1 });
  let sum = 0;
  for await (const n of numbers) sum += n;
  for await (const told of ctx.stream(convert, sum)) {
    if (told.type === 'FINAL') return told.value;
  }
}
`;

test('C52 a program that is killed after 7 of 10 items goes on with the eighth', async () => {
  using folder = new Folder();
  folder.write('m.js', MODULE);
  const killed = await folder.pawl('run', 'm.js', '-i', '{"dies":1}', '--id', 'r');
  expect(killed.signal).toBe('SIGKILL');
  const given = folder.read('given.txt');
  expect(given.trimEnd().split('\n')).toHaveLength(7);
  // With a buffer of 1 the eighth is asked for once the seventh is in the file.
  const events = (await folder.pawl('events', 'r')).stdout;
  expect(events.match(/ItemRecorded/g)).toHaveLength(7);

  const resumed = await folder.pawl('resume', 'r');
  expect(resumed).toMatchObject({ code: 0, stdout: '110\n' });
  expect(folder.read('given.txt').slice(given.length)).toBe(
    '8 of attempt 2\n9 of attempt 2\n10 of attempt 2\n',
  );

  const shown = (await folder.pawl('show', 'r')).stdout;
  expect(shown).toMatch(/✓ source numbers +\S+ +0 +10 items · opened 2 times\n/);
  expect(shown).toMatch(/✓ convert +\S+ +1 +1 item · 55 → 110\n/);
  const lines = (await folder.pawl('events', 'r')).stdout;
  expect(lines).toMatch(/StreamOpened +0 +source numbers\n/);
  expect(lines).toMatch(/ItemRecorded +0 +6: 7\n/);
  expect(lines).toMatch(/StreamEnded +0\n/);
  expect(lines).toMatch(/StreamOpened +1 +progress of convert\n/);
  expect(lines).toMatch(/ItemRecorded +1 +0: \{ done: 50 \}\n/);
  const { run } = documentOf((await folder.pawl('show', 'r', '--json')).stdout) as {
    readonly run: { readonly calls: readonly unknown[] };
  };
  expect(run.calls).toMatchObject([
    {
      kind: 'source',
      name: 'numbers',
      status: 'succeeded',
      items: 10,
      attempts: 2,
      leftAfter: null,
      error: null,
    },
    { kind: 'task', name: 'convert', items: 1, output: 110 },
  ]);
  expect((await folder.pawl('verify', 'r')).code).toBe(0);
});
