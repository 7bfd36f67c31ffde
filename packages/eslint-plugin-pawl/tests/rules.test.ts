import { RuleTester } from 'eslint';
import { describe, it } from 'vitest';
import plugin from '../src/index.ts';

RuleTester.describe = describe;
RuleTester.it = it;
RuleTester.itOnly = it.only;

const tester = new RuleTester({ languageOptions: { ecmaVersion: 2024, sourceType: 'module' } });

/** A process with that body. */
function body(code: string): string {
  return `import { defineTask, defineProcess } from '@pawl/sdk';
import fs, { readFileSync } from 'node:fs';
import { randomUUID as id } from 'crypto';
import { setTimeout as wait } from 'node:timers/promises';
const step = defineTask({ name: 'step', run: (n) => Date.now() + n });
const LIST = ['a', 'b'];
export async function process(inputs, ctx) {
  ${code}
}
`;
}

function rule(name: string): never {
  return plugin.rules[name] as never;
}

const impure = (code: string, fixed: string | null, messageId: string): RuleTester.InvalidTestCase => ({
  name: code,
  code: body(code),
  output: fixed === null ? null : body(fixed),
  errors: [{ messageId }],
});

tester.run('no-impure-process', rule('no-impure-process'), {
  valid: [
    ...[
      'return ctx.now();',
      'return new Date(inputs.at);',
      'return new Date(0).getTime() + Date.UTC(2026, 0) + Math.max(1, 2);',
      'const Date = { now: () => 1 }; return Date.now();',
      'const fetch = ctx.task; return fetch(step, 1);',
      'return ctx.task(defineTask({ name: "own", run: () => readFileSync("x") }), null);',
      'for await (const each of ctx.source("x", async function* () { yield { item: Date.now(), cursor: 1 }; })) ctx.log(each);',
      'return crypto.subtle;',
      'return fs.constants.R_OK;',
      'inputs.env.X = 1; delete inputs.env.X;',
    ].map((code) => ({ name: code, code: body(code) })),
    {
      name: 'a process that was written for Babysitter',
      code: `import { defineTask } from '@a5c-ai/babysitter-sdk';
export async function process(inputs, ctx) { return Math.random(); }`,
    },
    { name: 'other code', code: 'export function main() { return Date.now() + Math.random(); }' },
    {
      name: 'a function of that name that is no process',
      code: 'export async function process(file, options) { return fetch(file, options); }',
    },
    {
      name: 'a method called run of something else',
      code: 'build({ run: (inputs, ctx) => Date.now() });',
    },
  ],
  invalid: [
    impure('return Date.now();', 'return ctx.now().getTime();', 'clock'),
    impure('return new Date();', 'return ctx.now();', 'clock'),
    impure('return Date();', null, 'clock'),
    impure('return performance.now();', null, 'clock'),
    impure('return globalThis.Date.now();', 'return ctx.now().getTime();', 'clock'),
    impure('return Math.random();', 'return ctx.random();', 'random'),
    impure('return crypto.randomUUID();', 'return ctx.uuid();', 'random'),
    impure('return id();', 'return ctx.uuid();', 'random'),
    impure('return crypto.getRandomValues(new Uint8Array(2));', null, 'random'),
    impure('return fetch("https://x.example");', null, 'effect'),
    impure('return readFileSync("x");', null, 'effect'),
    impure('return fs.promises.readFile("x");', null, 'effect'),
    impure('setTimeout(() => undefined, 1);', null, 'wait'),
    impure('await wait(1);', null, 'wait'),
    impure(
      'return ctx.parallel.map(inputs, (n) => Math.random() * n);',
      'return ctx.parallel.map(inputs, (n) => ctx.random() * n);',
      'random',
    ),
    {
      name: 'in defineProcess, where ctx has another name',
      code: `import { defineProcess } from '@pawl/sdk';
export const order = defineProcess({ name: 'order', async run(inputs, c) { return Math.random(); } });`,
      output: `import { defineProcess } from '@pawl/sdk';
export const order = defineProcess({ name: 'order', async run(inputs, c) { return c.random(); } });`,
      errors: [{ messageId: 'random', data: { name: 'Math.random', ctx: 'c' } }],
    },
    {
      name: 'where ctx is another one, it is not put in its place',
      code: `export async function process(inputs, ctx) { return inputs.map((ctx) => Math.random()); }`,
      output: null,
      errors: [{ messageId: 'random' }],
    },
    {
      name: 'the environment, which others read',
      code: `import { env } from 'node:process';
import { defineProcess } from '@pawl/sdk';
defineProcess({ name: 'a', run: async (inputs, ctx) => { process.env.HOME = '/'; delete process.env['HOME']; } });`,
      output: null,
      errors: [{ messageId: 'environment' }, { messageId: 'environment' }],
    },
  ],
});

const valid = (codes: readonly string[]): RuleTester.ValidTestCase[] =>
  codes.map((code) => ({ name: code, code: body(code) }));

tester.run('no-floating-ctx', rule('no-floating-ctx'), {
  valid: valid([
    'await ctx.task(step, 1);',
    'const one = ctx.task(step, 1); return one;',
    'void ctx.task(step, 1);',
    'ctx.log("x"); ctx.setState("a", 1); ctx.now();',
    'return ctx.parallel.all([() => ctx.task(step, 1)]);',
    'await ctx.run(step, 1, { detached: true }); ctx.run(step, 2, { detached: true });',
    'inputs.forEach((n) => ctx.task(step, n));',
    'const other = { task: () => 1 }; other.task(); inputs.ctx.task();',
    'ctx.pool("x", { slots: 1 }); ctx.channel("c");',
  ]),
  invalid: [
    ['ctx.task(step, 1);', 'task'],
    ['ctx.sleep("1s");', 'sleep'],
    ['ctx.parallel.all([() => ctx.task(step, 1)]);', 'parallel.all'],
    ['ctx.task(step, 1).catch(() => undefined);', 'task'],
    ['inputs.a && ctx.task(step, 1);', 'task'],
    ['inputs.a ? ctx.sleep(1) : 0;', 'sleep'],
    ['if (inputs.a) ctx.task(step, 1).then(() => 1).finally(() => 2);', 'task'],
  ].map(([code = '', name = '']) => ({
    name: code,
    code: body(code),
    errors: [{ messageId: 'floating', data: { name } }],
  })),
});

tester.run('no-ctx-in-task', rule('no-ctx-in-task'), {
  valid: valid([
    'return ctx.task(defineTask({ name: "own", run: (n, ctx) => ctx.attempt + n }), 1);',
    'const name = ctx.runId; return ctx.task(defineTask({ name: "own", run: () => name }));',
    'return ctx.parallel.all([() => ctx.task(step, 1)]);',
  ]),
  invalid: [
    {
      code: body('return ctx.task(defineTask({ name: "own", run: async () => { await ctx.sleep(1); } }));'),
      errors: [{ messageId: 'ctx', data: { name: 'ctx' } }],
    },
    {
      code: body(
        'for await (const each of ctx.source("x", async function* () { yield ctx.task(step, 1); })) ctx.log(each);',
      ),
      errors: [{ messageId: 'ctx' }],
    },
  ],
});

tester.run('no-eager-parallel', rule('no-eager-parallel'), {
  valid: valid([
    'return ctx.parallel.all([() => ctx.task(step, 1), async () => { await ctx.sleep(1); }]);',
    'return ctx.parallel.all(inputs.map((n) => () => ctx.task(step, n)));',
    'return ctx.parallel.forkJoin({ a: () => ctx.task(step, 1), b() { return 1; } });',
    'return ctx.parallel.map(inputs, (n) => ctx.task(step, n));',
    'return Promise.all([ctx.task(step, 1)]);',
    'return ctx.parallel.all([thunk(step), inputs.first]);',
  ]),
  invalid: (
    [
      [
        'return ctx.parallel.all([ctx.task(step, 1), () => ctx.task(step, 2)]);',
        'return ctx.parallel.all([() => ctx.task(step, 1), () => ctx.task(step, 2)]);',
      ],
      [
        'return ctx.parallel.race([ctx.sleep(1).then(() => 1)]);',
        'return ctx.parallel.race([() => ctx.sleep(1).then(() => 1)]);',
      ],
      [
        'return ctx.parallel.forkJoin({ a: ctx.task(step, 1) });',
        'return ctx.parallel.forkJoin({ a: () => ctx.task(step, 1) });',
      ],
      [
        'return ctx.parallel.all(inputs.map((n) => ctx.task(step, n)));',
        'return ctx.parallel.all(inputs.map((n) => () => ctx.task(step, n)));',
      ],
      ['return ctx.parallel.any([await ctx.task(step, 1)]);', null],
      [
        'return ctx.parallel.some([(async () => 1)()]);',
        'return ctx.parallel.some([() => (async () => 1)()]);',
      ],
    ] as const
  ).map(([code, fixed]) => ({
    name: code,
    code: body(code),
    output: fixed === null ? null : body(fixed),
    errors: [{ messageId: 'eager' }],
  })),
});

tester.run('require-key-in-loop', rule('require-key-in-loop'), {
  valid: valid([
    'for (const each of inputs) await ctx.task(step, each);',
    'for (const each of await ctx.task(step, 1)) await ctx.task(step, each);',
    'for (const each of LIST) await ctx.task(step, each, { key: each });',
    'for (const each of LIST) await ctx.task(step, each, options);',
    'for (const each of LIST) ctx.log(each);',
    'return ctx.parallel.map(LIST, (each) => ctx.task(step, each), { keyBy: (each) => each });',
    'return ctx.parallel.map(inputs, (each) => ctx.task(step, each));',
    'const own = inputs.slice(); for (const each of own) await ctx.task(step, each);',
  ]),
  invalid: [
    ['for (const each of LIST) await ctx.task(step, each);', 'loop'],
    ['for (const each of ["a", "b"]) { if (each) await ctx.task(step, each, { timeout: "1s" }); }', 'loop'],
    ['return ctx.parallel.map(LIST, (each) => ctx.task(step, each));', 'items'],
    ['return ctx.parallel.map(LIST, (each) => ctx.task(step, each), { concurrency: 2 });', 'items'],
  ].map(([code = '', messageId = '']) => ({ name: code, code: body(code), errors: [{ messageId }] })),
});
