import { expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf } from './pawl.fixture.ts';

const MODULE = `
import type { Context } from '@pawl/sdk';

export const process = async (customer: unknown, ctx: Context) => {
  ctx.setState('customer', customer);
  ctx.setState('stage', 'asks');
  await ctx.receive('answer');
};
`;

test('what runs say of themselves is shown, and they are found by it', async () => {
  using folder = new Folder();
  folder.write('asks.ts', MODULE);
  for (const [id, customer] of [
    ['number', '42'],
    ['text', '"42"'],
    ['other', '7'],
    ['list', '["a=b"]'],
  ] as const)
    expect(await folder.pawl('run', 'asks.ts', '-i', customer, '--id', id)).toMatchObject({ code: 13 });
  const found = async (...args: readonly string[]): Promise<string[]> =>
    (await folder.pawl('list', '-o', 'ids', ...args)).stdout.trim().split('\n');
  expect(await found('--where', 'customer=42', '--status', 'waiting')).toEqual(['text', 'number']);
  expect(await found('--where', 'customer="42"')).toEqual(['text']);
  expect(await found('--where', 'customer=["a=b"]')).toEqual(['list']);
  expect(await found('--where', 'customer=7', '--where', 'stage=asks')).toEqual(['other']);
  expect(await found('-w', 'customer=7', '-w', 'customer=42')).toEqual(['other', 'text', 'number']);
  expect(await found('--where', 'customer=7', '--status', 'succeeded')).toEqual(['']);
  expect((await folder.pawl('list', '-n', '1', '-w', 'stage=asks')).stderr).toContain('--where stage=asks');
  const shown = await folder.pawl('show', 'number');
  expect(shown.stdout).toMatch(/^ {2}state +customer 42 · stage "asks"$/m);
  expect(documentOf((await folder.pawl('show', 'list', '--json')).stdout)).toMatchObject({
    run: { state: { customer: ['a=b'], stage: 'asks' } },
  });
  expect((await folder.pawl('events', 'number')).stdout).toMatch(/StateSet +state +customer = 42/);
  expect(await folder.pawl('list', '--where', 'customer')).toMatchObject({ code: 2 });
  expect(
    await folder.pawl('list', ...Array.from({ length: 17 }, (_, i) => ['-w', `n${i}=1`]).flat()),
  ).toMatchObject({
    code: 11,
  });
});
