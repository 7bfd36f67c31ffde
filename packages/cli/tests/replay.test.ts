import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf } from './pawl.fixture.ts';

const ORDER = `
import { appendFileSync } from 'node:fs';
import { defineTask, type Context } from '@pawl/sdk';

const pack = defineTask({ name: 'pack', run: (id: number) => { appendFileSync('effects.log', 'pack\\n'); return 'box ' + id; } });
const ship = defineTask({ name: 'ship', run: (box: string) => box + ' shipped' });
const gift = async (id: number, ctx: Context) => ctx.task(pack, id * 100);

export async function process(id: number, ctx: Context) {
  const box = await ctx.task(pack, id);
  if (id > 2) await ctx.receive('paid');
  if (id === 2) await ctx.run(gift, id);
  if (id > 90) throw new Error('no such order');
  return ctx.task(ship, box);
}
`;

const FLOW = `
name: greeting
steps:
  - id: hello
    run: [echo, hello]
`;

const folder = new Folder();

beforeAll(async () => {
  folder.write('order.ts', ORDER);
  for (const id of [1, 2, 3])
    expect((await folder.pawl('run', 'order.ts', '-i', String(id), '--id', `order-${id}`)).code).toBe(
      id > 2 ? 13 : 0,
    );
});

afterAll(() => folder[Symbol.dispose]());

function lines(stdout: string): Record<string, unknown>[] {
  return stdout.trim().split('\n').map(documentOf);
}

async function withCode(text: string, ...args: readonly string[]): ReturnType<Folder['pawl']> {
  folder.write('order.ts', text);
  try {
    return await folder.pawl(...args);
  } finally {
    folder.write('order.ts', ORDER);
  }
}

describe('replay --all', () => {
  test('the code as it was: all do the same, runs that runs started too, and nothing is done or written', async () => {
    const effects = folder.effects();
    const file = readFileSync(join(folder.path, '.pawl/journal.db'));
    const { code, stdout, stderr } = await folder.pawl('replay', '--all');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.replace(/in [\d.]+m?s;/, 'in a moment;').split('\n')).toEqual([
      '✓ 3 runs of order do the same',
      expect.stringMatching(/^✓ run order-2\.\S+ of gift does the same$/),
      expect.stringMatching(/^replayed 4 runs, \d+ events in a moment; nothing was run or written$/),
      '',
    ]);
    expect(folder.effects()).toEqual(effects);
    expect(readFileSync(join(folder.path, '.pawl/journal.db')).equals(file)).toBe(true);
  });

  test('code that does something else: exit 7, both sides once for all runs alike', async () => {
    const changed = ORDER.replace("name: 'ship'", "name: 'send'");
    const { code, stdout } = await withCode(changed, 'replay', '--all');
    expect(code).toBe(7);
    expect(stdout).toMatch(
      /^✗ 2 runs of order diverge: the code asks for something else than is recorded\.$/m,
    );
    expect(stdout).toMatch(/^ {2}recorded +task 'ship'$/m);
    expect(stdout).toMatch(/^ {2}asked +task 'send'$/m);
    expect(stdout).toMatch(/^ {2}source +order\.ts:14:\d+$/m);
    expect(stdout).toMatch(/^ {2}runs +order-2, order-1$/m);
    expect(stdout).toMatch(/^✓ run order-3 of order does the same$/m);
  });

  test('code that goes on otherwise where a run stands: what it asks for first, and exit 0', async () => {
    const changed = ORDER.replace(
      "if (id > 2) await ctx.receive('paid');",
      "if (id > 2) await Promise.all([ctx.receive('paid'), ctx.task(ship, 'early')]);",
    );
    const { code, stdout } = await withCode(changed, 'replay', '--all', '--status', 'waiting');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^→ run order-3 of order fits and needs new work: task 'ship' \(call 2,\n {2}order\.ts:11:\d+\)$/m,
    );
    expect(stdout).not.toContain('order-1');
  });

  test('--json: a document for each run, the newest first, and the sums', async () => {
    const changed = ORDER.replace("name: 'ship'", "name: 'send'");
    const { code, stdout } = await withCode(changed, 'replay', '--all', '--json');
    expect(code).toBe(7);
    const documents = lines(stdout);
    expect(documents).toMatchObject([
      { version: 1, run: 'order-3', process: 'order', class: 'same', error: null },
      {
        run: 'order-2',
        class: 'diverges',
        error: {
          code: 'NON_DETERMINISM',
          exitCode: 7,
          data: { recorded: "task 'ship'", asked: "task 'send'" },
        },
      },
      { run: 'order-1', class: 'diverges', seq: 5 },
      { summary: { replayed: 3, same: 1, diverges: 2, needsNewWork: 0, notReplayed: 0, skipped: 0 } },
    ]);
  });

  test('another module: on the runs of its processes, the others are counted', async () => {
    folder.write(
      'new.ts',
      ORDER.replace("name: 'ship'", "name: 'send'").replace(
        'export async function process',
        "import { defineProcess } from '@pawl/sdk';\nexport const process = defineProcess({ name: 'order', run: body });\nasync function body",
      ),
    );
    const { code, stdout } = await folder.pawl('replay', '--all', '-m', 'new.ts', '--json');
    expect(code).toBe(7);
    expect(lines(stdout).at(-1)).toMatchObject({ summary: { replayed: 3, diverges: 2 } });
    folder.write('other.ts', ORDER);
    const other = await folder.pawl('replay', '--all', '-m', 'other.ts');
    expect(other).toMatchObject({ code: 0, stderr: '! no run was replayed\n' });
    expect(other.stdout).toMatch(/^· 4 runs of other processes left out$/m);
    // A function has no name but its file's: then somebody has to say whose code it is.
    const said = await folder.pawl('replay', '--all', '-m', 'other.ts', '-p', 'order');
    expect(said.stdout).toMatch(/^✓ 3 runs of order do the same$/m);
  });
});

describe('what cannot be replayed', () => {
  test('a module that cannot be loaded is told as such, with an exit code of its own', async () => {
    const { code, stdout } = await withCode('export const process = (', 'replay', '--all');
    expect(code).toBe(11);
    expect(stdout).toMatch(/^✗ .*order\.ts/m);
    expect(stdout).toMatch(/^ {2}runs +order-3, order-2, order-1$/m);
    const missing = await folder.pawl('replay', 'order-1', '-m', 'nowhere.ts');
    expect(missing.code).toBe(4);
    expect(missing.stdout).toContain('There is no file nowhere.ts');
  });

  test('where another run diverges that counts more', async () => {
    using own = new Folder();
    own.write('order.ts', ORDER);
    own.write('gone.ts', ORDER);
    await own.pawl('run', 'order.ts', '-i', '1', '--id', 'a');
    await own.pawl('run', 'gone.ts', '-i', '1', '--id', 'b');
    own.write('gone.ts', 'syntax error');
    expect((await own.pawl('replay', '--all')).code).toBe(11);
    own.write('order.ts', ORDER.replace("name: 'pack'", "name: 'wrap'"));
    const { code, stdout } = await own.pawl('replay', '--all', '--json');
    expect(code).toBe(7);
    expect(lines(stdout)).toMatchObject([
      { run: 'b', class: 'not-replayed', error: { exitCode: 11 } },
      { run: 'a', class: 'diverges', seq: 2 },
      { summary: { replayed: 1, diverges: 1, notReplayed: 1 } },
    ]);
  });

  test('bad use', async () => {
    for (const args of [
      [],
      ['order-1', '--all'],
      ['order-1', '-s', 'failed'],
      ['no such id'],
      ['--stall', 'x'],
    ])
      expect((await folder.pawl('replay', ...args)).code, args.join(' ')).toBe(2);
    expect((await folder.pawl('replay', 'order-9')).code).toBe(4);
    using empty = new Folder();
    expect((await empty.pawl('replay', '--all')).code).toBe(4);
    expect(empty.has('.pawl')).toBe(false);
  });
});

test('one that stalls: exit 7, with the line of the wait', async () => {
  const changed = ORDER.replace(
    'return ctx.task(ship, box);',
    'await new Promise((resolve) => setTimeout(resolve, 3_600_000)); return ctx.task(ship, box);',
  );
  const { code, stdout } = await withCode(changed, 'replay', 'order-1', '--stall', '300ms');
  expect(code).toBe(7);
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain('Run order-1 stalls at seq 5');
  expect(stdout).toMatch(/at order\.ts:14:\d+/);
});

test('a workflow in a file', async () => {
  using own = new Folder();
  own.write('greeting.yaml', FLOW);
  expect((await own.pawl('run', 'greeting.yaml', '--id', 'hi')).code).toBe(0);
  expect((await own.pawl('replay', 'hi')).stdout).toContain('✓ run hi of greeting does the same');
  own.write('greeting.yaml', FLOW.replace('hello]', 'bye]'));
  const { code, stdout } = await own.pawl('replay', 'hi');
  expect(code).toBe(7);
  expect(stdout).toMatch(/^ {2}difference +.*hello.*bye/m);
});
