import type { Context, Process } from '@pawl/sdk';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isWithin } from '../../src/journal/call-key.ts';
import type { Recorded } from '../../src/journal/event.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, transcript } from '../lab.fixture.ts';
import { f, replays, Stage, startsInClosedScopes, t, watchForLeaks, type Program } from './stage.fixture.ts';

watchForLeaks();

/** A random process: what it does, with scopes in it that have something to do at their end. */
type Node =
  | { readonly kind: 'task'; readonly ms: number; readonly deaf: boolean }
  | { readonly kind: 'fails'; readonly ms: number }
  | { readonly kind: 'sleep'; readonly ms: number }
  | {
      readonly kind: 'scope';
      readonly exits: readonly Exit[];
      readonly timeout: number | null;
      readonly body: Node;
      readonly left: boolean;
    }
  | { readonly kind: 'series' | 'all' | 'race' | 'allSettled' | 'caught'; readonly inside: readonly Node[] };

interface Exit {
  readonly when: 'onExit' | 'compensate';
  readonly ms: number;
  readonly fails: boolean;
}

const ms = fc.integer({ min: 0, max: 12 });
const anyExit: fc.Arbitrary<Exit> = fc.record({
  when: fc.constantFrom('onExit', 'compensate'),
  ms,
  fails: fc.constantFrom(false, false, false, true),
});
const { node: anyNode } = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.record({ kind: fc.constant('task'), ms, deaf: fc.boolean() }),
    fc.record({ kind: fc.constant('fails'), ms }),
    fc.record({ kind: fc.constant('sleep'), ms }),
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('scope'),
        exits: fc.array(anyExit, { minLength: 1, maxLength: 3 }),
        timeout: fc.option(fc.integer({ min: 1, max: 20 }), { freq: 3 }),
        body: tie('node'),
        left: fc.constantFrom(false, false, false, true),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom('series', 'all', 'race', 'allSettled', 'caught'),
        inside: fc.array(tie('node'), { minLength: 1, maxLength: 3 }),
      }),
    },
  ) as fc.Arbitrary<Node>,
}));

async function perform(stage: Stage, ctx: Context, node: Node): Promise<unknown> {
  switch (node.kind) {
    case 'task':
      return ctx.task(stage.step, { ms: node.ms, value: node.ms, deaf: node.deaf });
    case 'fails':
      return ctx.task(stage.step, f(node.ms, 'no'));
    case 'sleep':
      return ctx.sleep(node.ms);
    case 'scope': {
      const { exits, timeout, body, left } = node;
      const promise = ctx.scope(
        async (scope) => {
          const [last, ...first] = exits.toReversed();
          for (const exit of first)
            scope[exit.when](stage.step, exit.fails ? f(exit.ms, 'exit') : t(exit.ms));
          const got = await perform(stage, ctx, body);
          if (last !== undefined) scope[last.when](stage.step, t(last.ms));
          return got;
        },
        timeout === null ? {} : { timeout },
      );
      return left ? 'left' : promise;
    }
    case 'caught':
      return perform(stage, ctx, { kind: 'series', inside: node.inside }).catch(() => 'caught');
    case 'series': {
      const got: unknown[] = [];
      for (const one of node.inside) got.push(await perform(stage, ctx, one));
      return got;
    }
    case 'all':
    case 'race':
    case 'allSettled':
      return ctx.parallel[node.kind](node.inside.map((one) => () => perform(stage, ctx, one))).then(
        () => node.kind,
      );
  }
}

const programOf =
  (node: Node): Program =>
  (stage) =>
  (_, ctx) =>
    perform(stage, ctx, node);

interface Scope {
  readonly owed: { readonly always: boolean; readonly hash: string }[];
  readonly ran: string[];
  outcome: string | undefined;
}

const exitScope = (key: string): string | undefined => /^(.+)\/exit\/\d+$/.exec(key)?.[1];

/** What is not as the law of scopes has it. */
function broken(events: readonly Recorded[], isForced: boolean): string[] {
  const problems: string[] = [];
  const scopes = new Map<string, Scope>();
  const open = new Set<string>();
  for (const { seq, event } of events) {
    if (!('key' in event)) continue;
    const { key } = event;
    if (event.type === 'ScopeOpened' && event.mode === 'scope')
      scopes.set(key, { owed: [], ran: [], outcome: undefined });
    const closed = event.type === 'ScopeClosed' ? scopes.get(key) : undefined;
    if (event.type === 'ScopeClosed' && closed !== undefined) closed.outcome = event.outcome;
    if (event.type === 'ExitRegistered')
      scopes.get(event.scope)?.owed.push({ always: event.when === 'always', hash: event.inputHash });
    if (event.type === 'TaskScheduled' || event.type === 'TimerStarted') {
      const scope = exitScope(key);
      const pending = scope === undefined ? [] : [...open].filter((other) => isWithin(other, scope));
      if (pending.length > 0)
        problems.push(`${seq}: exit ${key} begins while ${pending.join(', ')} is pending`);
      if (scope !== undefined && event.type === 'TaskScheduled') scopes.get(scope)?.ran.push(event.inputHash);
      open.add(key);
    }
    if (['TaskSucceeded', 'TaskFailed', 'TaskCancelled', 'TimerFired'].includes(event.type)) open.delete(key);
  }
  for (const [key, { owed, ran, outcome }] of scopes) {
    const expected = owed
      .filter(({ always }) => always || outcome !== 'fulfilled')
      .map(({ hash }) => hash)
      .toReversed();
    const isRight = isForced
      ? expected.join(' ').startsWith(ran.join(' '))
      : expected.join(' ') === ran.join(' ');
    if (!isRight)
      problems.push(`scope ${key} (${outcome}) ran [${ran.join(' ')}], owed [${expected.join(' ')}]`);
  }
  return problems;
}

/** Drives it to its end, and asks on the way what is to be asked. */
async function drive(
  store: MemoryStore,
  stage: Stage,
  program: Program,
  steps: readonly { readonly ms: number; readonly force: boolean }[],
): Promise<void> {
  await stage.use(store, { graceMs: 30 }, async (runtime) => {
    const process: Process = program(stage);
    const isKnown = runtime.get('r') !== undefined;
    const handle = isKnown
      ? runtime.resume('r', process)
      : runtime.start(process, null as never, { id: 'r' });
    for (const { ms: after, force } of steps)
      stage.later(after, () => void runtime.cancel('r', 'enough', { force }));
    await handle.result().catch(() => undefined);
  });
}

it('⟲ what a scope registered runs once and in order, whatever ends the scope and wherever it crashes', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyNode,
      fc.array(
        fc.record({ ms: fc.integer({ min: 1, max: 40 }), force: fc.constantFrom(false, false, true) }),
        {
          maxLength: 2,
        },
      ),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 }),
      async (node, steps, crashes) => {
        const program = programOf(node);
        const stage = new Stage();
        const store = new MemoryStore();
        await drive(store, stage, program, steps);
        const check = (one: MemoryStore, where: string): void => {
          const events = journal(one);
          const text = `${where}\n${transcript(one).join('\n')}`;
          expect(
            events.some(({ event }) => /^Run(Succ|Fail|Canc)/.test(event.type)),
            text,
          ).toBe(true);
          expect(
            broken(
              events,
              events.some(({ event }) => event.type === 'CancelForced'),
            ),
            text,
          ).toEqual([]);
          expect(startsInClosedScopes(events), text).toEqual([]);
          expect(one.verify().damage, text).toEqual([]);
        };
        check(store, 'at first');
        await replays(store, program);
        const events = journal(store);
        for (const crash of crashes) {
          const seq = 1 + Math.floor(crash * (events.length - 1));
          const prefix = store.prefix('r', seq);
          const later = Stage.at(events[seq - 1]?.at ?? 0);
          await drive(prefix, later, program, steps.slice(1));
          const where = `after a crash at seq ${seq}: ${transcript(store)[seq - 1]}`;
          expect(transcript(prefix).slice(0, seq), where).toEqual(transcript(store).slice(0, seq));
          check(prefix, where);
          await replays(prefix, program, where);
        }
      },
    ),
    {
      numRuns: Number(process.env['PAWL_SCOPE_RUNS'] ?? 60),
      seed: Number(process.env['PAWL_SCOPE_SEED'] ?? 5),
    },
  );
});
