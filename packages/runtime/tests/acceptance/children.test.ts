import { ChildError, type Process, type Schema } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import type { AppendRun, LeaseClaim } from '../../src/ports/journal-store.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, shape, transcript } from '../lab.fixture.ts';
import { f, Stage, t, watchForLeaks, type StepInput, type Told } from './stage.fixture.ts';

watchForLeaks();

class WatchedStore extends MemoryStore {
  readonly states: ReturnType<MemoryStore['snapshot']>[] = [];

  override append(batch: readonly AppendRun[], claim: LeaseClaim): readonly ('committed' | 'fenced')[] {
    const answers = super.append(batch, claim);
    this.states.push(this.snapshot());
    return answers;
  }
}

type Program = (stage: Stage) => Process;

/** Two steps, one after the other. */
const pair = (stage: Stage): Process<StepInput, unknown> =>
  async function pair(input, ctx) {
    const first = await ctx.task(stage.step, t(5, 'first'));
    return [first, await ctx.task(stage.step, input)];
  };

function statuses(store: MemoryStore): Record<string, string> {
  const runs = store.queryRuns({ limit: 100 }, 0);
  return Object.fromEntries(runs.map(({ runId, status }) => [runId, status]));
}

function all(store: MemoryStore): string[][] {
  return Object.keys(statuses(store)).map((id) => transcript(store, id));
}

/** Every child that a journal names is there and names its parent, and every child is named. */
function looseEnds(store: MemoryStore): string[] {
  const named = new Map<string, string>();
  const found = new Map<string, string>();
  for (const id of Object.keys(statuses(store))) {
    for (const { event } of journal(store, id)) {
      if (event.type === 'ChildStarted') named.set(event.runId, `${id} ${event.key}`);
      if (event.type === 'ParentRecorded') found.set(id, `${event.parentRunId} ${event.parentKey}`);
    }
  }
  return [
    ...[...named].filter(([id, parent]) => found.get(id) !== parent).map(([id]) => `${id} is missing`),
    ...[...found].filter(([id, parent]) => named.get(id) !== parent).map(([id]) => `nobody names ${id}`),
  ];
}

function reborn(state: ReturnType<MemoryStore['snapshot']>): MemoryStore {
  const store = MemoryStore.from(state);
  for (const { owner } of store.queryRuns({ limit: 100 }, 0)) if (owner !== null) store.ownerDied(owner);
  return store;
}

function plain(told: Told): unknown {
  return 'value' in told ? told : { error: String(told.error.cause ?? told.error) };
}

/**
 * Runs it, replays every run of it, and crashes the whole store after every commit: the same result, the same
 * statuses in the end, no loose ends, and nothing done again that was recorded as done.
 */
async function everywhere(program: Program, expected: unknown): Promise<WatchedStore> {
  const stage = new Stage();
  const store = new WatchedStore();
  expect(plain(await stage.drive(store, program(stage)))).toEqual(expected);
  expect(looseEnds(store)).toEqual([]);
  expect(store.verify().damage).toEqual([]);
  const before = all(store);
  const again = new Stage();
  await again.use(store, {}, async (runtime) => {
    expect(await runtime.replay('r', program(again))).toMatchObject({ reached: 'end' });
  });
  expect(again.invoked).toEqual([]);
  expect(all(store)).toEqual(before);
  for (const [n, state] of store.states.entries()) {
    const resumed = reborn(state);
    expect(looseEnds(resumed), `after commit ${n}`).toEqual([]);
    const last = Math.max(...resumed.queryRuns({ limit: 100 }, 0).map(({ updatedAt }) => updatedAt));
    const other = Stage.at(last);
    expect(plain(await other.drive(resumed, program(other))), `after commit ${n}`).toEqual(expected);
    expect(looseEnds(resumed), `after commit ${n}`).toEqual([]);
    // What the run had ended before the crash is left as the crash found it.
    if (MemoryStore.from(state).getRun('r', 0)?.status !== 'running') continue;
    expect(statuses(resumed), `after commit ${n}`).toEqual(statuses(store));
  }
  return store;
}

describe('ctx.run', () => {
  it('runs another process with a journal of its own, and waits for it without a slot', async () => {
    const store = await everywhere(
      (stage) => async (_, ctx) => {
        const got = await ctx.run(pair(stage), t(5, 'second'));
        return { got, then: await ctx.task(stage.step, t(1, 'then')) };
      },
      { value: { got: ['first', 'second'], then: 'then' } },
    );
    expect(shape(store)).toEqual([
      'RunStarted',
      'ChildStarted 0',
      'ChildFinished 0',
      'TaskScheduled 1',
      'AttemptStarted 1',
      'TaskSucceeded 1',
      'RunSucceeded',
    ]);
    expect(shape(store, 'r.0').slice(0, 3)).toEqual(['RunStarted', 'ParentRecorded', 'TaskScheduled 0']);
    expect(statuses(store)).toEqual({ 'r.0': 'succeeded', r: 'succeeded' });
    const child = journal(store, 'r.0')[0]?.event;
    expect(child).toMatchObject({ type: 'RunStarted', process: 'pair', module: null });
  });

  it('holds no slot of a limit of one, at any depth', async () => {
    const stage = new Stage();
    const nested: Process<number, number> = async function nested(n, ctx) {
      if (n === 0) return Number(await ctx.task(stage.step, t(1, 0)));
      return 1 + (await ctx.run(nested, n - 1));
    };
    const store = new MemoryStore();
    const told = await stage.drive(store, async (_, ctx) => ctx.run(nested, 10), null, {
      limits: { inFlight: 1 },
    });
    expect(told).toEqual({ value: 10 });
    expect(Object.keys(statuses(store))).toHaveLength(12);
  });

  it('many at once in parallel.map, each once', async () => {
    const store = await everywhere(
      (stage) => async (_, ctx) =>
        ctx.parallel.map([3, 1, 2], (n) => ctx.run(pair(stage), t(n, n), { key: 'child' })),
      {
        value: [
          ['first', 3],
          ['first', 1],
          ['first', 2],
        ],
      },
    );
    expect(Object.keys(statuses(store)).toSorted()).toEqual([
      'r',
      'r.0.0.:child',
      'r.0.1.:child',
      'r.0.2.:child',
    ]);
  });

  it('of a race: the loser is cancelled, and the run does not end before it', async () => {
    const store = await everywhere(
      (stage) => async (_, ctx) =>
        ctx.parallel.race([
          () => ctx.run(pair(stage), t(500, 'slow')),
          () => ctx.run(pair(stage), t(5, 'fast')),
        ]),
      { value: ['first', 'fast'] },
    );
    expect(statuses(store)).toEqual({ 'r.0.0.0': 'cancelled', 'r.0.1.0': 'succeeded', r: 'succeeded' });
    expect(shape(store).slice(-3)).toEqual(['ScopeClosed 0', 'TaskCancelled 0/0/0', 'RunSucceeded']);
  });

  it('that fails: a ChildError with what it threw as the cause', async () => {
    const store = await everywhere(
      (stage) => async (_, ctx) => {
        try {
          return await ctx.run(pair(stage), f(5, 'no'), { key: 'it' });
        } catch (error) {
          if (!(error instanceof ChildError)) throw error;
          const { name, code, runId, process, key, message, cause } = error;
          return { name, code, runId, process, key, message, cause: (cause as Error).name };
        }
      },
      {
        value: {
          name: 'ChildError',
          code: 'CHILD_FAILED',
          runId: 'r.:it',
          process: 'pair',
          key: ':it',
          message: "Run r.:it of process 'pair' failed: no",
          cause: 'TaskError',
        },
      },
    );
    expect(statuses(store)).toEqual({ 'r.:it': 'failed', r: 'succeeded' });
  });

  it('follows a child that goes on as new, whose runs all name their parent', async () => {
    const store = await everywhere(
      (stage) => {
        const pages: Process<number, unknown> = async function pages(page, ctx) {
          await ctx.task(stage.step, t(5));
          return page === 3 ? ctx.runId : ctx.continueAsNew(page + 1);
        };
        return async (_, ctx) => ctx.run(pages, 1);
      },
      { value: 'r.0~3' },
    ).catch((error: unknown) => error as Error);
    // Those that follow are named by the end before them.
    expect(String(store)).toContain('nobody names');
  });
});
