import {
  InvalidArgumentError,
  InvalidOptionError,
  isPawlError,
  LimitError,
  shellTask,
  UnserializableError,
  ValidationError,
  defineTask,
  type Context,
} from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { RuntimeOptions } from '../../src/index.ts';
import { shape } from '../lab.fixture.ts';
import { everywhere, perform, t, watchForLeaks, type Stage } from './stage.fixture.ts';

watchForLeaks();

/** A call as a program without types could make it. */
type Call = (ctx: Context, stage: Stage) => unknown;

const LISTS = ['all', 'allTuple', 'allSettled', 'allTupleSettled', 'any', 'race', 'some'] as const;
const ITEMS = ['map', 'mapSettled', 'filter', 'groupBy', 'mapReduce'] as const;
const RECORDS = ['forkJoin', 'forkJoinSettled'] as const;
const COMBINATORS = [...LISTS, ...ITEMS, ...RECORDS];
type Combinator = (typeof COMBINATORS)[number];

const SETTLED: readonly Combinator[] = ['allSettled', 'allTupleSettled', 'mapSettled', 'forkJoinSettled'];
/** What takes a completion policy instead of one that does not. */
const INSTEAD: Partial<Record<Combinator, string>> = {
  all: 'allSettled',
  allTuple: 'allSettled',
  any: 'some',
  race: 'some',
  map: 'mapSettled',
  filter: 'mapSettled',
  groupBy: 'mapSettled',
  mapReduce: 'mapSettled',
  forkJoin: 'forkJoinSettled',
};

/** Calls a combinator of two steps with whatever options. */
function combine(ctx: Context, stage: Stage, mode: Combinator, options: unknown): Promise<unknown> {
  const thunks = [t(1), t(2)].map((step) => () => ctx.task(stage.step, step));
  const given = options as undefined;
  const { parallel } = ctx;
  switch (mode) {
    case 'mapReduce':
      return parallel.mapReduce(
        thunks,
        (thunk) => thunk(),
        () => 0,
        0,
        given,
      );
    case 'map':
    case 'mapSettled':
    case 'filter':
    case 'groupBy': {
      const over: (items: readonly (() => unknown)[], fn: unknown, options: undefined) => Promise<unknown> =
        parallel[mode] as never;
      return over(thunks, (thunk: () => unknown) => thunk(), given);
    }
    case 'forkJoin':
    case 'forkJoinSettled':
      return parallel[mode](Object.fromEntries(thunks.entries()), given);
    default:
      return parallel[mode](thunks, given);
  }
}

/** Makes a bad call, and tells how it was refused and what the journal held then. */
async function refusal(call: Call, options: Partial<RuntimeOptions> = {}): Promise<unknown> {
  const { value, store, stage } = await perform(
    (lab) => async (_, ctx) => {
      await ctx.task(lab.step, t(1, 'before'));
      let how: unknown = 'it was accepted';
      try {
        const result = call(ctx, lab);
        how =
          result instanceof Promise
            ? await result.then(
                () => 'it was accepted',
                () => 'it rejected',
              )
            : how;
      } catch (error) {
        how = error instanceof Error ? `${error.name}: ${error.message}` : error;
      }
      return how;
    },
    options,
  );
  // One task before the bad call, and the end: the call itself left no row.
  expect(shape(store)).toEqual([
    'RunStarted',
    'TaskScheduled 0',
    'AttemptStarted 0',
    'TaskSucceeded 0',
    'RunSucceeded',
  ]);
  expect(stage.invoked).toHaveLength(1);
  return value;
}

describe.each(COMBINATORS)('D21 parallel.%s refuses before the first row', (mode) => {
  const bad: readonly [string, unknown][] = [
    ...[0, -1, Number.NaN, 1.5, '2', null, -Infinity, true, {}].map((value): [string, unknown] => [
      'concurrency',
      value,
    ]),
    ...[0, -1, Number.NaN, 2.5, '4', null, Infinity].map((value): [string, unknown] => ['batchSize', value]),
    ...[Number.NaN, Infinity, 'urgent', 'constructor', null, true, []].map((value): [string, unknown] => [
      'priority',
      value,
    ]),
    ...[0, -1, Number.NaN, Infinity, '', '5 years', 'soon', null, '-5s', 8_640_000_000_001].map(
      (value): [string, unknown] => ['timeout', value],
    ),
    ...['', 5, null, 'x'.repeat(201), '\uD800'].map((value): [string, unknown] => ['key', value]),
    ...[null, {}, 'signal', new AbortController()].map((value): [string, unknown] => ['signal', value]),
    ...[null, 2, {}, { limit: 2 }].map((value): [string, unknown] => ['limiter', value]),
    ['concurency', 2],
    ['retries', 2],
    ...['no', null, 'cancelled', true].map((value): [string, unknown] => ['losers', value]),
    ...[0, -1, null, 'soon', Infinity].map((value): [string, unknown] => ['taskTimeout', value]),
    ...['', 5, null, {}, { name: '' }, { name: 5 }, '\uD800'].map((value): [string, unknown] => [
      'pool',
      value,
    ]),
    ...[0, -1, Number.NaN, Infinity, '2', null, [], {}].map((value): [string, unknown] => ['cost', value]),
    ...[null, 5, 'often'].map((value): [string, unknown] => ['retry', value]),
    ...(RECORDS.some((name) => name === mode)
      ? ([['keyBy', () => 'a']] as [string, unknown][])
      : ([
          ['keyBy', 'id'],
          ['keyBy', null],
        ] as [string, unknown][])),
    ...(mode === 'some' || SETTLED.includes(mode)
      ? ([
          ['preserveOrder', 'no'],
          ['preserveOrder', null],
          ['completion', 5],
          ['completion', null],
          ['completion', [2]],
        ] as [string, unknown][])
      : ([
          ['preserveOrder', true],
          ['completion', {}],
        ] as [string, unknown][])),
    ...(mode === 'some'
      ? [-1, 1.5, Number.NaN, '1', null, Infinity].map((value): [string, unknown] => ['min', value])
      : ([['min', 1]] as [string, unknown][])),
  ];

  it.each(bad)(`A08 A49 ${mode} with %s: %s`, async (name, value) => {
    const told = await refusal((ctx, stage) => combine(ctx, stage, mode, { [name]: value }));
    expect(told).toMatch(/^InvalidOptionError: Option '/);
    expect(told).toContain(`Option '${name}'`);
  });

  const parts: readonly [string, object][] = [
    ['retry.attempts', { retry: { attempts: 0 } }],
    ['retry.delay', { retry: { attempts: 2, delay: 'long' } }],
    ['cost.gpu', { cost: { cpu: 1, gpu: 0 } }],
    ['cost.mem', { cost: { mem: '4' } }],
  ];
  const policies: readonly [string, object][] =
    mode === 'some' || SETTLED.includes(mode)
      ? [
          ...[0, -1, 1.5, '2', null, Infinity].map((value): [string, object] => [
            'completion.minSuccessful',
            { completion: { minSuccessful: value } },
          ]),
          ...[-1, 1.5, '2', null, Number.NaN].map((value): [string, object] => [
            'completion.toleratedFailures',
            { completion: { toleratedFailures: value } },
          ]),
          ['completion.minSucessful', { completion: { minSucessful: 1 } }],
        ]
      : [];
  it.each([...parts, ...policies])(`${mode} with a bad part %s: %o`, async (name, options) => {
    const told = await refusal((ctx, stage) => combine(ctx, stage, mode, options));
    expect(told).toContain(`InvalidOptionError: Option '${name}'`);
  });

  it.runIf(INSTEAD[mode] !== undefined)(
    'a completion policy, saying which combinator takes one',
    async () => {
      const told = await refusal((ctx, stage) =>
        combine(ctx, stage, mode, { completion: { minSuccessful: 1 } }),
      );
      expect(told).toContain(`parallel.${INSTEAD[mode]} takes a completion policy`);
      expect(told).toContain(`parallel.${mode} `);
    },
  );

  it.each([null, 5, 'options', () => undefined])('options that are no object: %s', async (options) => {
    expect(await refusal((ctx, stage) => combine(ctx, stage, mode, options))).toMatch(
      /^InvalidOptionError: Option 'options'/,
    );
  });

  it('options with one good and one bad entry', async () => {
    expect(
      await refusal((ctx, stage) => combine(ctx, stage, mode, { concurrency: 1, timeout: -1, key: 'k' })),
    ).toMatch(/^InvalidOptionError: Option 'timeout'/);
  });

  it('takes undefined for every option as not given', async () => {
    const { told } = await perform(
      (stage) => (_, ctx) =>
        combine(ctx, stage, mode, {
          key: undefined,
          concurrency: undefined,
          batchSize: undefined,
          priority: undefined,
          signal: undefined,
          timeout: undefined,
          losers: undefined,
          retry: undefined,
          taskTimeout: undefined,
          pool: undefined,
          cost: undefined,
          ...(mode === 'some' || SETTLED.includes(mode)
            ? {
                preserveOrder: undefined,
                completion: { minSuccessful: undefined, toleratedFailures: undefined },
              }
            : {}),
          ...(mode === 'some' ? { min: undefined } : {}),
          ...(RECORDS.some((name) => name === mode) ? {} : { keyBy: undefined }),
        }).then(() => 'accepted'),
    );
    expect(told).toEqual({ value: 'accepted' });
  });
});

describe('D21 what is worked on', () => {
  const bad: Record<string, { call: Call; error: RegExp }> = {
    'all of no array': {
      call: (ctx) => ctx.parallel.all('x' as never),
      error: /^InvalidArgumentError.*array of functions/,
    },
    'all of undefined': {
      call: (ctx) => ctx.parallel.all(undefined as never),
      error: /^InvalidArgumentError.*array of functions/,
    },
    'all of a set': {
      call: (ctx) => ctx.parallel.all(new Set() as never),
      error: /^InvalidArgumentError.*array of functions/,
    },
    'all with a hole': { call: (ctx) => ctx.parallel.all([() => 1, , () => 2] as never), error: /index 1/ }, // oxlint-disable-line no-sparse-arrays
    'any with null': { call: (ctx) => ctx.parallel.any([() => 1, null] as never), error: /index 1 .*null/ },
    'race with a promise': {
      call: (ctx) => ctx.parallel.race([Promise.resolve(1)] as never),
      error: /index 0 .*a promise, so it has started already/,
    },
    'race with a value': { call: (ctx) => ctx.parallel.race([5] as never), error: /index 0 .*number/ },
    'map of no function': {
      call: (ctx) => ctx.parallel.map([1], 'fn' as never),
      error: /^InvalidArgumentError.*function of \(item, index\)/,
    },
    'map of a string': {
      call: (ctx) => ctx.parallel.map('abc' as never, () => 1),
      error: /^InvalidArgumentError.*iterable/,
    },
    'map of a number': {
      call: (ctx) => ctx.parallel.map(3 as never, () => 1),
      error: /^InvalidArgumentError.*iterable/,
    },
    'map of null': {
      call: (ctx) => ctx.parallel.map(null as never, () => 1),
      error: /^InvalidArgumentError.*iterable/,
    },
    'map of an async iterable': {
      call: (ctx) =>
        ctx.parallel.map(
          (async function* source() {
            yield 1;
          })() as never,
          () => 1,
        ),
      error: /^InvalidArgumentError.*iterable/,
    },
    'some with a min that its policy never comes to': {
      call: (ctx) => ctx.parallel.some([() => 1], { min: 3, completion: { minSuccessful: 2 } }),
      error: /^InvalidOptionError: Option 'min' must be at most completion.minSuccessful = 2/,
    },
    ...Object.fromEntries(
      RECORDS.flatMap((mode) =>
        [
          [undefined, /object of functions by name/],
          [null, /object of functions by name/],
          [5, /object of functions by name/],
          [[() => 1], /object of functions by name/],
          [new Map([['a', () => 1]]), /object of functions by name/],
          [Promise.resolve({}), /object of functions by name/],
          [() => 1, /object of functions by name/],
          [{ a: () => 1, bad: 5 }, /the member 'bad' must be a function; it is of type number/],
          [{ bad: Promise.resolve(1) }, /the member 'bad' .*a promise, so it has started already/],
          [{ bad: null }, /the member 'bad' .*null/],
          [{ bad: undefined }, /the member 'bad' .*undefined/],
          [{ '': () => 1 }, /a key must not be empty/],
          [{ '\uD800': () => 1 }, /well-formed Unicode/],
        ].map(([record, message], index): [string, { call: Call; error: RegExp }] => [
          `${mode} of something else (${index})`,
          {
            call: (ctx) => ctx.parallel[mode](record as never),
            error: new RegExp(
              `^InvalidArgumentError: parallel\\.${mode}.*${String((message as RegExp).source)}`,
            ),
          },
        ]),
      ),
    ),
    ...Object.fromEntries(
      ['mapSettled', 'filter', 'groupBy'].flatMap((mode): [string, { call: Call; error: RegExp }][] => [
        [
          `${mode} of no function`,
          {
            call: (ctx) => ctx.parallel[mode as 'filter']([1], 'fn' as never),
            error: new RegExp(
              `^InvalidArgumentError: parallel.${mode} takes a function of \\(item, index\\)`,
            ),
          },
        ],
        [
          `${mode} of a string`,
          {
            call: (ctx) => ctx.parallel[mode as 'filter']('abc' as never, () => 1),
            error: new RegExp(`^InvalidArgumentError: parallel.${mode} takes an array, or another iterable`),
          },
        ],
      ]),
    ),
    'mapReduce without a reduce': {
      call: (ctx) => ctx.parallel.mapReduce([1], () => 1, undefined as never, 0),
      error: /^InvalidArgumentError: parallel.mapReduce takes a function of \(total, value, index\)/,
    },
    'keyBy of thunks that gives one name twice': {
      call: (ctx) => ctx.parallel.all([() => 1, () => 2], { keyBy: () => 'same' }),
      error: /^InvalidArgumentError.*'same'.*index 0 and 1/,
    },
    'a task cost of nothing': {
      call: (ctx, s) => ctx.task(s.step, t(1), { cost: 0 }),
      error: /^InvalidOptionError: Option 'cost'/,
    },
    'a task pool without a name': {
      call: (ctx, s) => ctx.task(s.step, t(1), { pool: '' }),
      error: /^InvalidOptionError: Option 'pool'/,
    },
    'keyBy that gives one name twice': {
      call: (ctx) => ctx.parallel.map([1, 2, 1], (n) => n, { keyBy: String }),
      error: /^InvalidArgumentError.*'1'.*index 0 and 2/,
    },
    'keyBy that gives no string': {
      call: (ctx) => ctx.parallel.map([1], (n) => n, { keyBy: (n) => n as never }),
      error: /^InvalidArgumentError.*index 0/,
    },
    'keyBy that gives an empty string': {
      call: (ctx) => ctx.parallel.map([1], (n) => n, { keyBy: () => '' }),
      error: /^InvalidArgumentError.*index 0/,
    },
    'keyBy that gives half a character': {
      call: (ctx) => ctx.parallel.map(['\uD800', '\uD801'], (n) => n, { keyBy: (n) => n }),
      error: /^InvalidArgumentError.*well-formed.*index 0/,
    },
    'keyBy that throws': {
      call: (ctx) =>
        ctx.parallel.map([1], (n) => n, {
          keyBy: () => {
            throw new RangeError('no key');
          },
        }),
      error: /^RangeError: no key/,
    },
    'an iterator that throws': {
      call: (ctx) =>
        ctx.parallel.map(
          (function* source() {
            yield 1;
            throw new RangeError('no more');
          })(),
          (n) => n,
        ),
      error: /^RangeError: no more/,
    },
    'a task that is none': {
      call: (ctx) => ctx.task({ name: 'x' } as never),
      error: /^InvalidArgumentError.*defineTask/,
    },
    'no task': { call: (ctx) => ctx.task(undefined as never), error: /^InvalidArgumentError.*defineTask/ },
    'a task key that is empty': {
      call: (ctx, s) => ctx.task(s.step, t(1), { key: '' }),
      error: /^InvalidOptionError: Option 'key'/,
    },
    'a task option of the group': {
      call: (ctx, s) => ctx.task(s.step, t(1), { concurrency: 2 } as never),
      error: /^InvalidOptionError: Option 'concurrency'/,
    },
    'a task timeout of 0': {
      call: (ctx, s) => ctx.task(s.step, t(1), { timeout: 0 }),
      error: /^InvalidOptionError: Option 'timeout'/,
    },
    'a task deadline that is no duration': {
      call: (ctx, s) => ctx.task(s.step, t(1), { deadline: 'soon' }),
      error: /^InvalidOptionError: Option 'deadline'/,
    },
    'A69 zero attempts': {
      call: (ctx, s) => ctx.task(s.step, t(1), { retry: { attempts: 0 } }),
      error: /^InvalidOptionError: Option 'retry.attempts'/,
    },
    'a task priority that is none': {
      call: (ctx, s) => ctx.task(s.step, t(1), { priority: 'high' as never }),
      error: /^InvalidOptionError: Option 'priority'/,
    },
    ...Object.fromEntries(
      [
        { attempts: 1.5 },
        { attempts: Infinity },
        { attempts: '3' },
        {},
        { attempts: 3, factor: 0.5 },
        { attempts: 3, factor: Number.NaN },
        { attempts: 3, jitter: 1.1 },
        { attempts: 3, jitter: -0.1 },
        { attempts: 3, delay: -1 },
        { attempts: 3, maxDelay: 'long' },
      ].map((retry): [string, { call: Call; error: RegExp }] => [
        `a task retry ${JSON.stringify(retry)}`,
        {
          call: (ctx, s) => ctx.task(s.step, t(1), { retry: retry as never }),
          error: /^InvalidOptionError: Option 'retry\./,
        },
      ]),
    ),
    ...Object.fromEntries(
      [null, 5, 'options', () => undefined].map((options): [string, { call: Call; error: RegExp }] => [
        `task options that are no object: ${String(options)}`,
        {
          call: (ctx, s) => ctx.task(s.step, t(1), options as never),
          error: /^InvalidOptionError: Option 'options'/,
        },
      ]),
    ),
    ...Object.fromEntries(
      [
        { heartbeatTimeout: 5 },
        { onUnknown: 'check' },
        { onUnknown: 'ask' },
        { maxUnknown: 1 },
        { version: 2 },
        { signal: new AbortController().signal },
      ].map((options): [string, { call: Call; error: RegExp }] => [
        `a task option that a call does not take: ${Object.keys(options).join()}`,
        {
          call: (ctx, s) => ctx.task(s.step, t(1), options as never),
          error: new RegExp(`^InvalidOptionError: Option '${Object.keys(options).join()}'`),
        },
      ]),
    ),
    'a list as options of a group': {
      call: (ctx) => ctx.parallel.all([() => 1], [] as never),
      error: /^InvalidOptionError: Option 'options' must be an object/,
    },
    'a question that is none': {
      call: (ctx) => ctx.breakpoint(undefined as never),
      error: /^InvalidArgumentError: ctx\.breakpoint takes a question .*ctx\.breakpoint\(\{ question: /,
    },
    'a question that is a text': {
      call: (ctx) => ctx.breakpoint('ok?' as never),
      error: /^InvalidArgumentError: ctx\.breakpoint takes a question/,
    },
    'a stream of no task': {
      call: (ctx) => ctx.stream(undefined as never, 1 as never),
      error: /^InvalidArgumentError: ctx\.stream takes a task/,
    },
    'a change without a name': {
      call: (ctx) => ctx.patched(undefined as never),
      error: /^InvalidArgumentError: ctx\.patched takes the name of a change/,
    },
    'an input that cannot be recorded': {
      call: (ctx, s) => ctx.task(s.step, { ms: 1, value: { deep: [() => 1] } }),
      error: /^UnserializableError: The input of task 'step' cannot be recorded: \$\.value\.deep\[0\]/,
    },
    'a sleep that is no duration': {
      call: (ctx) => ctx.sleep('long'),
      error: /^InvalidOptionError: Option 'duration'/,
    },
    'a negative sleep': { call: (ctx) => ctx.sleep(-1), error: /^InvalidOptionError: Option 'duration'/ },
    'a sleep without an end': {
      call: (ctx) => ctx.sleep(Infinity),
      error: /^InvalidOptionError: Option 'duration'/,
    },
    'a sleep key that is empty': {
      call: (ctx) => ctx.sleep(1, { key: '' }),
      error: /^InvalidOptionError: Option 'key'/,
    },
    'sleep options that are no object': {
      call: (ctx) => ctx.sleep(1, null as never),
      error: /^InvalidOptionError: Option 'options'/,
    },
    'a sleep option that there is not': {
      call: (ctx) => ctx.sleepUntil(1, { name: 'k' } as never),
      error: /^InvalidOptionError: Option 'name' must be left out: ctx\.sleepUntil takes key/,
    },
    'stream options that are null': {
      call: (ctx) => ctx.parallel.stream([1], () => 1, null as never),
      error: /^InvalidOptionError: Option 'options'/,
    },
    'a source name that is too long': {
      call: (ctx) => ctx.source('n'.repeat(201), () => []),
      error: /^InvalidArgumentError: ctx\.source takes a name/,
    },
    'a channel name that is no Unicode': {
      call: (ctx) => ctx.channel('\ud800'),
      error: /^InvalidArgumentError: ctx\.channel takes a name/,
    },
    'a prompt that is too large': {
      call: (ctx) => ctx.receive('word', { prompt: 'p'.repeat(20_000_000) }),
      error: /^LimitError: The prompt of receive 'word'/,
    },
    'a prompt that is no Unicode': {
      call: (ctx) => ctx.receive('word', { prompt: '\ud800' }),
      error: /^InvalidOptionError: Option 'prompt'/,
    },
    'a keyBy that gives a bigint': {
      call: (ctx) => ctx.parallel.map([1], (n) => n, { keyBy: () => 5n as never }),
      error: /^InvalidArgumentError: keyBy must give a string .* it gave a value of type bigint/,
    },
    'a sleep until nothing': {
      call: (ctx) => ctx.sleepUntil(undefined as never),
      error: /^InvalidOptionError: Option 'when'/,
    },
    'a sleep until no date': {
      call: (ctx) => ctx.sleepUntil(new Date(Number.NaN)),
      error: /^InvalidOptionError: Option 'when'/,
    },
  };

  it.each(Object.entries(bad))('%s', async (_, { call, error }) => {
    expect(await refusal(call)).toMatch(error);
  });

  it('an input that its schema refuses', async () => {
    const strict = defineTask({ name: 'strict', input: z.object({ n: z.number() }), run: ({ n }) => n });
    expect(await refusal((ctx) => ctx.task(strict, { n: 'x' } as never))).toMatch(
      /^ValidationError: The input of task 'strict' .*\n {2}\$\.n: /,
    );
  });

  it('a width above the limit, of all and of an endless generator, which is closed', async () => {
    let closed = false;
    function* endless(): Generator<number> {
      try {
        for (let n = 0; ; n += 1) yield n;
      } finally {
        closed = true;
      }
    }
    const limits = { fanOut: 10 };
    expect(await refusal((ctx) => ctx.parallel.map(endless(), (n) => n), { limits })).toMatch(
      /^LimitError: .*fanOut = 10/,
    );
    expect(closed).toBe(true);
    const many = Array.from({ length: 11 }, () => () => 1);
    expect(await refusal((ctx) => ctx.parallel.all(many), { limits })).toMatch(
      /^LimitError: .*11 entries .*fanOut = 10/,
    );
  });

  it('an input above the limit of payloads', async () => {
    const told = await refusal((ctx, stage) => ctx.task(stage.step, t(1, 'x'.repeat(2000))), {
      limits: { payloadBytes: 1000 },
    });
    expect(told).toMatch(/^(LimitError|UnserializableError): /);
  });

  it('the second use of a key in a scope', async () => {
    const { value, store } = await perform((stage) => async (_, ctx) => {
      await ctx.task(stage.step, t(1), { key: 'k' });
      try {
        await ctx.parallel.all([], { key: 'k' });
        return 'accepted';
      } catch (error) {
        return error instanceof InvalidArgumentError && error.message;
      }
    });
    expect(value).toMatch(/'k' was used twice/);
    expect(shape(store)).toEqual([
      'RunStarted',
      'TaskScheduled :k',
      'AttemptStarted :k',
      'TaskSucceeded :k',
      'RunSucceeded',
    ]);
  });

  it('a definition', () => {
    const run = (): number => 1;
    expect(() => defineTask({ name: 'x', run, retry: { attempts: 0 } })).toThrow(InvalidOptionError);
    expect(() => shellTask({ name: '', command: 'true' })).toThrow(InvalidOptionError);
  });
});

describe('A08 every way to give a bad option is a typed error with a code', () => {
  it('that isPawlError tells', async () => {
    await perform((stage) => async (_, ctx) => {
      for (const [code, call] of [
        ['INVALID_OPTION', () => ctx.parallel.all([], { concurrency: 0 })],
        ['INVALID_ARGUMENT', () => ctx.parallel.all([1] as never)],
        ['UNSERIALIZABLE', () => ctx.task(stage.step, { ms: 1, value: Symbol('s') })],
      ] as const) {
        let caught: unknown;
        try {
          void call();
        } catch (error) {
          caught = error;
        }
        expect(isPawlError(caught, code)).toBe(true);
      }
    });
    expect(
      [UnserializableError, ValidationError, LimitError].every((each) => each.prototype instanceof Error),
    ).toBe(true);
  });
});

describe('A09 concurrency above the width, and Infinity, is unlimited', () => {
  it.each([100, Infinity, 3])('%s for 3 tasks', async (concurrency) => {
    const program = (stage: Stage) => (_: never, ctx: Context) =>
      ctx.parallel.all(
        [t(20, 1), t(20, 2), t(20, 3)].map((step) => () => ctx.task(stage.step, step)),
        { concurrency },
      );
    const { value, stage } = await perform(program);
    expect(value).toEqual([1, 2, 3]);
    expect(stage.maxParallel).toBe(3);
    expect(stage.spans.map(({ from }) => from)).toEqual([0, 0, 0]);
    await everywhere(program, [1, 2, 3]);
  });
});
