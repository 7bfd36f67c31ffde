import { join } from 'node:path';

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { DESCRIBED, jsonSchemaOf } from '../src/json-schema/json-schema.ts';
import { COMMANDS } from '../src/command-list.ts';
import { Folder } from './here.fixture.ts';
import { documentOf, until } from './pawl.fixture.ts';
import { printed } from './printed.fixture.ts';
import { buildPageOnce } from './ui.fixture.ts';

// Every command that takes --json says what it writes, and real documents of each are held against that.

const ORDER = `
import { defineTask, externalTask, type Context } from '@pawl/sdk';

const reserve = defineTask({ name: 'reserve', pool: 'shelf', run: (item: string) => item });
const charge = defineTask({ name: 'charge', retry: { attempts: 2, delay: 1 }, run: (amount: number, { attempt }) => {
  if (amount > 100 || attempt === 1) throw new RangeError('a card takes no ' + amount);
  return { receipt: amount, at: new Date(0) };
} });
const review = externalTask({ name: 'review', kind: 'agent', title: 'Look at it' });
const box = async (item: string) => 'box of ' + item;

export async function process({ amount, asks }: { amount: number; asks?: string }, ctx: Context) {
  ctx.pool('shelf', { maxConcurrent: 2 });
  ctx.setState('amount', amount);
  ctx.log('an order of', amount);
  await ctx.parallel.map(['a', 'b'], (item) => ctx.task(reserve, item));
  await ctx.sleep(1);
  await ctx.run(box, 'a');
  if (asks === 'message') await ctx.receive('approval', { prompt: 'Charge?', timeout: '2d' });
  if (asks === 'people') await ctx.breakpoint({ title: 'ship', question: 'Ship?', options: ['yes', 'no'] });
  if (asks === 'agent') await ctx.task(review, null);
  return ctx.task(charge, amount);
}
`;
const FLOW = 'name: flow\nsteps:\n  - id: one\n    run: [echo, hi]\n';

const folder = new Folder();
const db = join(folder.path, '.pawl/journal.db');
const validators = new Map<string, ValidateFunction>();
const seen = new Set<string>();
afterAll(() => folder[Symbol.dispose]());

/** Fields that a schema does not name are added to a document for nobody. */
function closed(shape: unknown): unknown {
  if (Array.isArray(shape)) return shape.map(closed);
  if (typeof shape !== 'object' || shape === null) return shape;
  const inner = Object.fromEntries(Object.entries(shape).map(([name, value]) => [name, closed(value)]));
  return 'properties' in inner && !('additionalProperties' in inner)
    ? { ...inner, additionalProperties: false }
    : inner;
}

function validatorOf(command: string): ValidateFunction {
  let validator = validators.get(command);
  if (validator === undefined) {
    const schema = jsonSchemaOf(command);
    if (schema === undefined) throw new TypeError(`no schema of ${command}`);
    validator = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(
      closed(schema) as object,
    );
    validators.set(command, validator);
  }
  return validator;
}

/** What is told of a document that fits none of several is about where it came nearest to fitting. */
function hold(command: string, text: string): void {
  for (const line of text.split('\n').filter((each) => each.startsWith('{'))) {
    const validate = validatorOf(command);
    seen.add(command);
    if (validate(JSON.parse(line))) continue;
    const errors = validate.errors ?? [];
    const deepest = Math.max(...errors.map(({ instancePath }) => instancePath.split('/').length));
    const near = errors.filter(({ instancePath }) => instancePath.split('/').length === deepest);
    const told = near.map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    );
    expect.soft(told, `${command} wrote what its schema does not say: ${line}`).toEqual([]);
  }
}

/** The real program: for what loads code. */
async function spawned(...args: readonly string[]): Promise<number | null> {
  const { code, stdout, stderr } = await folder.pawl(args[0] ?? '', '--json', ...args.slice(1));
  hold(args[0] ?? '', stdout);
  hold(args[0] ?? '', stderr);
  return code;
}

/** In this process: for what only reads, or leaves something for a run. */
async function said(...args: readonly string[]): Promise<number> {
  const all = [...args, '--json', ...(args.includes('--db') ? [] : ['--db', db])];
  const { code, out, err } = await printed(all, { cwd: folder.path, now: Date.now() });
  hold(args[0] ?? '', out);
  hold(args[0] ?? '', err);
  return code;
}

beforeAll(async () => {
  folder.write('order.ts', ORDER);
  folder.write('flow.yaml', FLOW);
  expect(await spawned('run', 'order.ts', '--id', 'good', '-i', '{"amount":5}')).toBe(0);
  expect(await spawned('run', 'order.ts', '--id', 'bad', '-i', '{"amount":500}')).toBe(3);
  const waits = ['message', 'people', 'agent', 'agent-two'].map((id) =>
    spawned('run', 'order.ts', '--id', id, '-i', JSON.stringify({ amount: 5, asks: id.replace('-two', '') })),
  );
  expect(await Promise.all(waits)).toEqual([13, 13, 13, 13]);
});

test('runs as they are looked at', async () => {
  const args = [
    ['list', '-n', '2'],
    ['list', '--status', 'failed'],
    ['show', 'good'],
    ['show', 'bad'],
    ['show', 'message'],
    ['show', 'people'],
    ['show', 'agent'],
    ['why', 'bad'],
    ['why', 'message'],
    ['why', 'people'],
    ['why', 'agent'],
    ['diff', 'good', 'bad'],
    ['timeline', 'good'],
    ['events', 'agent'],
    ['top'],
    ['export', 'good', '-o', join(folder.path, 'good.pawl')],
    ['import', join(folder.path, 'good.pawl')],
    ['backup', join(folder.path, 'backup.db')],
    ['prune', '--older-than', '1d', '--dry-run'],
    ['key'],
    ['key', 'new'],
    ['pools'],
    ['stats', 'order'],
    ['sql', 'select * from steps'],
    ['sql', '--schema'],
    ['waiting'],
    ['tasks'],
    ['verify'],
    ['check', join(folder.path, 'flow.yaml')],
    ['graph', join(folder.path, 'flow.yaml')],
    ['doctor'],
    ['init', join(folder.path, 'fresh')],
    ['completion', 'bash'],
    ['docs'],
    ['docs', 'sql'],
    ['schema', 'list'],
    ['schema'],
  ];
  for (const each of args) expect(await said(...each), each.join(' ')).toBe(0);
  expect(await said('show', 'nobody')).toBe(4);
});

test('what is left for runs', async () => {
  expect(await spawned('enqueue', 'order.ts', '--id', 'queued', '-i', '{"amount":5}')).toBe(0);
  expect(await said('show', 'queued')).toBe(0);
  expect(await said('why', 'queued')).toBe(0);
  expect(await said('queue')).toBe(0);
  expect(await said('queue', 'remove', 'queued')).toBe(0);
  expect(
    await spawned('schedule', 'add', '0 9 * * 1', 'order.ts', '-i', '{"amount":5}', '--name', 'weekly'),
  ).toBe(0);
  expect(await said('schedule')).toBe(0);
  expect(await said('schedule', 'pause', 'weekly')).toBe(0);
  expect(await said('send', 'message', 'approval', 'true')).toBe(0);
  expect(await said('approve', 'people', '--as', 'ada', '--option', 'yes')).toBe(0);
  expect(await said('reject', 'people', '--as', 'bob')).not.toBe(2);
  const { tasks } = documentOf((await folder.pawl('tasks', 'agent', '--json')).stdout) as {
    tasks: { id: string }[];
  };
  expect(await said('task', 'claim', tasks[0]?.id ?? '', '--as', 'ada')).toBe(0);
  expect(await said('resolve', 'message', '9', '--as', 'retry')).not.toBe(2);
  expect(await said('cancel', 'message')).toBe(0);
});

test('what drives runs', async () => {
  expect(await spawned('resume', 'people')).toBe(0);
  expect(await spawned('resume', '--all')).not.toBe(2);
  expect(await spawned('retry', 'bad', '--dry-run')).toBe(0);
  expect(await spawned('fork', 'good', '--at', '3', '--id', 'again')).toBe(0);
  expect(await spawned('rewind', 'good', '--at', '3', '--dry-run')).toBe(0);
  expect(await spawned('exec-step', 'good', '3')).not.toBe(2);
  expect(await spawned('replay', '--all')).toBe(0);
  expect(await spawned('replay', 'good', '--to', '5')).toBe(0);
  expect(await spawned('logs', 'good')).toBe(0);
  expect(await spawned('work', '--until-idle')).toBe(0);
  expect(await spawned('prune', '--older-than', '1ms')).toBe(0);
  expect(await spawned('compact')).toBe(0);
  expect(await spawned('respond', 'agent', '--run', 'agent-two', '--until-idle', '--', 'echo', '{}')).toBe(0);
});

test('what is encrypted, and another key', async () => {
  const path = join(folder.path, 'backup.db');
  const asked = (...words: readonly string[]): Promise<number> => said('key', ...words, '--db', path);
  vi.stubEnv('PAWL_KEY', 'ab'.repeat(32));
  try {
    expect(await asked('rotate')).toBe(11);
    expect(await said('prune', '--older-than', '9d', '--db', path)).toBe(0);
    expect(await asked()).toBe(0);
    vi.stubEnv('PAWL_NEW_KEY', 'cd'.repeat(32));
    expect(await asked('rotate')).toBe(0);
    expect(await asked('rotate')).toBe(11);
    expect(await asked('other')).toBe(2);
  } finally {
    vi.unstubAllEnvs();
  }
  expect(await asked()).toBe(0);
});

test('where the page is', async () => {
  buildPageOnce();
  const ui = folder.start(['ui', '--json', '--port', '0', '--read-only']);
  await until(() => ui.stdout.includes('\n') || ui.child.exitCode !== null);
  ui.child.kill('SIGTERM');
  hold('ui', (await ui.ended).stdout);
});

/** They write no document of their own: notes and errors on stderr only, as those of `work`. */
const SILENT = ['serve', 'inbox', 'mcp'];
/** Its document is held against its schema where there is a server: packages/restate/tests/dev.test.ts. */
const ELSEWHERE = ['dev'];

test('every command is described, and what it writes was held against it', async () => {
  expect(DESCRIBED).toEqual(expect.arrayContaining(COMMANDS.map(({ name }) => name)));
  expect([...DESCRIBED].toSorted()).toEqual([...seen, ...SILENT, ...ELSEWHERE].toSorted());
});
