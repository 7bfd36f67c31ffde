import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf, until } from './pawl.fixture.ts';

const ORDER = `
import { appendFileSync, existsSync } from 'node:fs';
import { defineTask, type Context } from '@pawl/sdk';

const told = (line: string): void => appendFileSync('effects.log', line + '\\n');
const quote = defineTask({ name: 'quote', run: (sku: string) => { told('quote ' + sku); return sku.length * 10; } });
const charge = defineTask({
  name: 'charge',
  run: async (amount: number) => {
    told('charge ' + amount);
    while (existsSync('slow')) await new Promise((resolve) => setTimeout(resolve, 10));
    if (existsSync('down')) throw new Error('the provider is down');
    return 'paid ' + amount;
  },
});
const mail = defineTask({ name: 'mail', retry: { attempts: 2 }, run: (text: string) => { told('mail ' + text); return text; } });

export async function process({ skus }: { skus: string[] }, ctx: Context): Promise<string> {
  const prices = await ctx.parallel.map(skus, (sku) => ctx.task(quote, sku));
  const paid = await ctx.task(charge, prices.reduce((sum, price) => sum + price, 0), { key: 'charge' });
  return ctx.task(mail, paid, { key: 'mail' });
}
`;

const RUN = ['run', 'order.ts', '--id', 'one', '--input', '{"skus":["hat","shoe"]}'] as const;

function shop(...files: readonly string[]): Folder {
  const folder = new Folder();
  folder.write('order.ts', ORDER);
  for (const file of files) folder.write(file, '');
  return folder;
}

function remove(folder: Folder, name: string): void {
  rmSync(join(folder.path, name));
}

describe.concurrent('steering a run', () => {
  test('retry does again what failed and keeps the rest; the run stays as it was', async () => {
    using folder = shop('down');
    expect((await folder.pawl(...RUN)).code).toBe(3);
    const { stdout: before } = await folder.pawl('events', 'one', '--json');
    remove(folder, 'down');
    const plan = documentOf((await folder.pawl('retry', 'one', '--dry-run', '--json')).stdout);
    expect(plan['fork']).toMatchObject({
      parent: 'one',
      before: ':charge',
      kept: [{ name: 'quote', count: 2 }],
      again: [{ key: ':charge', name: 'charge', outcome: 'failed', risky: true }],
    });
    expect(await folder.pawl('retry', 'one', '--id', 'two')).toMatchObject({ code: 0, stdout: 'paid 70\n' });
    expect(folder.effects()).toEqual(['quote hat', 'quote shoe', 'charge 70', 'charge 70', 'mail paid 70']);
    expect((await folder.pawl('events', 'one', '--json')).stdout).toBe(before);
    const { stdout } = await folder.pawl('show', 'two');
    expect(stdout).toContain('fork of  one, behind event ');
    expect((await folder.pawl('show', 'one')).stdout).toMatch(/forks +two/);
    expect((await folder.pawl('verify')).code).toBe(0);
    expect((await folder.pawl('retry', 'two')).stderr).toContain('has not failed');
  });

  test('fork refuses to repeat what nothing declares safe, until that is said', async () => {
    using folder = shop();
    await folder.pawl(...RUN);
    const refused = await folder.pawl('fork', 'one', '--at', ':charge');
    expect(refused.code).toBe(11);
    expect(refused.stderr).toContain('--yes');
    expect((await folder.pawl('fork', 'one', '--at', ':charge', '--dry-run')).stdout).toContain('!  :charge');
    expect((await folder.pawl('fork', 'one', '--at', ':charge', '--yes')).code).toBe(0);
    // A task that may be tried again may be repeated.
    expect((await folder.pawl('fork', 'one', '--at', ':mail')).code).toBe(0);
    const set = await folder.pawl('fork', 'one', '--set', ':charge="by hand"', '--id', 'set');
    expect(set).toMatchObject({ code: 0, stdout: 'by hand\n' });
    expect((await folder.pawl('fork', 'one', '--at', ':chrge')).stderr).toContain('Did you mean :charge?');
    expect((await folder.pawl('fork', 'one', '--set', ':charge=by hand')).stderr).toContain('is not JSON');
    expect(folder.effects().filter((line) => line.startsWith('charge'))).toHaveLength(2);
  });

  test('kill -9 in a fork, then resume: it goes on with what was given', async () => {
    using folder = shop();
    await folder.pawl(...RUN);
    folder.write('slow', '');
    const fork = folder.start(['fork', 'one', '--at', ':charge', '--yes', '--id', 'f']);
    await until(() => folder.effects().filter((line) => line === 'charge 70').length === 2);
    fork.child.kill('SIGKILL');
    await fork.ended;
    remove(folder, 'slow');
    expect(await folder.pawl('resume', 'f')).toMatchObject({ code: 0, stdout: 'paid 70\n' });
    expect(folder.effects().filter((line) => line.startsWith('quote'))).toHaveLength(2);
    expect((await folder.pawl('verify')).code).toBe(0);
  });

  test('rewind gives an open run up, exec-step repeats one call, and a start takes results over', async () => {
    using folder = shop();
    folder.write(
      'ask.ts',
      `import { appendFileSync } from 'node:fs';
       import { defineTask } from '@pawl/sdk';
       const draft = defineTask({ name: 'draft', retry: { attempts: 2 }, run: (topic: string) => {
         appendFileSync('effects.log', 'draft ' + topic + '\\n'); return 'about ' + topic; } });
       export const process = async ({ topic }, ctx) => {
         const text = await ctx.task(draft, topic, { key: 'draft' });
         await ctx.receive('go');
         return text;
       };`,
    );
    expect((await folder.pawl('run', 'ask.ts', '--id', 'a', '--input', '{"topic":"x"}')).code).toBe(13);
    const rewound = await folder.pawl(
      'rewind',
      'a',
      '--at',
      ':draft',
      '--input',
      '{"topic":"y"}',
      '--id',
      'b',
    );
    expect(rewound.code).toBe(13);
    expect((await folder.pawl('list', '--json')).stdout).toMatch(/"id":"a"[^}]*"status":"cancelled"/);
    expect(await folder.pawl('exec-step', 'b', ':draft')).toMatchObject({ code: 0, stdout: 'about y\n' });
    expect((await folder.pawl('exec-step', 'b', ':daft')).stderr).toContain('Did you mean :draft?');
    const warm = ['run', 'ask.ts', '--id', 'c', '--input', '{"topic":"y"}', '--reuse-from', 'b'] as const;
    expect((await folder.pawl(...warm)).code).toBe(13);
    expect(folder.effects()).toEqual(['draft x', 'draft y', 'draft y']);
    expect((await folder.pawl('show', 'c')).stdout).toMatch(/reuses +b/);
  });
});
