import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test, vi } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf } from './pawl.fixture.ts';

vi.setConfig({ testTimeout: 600_000 });

const SAMPLES = join(import.meta.dirname, '../../runtime/tests/babysitter');
const ALIAS = ['--alias', '@a5c-ai/babysitter-sdk=@pawl/sdk/babysitter'] as const;

const STEPS = `
const { defineTask } = require('@a5c-ai/babysitter-sdk');
exports.stepTask = defineTask('step', ({ n }, task) => ({
  kind: 'agent',
  title: 'Step ' + n,
  agent: { name: 'stepper', prompt: { task: 'Say ' + n } },
  io: { outputJsonPath: 'tasks/' + task.effectId + '/result.json' },
}));
`;
const COMMON = `
const { stepTask } = require('./lib/steps.cjs');
exports.process = async function process({ upTo }, ctx) {
  const said = [];
  for (let n = 1; n <= upTo; n += 1) said.push(await ctx.task(stepTask, { n }));
  return said;
};
`;
const TYPED = `
import { defineTask, type ProcessContext } from '@a5c-ai/babysitter-sdk';
import { first } from './lib/first.ts';

const step = defineTask<{ n: number }, number>('step', ({ n }) => ({ kind: 'agent', title: \`Step \${n}\` }));

export async function process({ upTo }: { upTo: number }, ctx: ProcessContext): Promise<number[]> {
  const numbers = Array.from({ length: upTo }, (_, index) => first + index);
  return ctx.parallel.map(numbers, (n) => ctx.task(step, { n }));
}
`;

function withSteps(folder: Folder): void {
  mkdirSync(join(folder.path, 'lib'));
  folder.write('lib/steps.cjs', STEPS);
  folder.write('lib/first.ts', 'export const first: number = 1;\n');
  folder.write('common.cjs', COMMON);
  folder.write('typed.ts', TYPED);
}

interface Task {
  readonly id: string;
  readonly task: string;
  readonly status: string;
  readonly description: { readonly title?: string };
}

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function answerTo({ description: { title = '' } }: Task): unknown {
  if (title.startsWith('Survey')) return { depth: title.length };
  if (title.startsWith('Chart')) return { scale: 10 };
  if (title.startsWith('Paint')) return { colour: title.split(' ')[1] };
  if (title.startsWith('Trip')) return { people: 40 };
  if (title === 'roster') return ['ada', 'lin'];
  return { said: title };
}

test('a process with every construct, by commands alone, of which any may be killed at any moment', async () => {
  using folder = new Folder();
  for (const name of readdirSync(SAMPLES)) cpSync(join(SAMPLES, name), join(folder.path, name));
  folder.write('package.json', '{ "type": "module" }');
  mkdirSync(join(folder.path, '.a5c/hooks/harbour-open'), { recursive: true });
  folder.write('.a5c/hooks/harbour-open/tell.sh', 'cat >> told.txt');
  const random = randomFrom(20_261_129);
  let kills = 0;
  const insist = async (...args: readonly string[]): Promise<{ code: number | null; stdout: string }> => {
    for (;;) {
      const pawl = folder.start(args, { env: { HOME: join(folder.path, 'home') } });
      const timer =
        random() < 0.25 ? setTimeout(() => pawl.child.kill('SIGKILL'), random() * 600) : undefined;
      const { signal, code, stdout } = await pawl.ended;
      clearTimeout(timer);
      if (signal === null) return { code, stdout };
      kills += 1;
    }
  };

  const inputs = JSON.stringify({ trips: 2, wait: 200 });
  let drive = await insist('run', 'harbour.js', ...ALIAS, '--id', 'h', '-i', inputs, '--external', '--json');
  for (let step = 0; drive.code === 13; step += 1) {
    expect(step).toBeLessThan(80);
    const listed = documentOf((await folder.pawl('tasks', '--pending', '--json')).stdout)['tasks'] as Task[];
    const open = listed.filter(({ status }) => status === 'open');
    // In any order.
    for (const task of open.toSorted(() => random() - 0.5)) {
      const same = ['--idempotency-key', `k-${task.id}`, '--json'] as const;
      const isBad = task.task === 'read-tide' || task.description.title === 'lost';
      const say = isBad
        ? ['fail', task.id, '-m', 'no luck']
        : ['complete', task.id, '-v', JSON.stringify(answerTo(task))];
      const done = await insist('task', ...say, ...same);
      expect(documentOf(done.stdout)['status'], done.stdout).toMatch(/accepted|duplicate/);
    }
    const waiting = documentOf((await folder.pawl('waiting', 'h', '--json')).stdout)['waits'] as {
      kind: string;
      key: string;
      data: unknown;
    }[];
    for (const { kind, key, data } of waiting) {
      if (kind !== 'breakpoint') continue;
      const isSecond = JSON.stringify(data).includes('previousFeedback');
      const said = isSecond
        ? ['approve', 'h', key, '--option', 'Open']
        : ['reject', 'h', key, '--feedback', 'more'];
      await insist(...said, '--as', 'ada');
    }
    drive = await insist('resume', 'h', '--external', '--json');
  }
  expect(drive.code, drive.stdout).toBe(0);
  expect(documentOf(drive.stdout)['output']).toMatchObject({
    charts: ['0:north:18:10', '1:south:18:10'],
    buoys: ['red', 'none', 'green'],
    tide: [false, 1, ''],
    lost: 'no luck',
    opened: [2, 'Open', 'ada'],
    hooked: 1,
    plan: ['ada', 'lin'],
    ferry: { carried: 80 },
    folder: true,
    waited: true,
  });
  expect(kills).toBeGreaterThan(0);
  expect(folder.has('.pawl/runs/h/artifacts')).toBe(true);
  // More than once where a kill came between its end and the record of it.
  expect(folder.read('told.txt')).toContain('"hookType":"harbour-open"');
  expect(folder.read('told.txt')).toContain('"berths":["north","south"]');
  expect((await folder.pawl('verify')).code).toBe(0);
});

describe('--alias', () => {
  it.each(['common.cjs', 'typed.ts'])('%s: relative imports, and resume needs no flag', async (name) => {
    using folder = new Folder();
    withSteps(folder);
    expect(
      (await folder.pawl('run', ...ALIAS, name, '--id', 'r', '-i', '{"upTo":1}', '--external')).code,
    ).toBe(13);
    expect(
      (await folder.pawl('task', 'complete', '-v', '7', '--run', 'r', name === 'typed.ts' ? '0/0/0' : '0'))
        .code,
    ).toBe(0);
    const resumed = await folder.pawl('resume', 'r', '--json');
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(documentOf(resumed.stdout)['output']).toEqual([7]);
    const shown = documentOf((await folder.pawl('show', 'r', '--json')).stdout);
    expect(JSON.stringify(shown)).toContain(`${name}?alias=@a5c-ai/babysitter-sdk=@pawl/sdk/babysitter`);
  });

  it('is known to a worker, a queue, a schedule and a responder', async () => {
    using folder = new Folder();
    withSteps(folder);
    folder.write('agent.js', 'process.stdin.resume().on("end", () => console.log("1"));\n');
    expect((await folder.pawl('enqueue', 'common.cjs', ...ALIAS, '--id', 'q', '-i', '{"upTo":2}')).code).toBe(
      0,
    );
    expect((await folder.pawl('schedule', 'add', '0 0 1 1 *', 'typed.ts', ...ALIAS)).code).toBe(0);
    for (let step = 0; step < 2; step += 1) {
      expect((await folder.pawl('work', '--until-idle')).code).toBe(0);
      const responded = await folder.pawl(
        'respond',
        'agent',
        '--until-idle',
        '--',
        process.execPath,
        'agent.js',
      );
      expect(responded.code, responded.stderr).toBe(0);
    }
    expect((await folder.pawl('work', '--until-idle')).code).toBe(0);
    expect(documentOf((await folder.pawl('show', 'q', '--json')).stdout)).toMatchObject({
      run: { status: 'succeeded' },
    });
    expect((await folder.pawl('schedule', '--json')).stdout).toContain('typed.ts?alias=');
  });

  it('stands in the configuration, beside processes of Pawl that it leaves alone', async () => {
    using folder = new Folder();
    withSteps(folder);
    folder.write(
      'pawl.config.ts',
      `export default {
        alias: { '@a5c-ai/babysitter-sdk': '@pawl/sdk/babysitter' },
        executors: { agent: { respond: () => 5 } },
      };\n`,
    );
    folder.write(
      'own.ts',
      `import { defineTask, type Context } from '@pawl/sdk';
      const add = defineTask({ name: 'add', run: (n: number) => n + 1 });
      export const process = (n: number, ctx: Context) => ctx.task(add, n);\n`,
    );
    folder.write(
      'bare.js',
      'export const process = async (inputs, ctx) => [inputs, typeof ctx.artifactsDir];\n',
    );
    const outputOf = async (...args: readonly string[]): Promise<unknown> => {
      const ended = await folder.pawl('run', ...args, '--json');
      return documentOf(ended.stdout)['output'] ?? ended.stdout;
    };
    expect(await outputOf('common.cjs', '-i', '{"upTo":2}')).toEqual([5, 5]);
    expect(await outputOf('own.ts', '-i', '1')).toBe(2);
    expect(await outputOf('bare.js')).toEqual([{}, 'string']);
    const shown = await folder.pawl('list', '--json');
    expect(shown.stdout).not.toContain('own.ts?alias');
    mkdirSync(join(folder.path, 'jobs'));
    folder.write('jobs/typed.ts', TYPED.replace('./lib', '../lib'));
    expect((await folder.pawl('work', '--processes', 'jobs', '--until-idle')).code).toBe(0);
  });

  it('may name a file of this folder', async () => {
    using folder = new Folder();
    folder.write('mine.js', 'export const word = "mine";\n');
    folder.write('p.js', 'import { word } from "their-package";\nexport const process = () => word;\n');
    const ended = await folder.pawl('run', 'p.js', '--alias', 'their-package=./mine.js', '--json');
    expect(documentOf(ended.stdout)['output']).toBe('mine');
  });

  it.each([
    ['fs=x', "'fs' is no name of a package"],
    ['./a.js=x', "'./a.js' is no name of a package"],
    ['@pawl/sdk=x', 'always the one of this program'],
    ['a=../b.js', 'no file below this folder'],
    ['a=/b.js', 'no file below this folder'],
    ['a=data:text/javascript,1', 'no file below this folder'],
    ['a=b=c', 'more than one ='],
    ['a', 'it needs name=other'],
    ['a=', 'no name of a package'],
  ])('refuses %s', async (alias, message) => {
    using folder = new Folder();
    withSteps(folder);
    const { code, stderr } = await folder.pawl('run', 'typed.ts', '--alias', alias);
    expect(code).toBe(2);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(message);
    expect(folder.has('.pawl')).toBe(false);
  });

  it('tells of a configuration what is no alias in it', async () => {
    using folder = new Folder();
    withSteps(folder);
    folder.write('pawl.config.js', 'export default { alias: { a: "../b.js" } };\n');
    const { code, stderr } = await folder.pawl('run', 'typed.ts');
    expect(code).toBe(11);
    expect(stderr).toContain("alias of 'a'");
  });
});
