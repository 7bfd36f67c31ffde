import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { defineTask, type Context, type Process } from '@pawl/sdk';
import { afterAll, describe, expect, it } from 'vitest';
import { JournalTextRefusal } from '../../src/index.ts';
import { assertReplays, mock, recordFixture, testRuntime, type TestRuntime } from '../../src/testing.ts';
import { everyCallOf } from '../every-call.fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'pawl-fixtures-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const price = defineTask({ name: 'price', run: (_: { item: string }) => 0 });
let calls = 0;
const tasks = [
  mock(price, ({ item }) => {
    calls += 1;
    return item.length;
  }),
];

const order: Process<{ items: string[] }, number> = async ({ items }, ctx) => {
  const prices = await ctx.parallel.map(items, (item) => ctx.task(price, { item }));
  await ctx.sleep('30d');
  const discount = await ctx.receive('discount', { timeout: '1d' });
  return prices.reduce((sum, each) => sum + each, 0) - Number(discount);
};

describe('a fixture', () => {
  const file = join(folder, 'deep', 'order.journal.txt');
  const record = (): Promise<string> =>
    recordFixture(
      file,
      order,
      { items: ['a', 'bb'] },
      {
        tasks,
        world: (test) => test.send('fixture', 'discount', 1, { after: '30d' }),
      },
    );

  it('is recorded once, and replays with the same code: no task runs', async () => {
    const text = await record();
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(calls).toBe(2);
    expect(await record()).toBe(text);
    for (const journal of [file, pathToFileURL(file), text]) {
      const { reached, events } = await assertReplays(journal, order);
      expect([reached, events]).toEqual(['end', text.trim().split('\n').length - 1]);
    }
    expect(calls).toBe(2);
  });

  it('is the same text, byte for byte, whenever it is recorded', async () => {
    const again = join(folder, 'again.txt');
    const world = (test: TestRuntime): unknown => test.send('fixture', 'discount', 1, { after: '30d' });
    expect(await recordFixture(again, order, { items: ['a', 'bb'] }, { tasks, world })).toBe(await record());
  });

  it('is what other code diverges from, with the report', async () => {
    await record();
    const other: Process<{ items: string[] }, number> = async ({ items }, ctx) => {
      await ctx.sleep('30d');
      return items.length;
    };
    await expect(assertReplays(file, other)).rejects.toMatchObject({
      code: 'NON_DETERMINISM',
      report: { seq: 2, key: '0', where: expect.stringContaining(import.meta.filename) },
    });
  });

  it('of a run that has not ended, replays up to where the code asks for new work', async () => {
    const lines = (await record()).trim().split('\n');
    const head = JSON.stringify({ ...(JSON.parse(lines[0] ?? '') as object), events: 4 });
    const cut = `${[head, ...lines.slice(1, 5)].join('\n')}\n`;
    expect(await assertReplays(cut, order)).toMatchObject({ reached: 'head', events: 4 });
  });

  it('may be compacted', async () => {
    const sum: Process<null, number> = (_, ctx: Context) =>
      ctx.reduce(
        Array.from({ length: 400 }, (_each, n) => n),
        0,
        (total: number, n) => total + Number(n),
        {
          each: async (n) => {
            await ctx.sleep(1);
            return n;
          },
          foldEvery: 50,
        },
      );
    await using test = await testRuntime({ limits: { compactRows: 20 } });
    expect(await test.run(sum, null, { id: 'sum' })).toBe(79_800);
    const text = test.journal('sum');
    expect(text).toContain('"type":"Compacted"');
    expect(await assertReplays(text, sum)).toMatchObject({ reached: 'end' });
  });

  it('is kept of a process that throws', async () => {
    const failing: Process<null, never> = async (_, ctx: Context) => {
      await ctx.sleep('1h');
      throw new Error('no luck');
    };
    const text = await recordFixture(join(folder, 'failing.txt'), failing, null);
    expect(text).toContain('no luck');
    expect(await assertReplays(text, failing)).toMatchObject({ reached: 'end' });
  });

  it('that waits for something outside ctx that never comes is stalled', async () => {
    const waits = async (_: unknown, ctx: Context): Promise<void> => {
      await new Promise(() => undefined);
      await ctx.sleep(1);
    };
    await expect(assertReplays(await record(), waits as Process)).rejects.toMatchObject({ code: 'STALLED' });
  });

  it.each([
    ['a text that is no journal', 'hello\n', JournalTextRefusal],
    ['a file that is not there', join(tmpdir(), 'no-such-journal.txt'), /ENOENT/],
  ])('is not %s', async (_, journal, error) => {
    await expect(assertReplays(journal, order)).rejects.toThrow(error as never);
  });

  it('is not a file that holds another thing', async () => {
    const path = join(folder, 'other.txt');
    writeFileSync(path, '{}\n');
    await expect(assertReplays(path, order)).rejects.toThrow(JournalTextRefusal);
  });
});

describe('journals of released versions', () => {
  const fixtures = join(import.meta.dirname, '..', '..', '..', '..', 'journal-fixtures');
  const [version = ''] = readdirSync(fixtures).filter((name) => /^\d/.test(name));
  const names = readdirSync(join(fixtures, version)).filter((name) => /^every-call\..*txt$/.test(name));

  it.each(names)('%s replays', async (name) => {
    const process = await everyCallOf(version);
    expect(await assertReplays(join(fixtures, version, name), process)).toMatchObject({ reached: 'end' });
  });
});
