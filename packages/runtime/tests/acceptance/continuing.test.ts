import { externalTask, type Process, type Schema } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import type { AppendRun, LeaseClaim } from '../../src/ports/journal-store.ts';
import { MemoryStore, seededEntropy } from '../../src/testing.ts';
import { journal, shape } from '../lab.fixture.ts';
import { Stage, t, watchForLeaks } from './stage.fixture.ts';

watchForLeaks();

interface Page {
  readonly page: number;
  readonly seen: number;
}

/** Works on a page, then goes on with the next one in a run of its own. */
const pages =
  (stage: Stage, last: number): Process<Page, unknown> =>
  async ({ page, seen }, ctx) => {
    const got = Number(await ctx.task(stage.step, t(5, page)));
    if (page === last) return { seen: seen + got, runId: ctx.runId };
    return ctx.continueAsNew({ page: page + 1, seen: seen + got });
  };

const FIRST: Page = { page: 1, seen: 0 };
const IDS = ['r', 'r~2', 'r~3'];

class WatchedStore extends MemoryStore {
  readonly states: ReturnType<MemoryStore['snapshot']>[] = [];

  override append(batch: readonly AppendRun[], claim: LeaseClaim): readonly ('committed' | 'fenced')[] {
    const answers = super.append(batch, claim);
    this.states.push(this.snapshot());
    return answers;
  }
}

/** No run whose end names another is without it, and none is there that nobody names. */
function looseEnds(store: MemoryStore): string[] {
  const runs = store.queryRuns({ limit: 100 }, 0).map(({ runId }) => runId);
  const named = runs.flatMap((id) =>
    journal(store, id).flatMap(({ event }) => (event.type === 'RunContinued' ? [event.nextRunId] : [])),
  );
  return [
    ...named.filter((id) => !runs.includes(id)).map((id) => `${id} is missing`),
    ...runs.filter((id) => id !== 'r' && !named.includes(id)).map((id) => `nobody names ${id}`),
  ];
}

describe('continueAsNew', () => {
  it('ends the run and starts the next; the result is that of the last', async () => {
    const stage = new Stage();
    const store = new MemoryStore();
    const told = await stage.drive(store, pages(stage, 3) as Process, FIRST);
    expect(told).toEqual({ value: { seen: 6, runId: 'r~3' } });
    expect(store.queryRuns({ limit: 9 }, 0).map(({ runId, status }) => `${runId} ${status}`)).toEqual([
      'r~3 succeeded',
      'r~2 continued',
      'r continued',
    ]);
    for (const id of IDS.slice(0, 2))
      expect(shape(store, id)).toEqual([
        'RunStarted',
        'TaskScheduled 0',
        'AttemptStarted 0',
        'TaskSucceeded 0',
        'RunContinued',
      ]);
    const [before, after] = [journal(store, 'r')[0]?.event, journal(store, 'r~2')[0]?.event];
    expect(after).toMatchObject({ type: 'RunStarted', process: 'program', inputs: { page: 2, seen: 1 } });
    expect(before?.type === 'RunStarted' && after?.type === 'RunStarted' && before.seed === after.seed).toBe(
      false,
    );
    expect(store.verify().damage).toEqual([]);
    // Each of them is replayed for itself.
    for (const id of IDS) {
      const again = new Stage();
      await again.use(store, {}, async (runtime) => {
        expect(await runtime.replay(id, pages(again, 3))).toMatchObject({ reached: 'end' });
      });
      expect(again.invoked).toEqual([]);
    }
  });

  it('crashed after any commit: the next run is there, or the run goes on', async () => {
    const stage = new Stage();
    const store = new WatchedStore();
    await stage.drive(store, pages(stage, 3) as Process, FIRST);
    for (const [n, state] of store.states.entries()) {
      const resumed = MemoryStore.from(state);
      expect(looseEnds(resumed), `after commit ${n}`).toEqual([]);
      const owner = resumed.getRun('r', 0)?.owner;
      if (typeof owner === 'string') resumed.ownerDied(owner);
      for (const { owner: other } of resumed.queryRuns({ limit: 9 }, 0))
        if (other !== null) resumed.ownerDied(other);
      const again = new Stage();
      const told = await again.drive(resumed, pages(again, 3) as Process, FIRST);
      expect(told, `after commit ${n}`).toEqual({ value: { seen: 6, runId: 'r~3' } });
      expect(looseEnds(resumed)).toEqual([]);
    }
  });

  it('gives up what is pending first, wherever it is called', async () => {
    const stage = new Stage();
    const store = new MemoryStore();
    const process: Process<Page, unknown> = async ({ page }, ctx) => {
      if (page === 2) return 'second';
      void ctx.sleep('1d');
      await ctx.parallel.all([
        () => ctx.task(stage.step, t(500)),
        async () => {
          await ctx.task(stage.step, t(5));
          return ctx.continueAsNew({ page: 2, seen: 0 });
        },
      ]);
      return 'never';
    };
    expect(await stage.drive(store, process as Process, FIRST)).toEqual({ value: 'second' });
    const lines = shape(store);
    expect(lines.filter((line) => line.startsWith('TaskCancelled')).toSorted()).toEqual([
      'TaskCancelled 0',
      'TaskCancelled 1/0/0',
    ]);
    expect(lines.slice(-2)).toEqual(['LateResult 1/0/0', 'RunContinued']);
  });

  it('refuses bad inputs at the call, and the run goes on', async () => {
    const stage = new Stage();
    const store = new MemoryStore();
    const input = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: unknown) =>
          typeof value === 'number' ? { value: value * 10 } : { issues: [{ message: 'no number' }] },
      },
    } as unknown as Schema;
    const told = await stage.use(store, {}, async (runtime) => {
      const process = {
        name: 'checked',
        input,
        run: async (n: number, ctx: Parameters<Process>[1]): Promise<unknown> => {
          const names: string[] = [];
          for (const bad of ['text', Symbol('x')]) {
            try {
              void ctx.continueAsNew(bad);
            } catch (error) {
              names.push((error as Error).name);
            }
          }
          if (n < 100) return ctx.continueAsNew(n);
          return [n, names];
        },
      };
      return runtime.start(process, 1, { id: 'r' }).result();
    });
    // Each start takes its inputs as the schema gives them back.
    expect(told).toEqual([100, ['ValidationError', 'ValidationError']]);
    expect(journal(store, 'r~2')[0]?.event).toMatchObject({ inputs: 100 });
  });

  it('goes round an id that is taken', async () => {
    const stage = new Stage();
    const store = new MemoryStore();
    await stage.use(store, {}, async (runtime) => {
      await runtime.start(async () => 'other', null, { id: 'r~2' }).result();
    });
    const again = new Stage();
    expect(await again.drive(store, pages(again, 2) as Process, FIRST)).toEqual({
      value: { seen: 3, runId: 'r~3' },
    });
  });

  it('is followed by resume, start, cancel and stop of the first', async () => {
    const stage = new Stage();
    const store = new MemoryStore();
    const forever: Process<Page, unknown> = async ({ page }, ctx) => {
      await ctx.task(stage.step, t(5));
      if (page === 3) await ctx.sleep('1h');
      return ctx.continueAsNew({ page: page + 1, seen: 0 });
    };
    await stage.use(store, {}, async (runtime) => {
      const handle = runtime.start(forever, FIRST, { id: 'r' });
      const seen: string[] = [];
      for await (const { event } of handle.events()) seen.push(event.type);
      expect(seen.at(-1)).toBe('RunContinued');
      await stage.clock.sleep(100);
      expect(runtime.get('r~3')).toMatchObject({ status: 'running' });
      await runtime.stop('r');
      await expect(handle.result()).rejects.toMatchObject({ code: 'STOPPED' });
      const other = runtime.start(forever, FIRST, { id: 'r' });
      expect(runtime.cancel('r', 'enough')).toBe('asked');
      await expect(other.result()).rejects.toMatchObject({ code: 'CANCELLED' });
      await expect(runtime.resume('r').result()).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(runtime.cancel('r')).toBe('ended');
      expect(runtime.get('r~3')).toMatchObject({ status: 'cancelled' });
    });
  });

  it('of a process that changed since: another input is a divergence', async () => {
    const stage = new Stage();
    const store = new MemoryStore();
    await stage.drive(store, pages(stage, 2) as Process, FIRST);
    const again = new Stage();
    const changed: Process<Page, unknown> = async ({ page, seen }, ctx) => {
      await ctx.task(again.step, t(5, page));
      return ctx.continueAsNew({ page: page + 1, seen: seen + 99 });
    };
    await again.use(store, {}, async (runtime) => {
      await expect(runtime.replay('r', changed)).rejects.toMatchObject({ name: 'NonDeterminismError' });
    });
  });
});

describe('what a person said about a call, in the run that follows', () => {
  /** Call 0 of each run is one of which a person is asked, once a program dies during it. */
  const asking =
    (stage: Stage): Process<Page, unknown> =>
    async ({ page }, ctx) => {
      const first = ctx.task(stage.with({ onUnknown: 'ask' }), t(30, `by page ${page}`));
      if (page === 2) return first;
      await ctx.sleep(10);
      return ctx.continueAsNew({ page: 2, seen: 0 });
    };

  /** Run 'r' asks about its call; another program takes an answer, and 'r' is followed before it looks. */
  async function answeredTooLate(): Promise<WatchedStore> {
    const first = new Stage();
    const whole = new MemoryStore();
    await first.drive(whole, asking(first) as Process, FIRST);
    const died = journal(whole).find(({ event }) => event.type === 'AttemptStarted');
    const store = new WatchedStore({ from: whole.prefix('r', died?.seq ?? 0).snapshot() });
    const stage = Stage.at(died?.at ?? 0);
    const answer = async (): Promise<void> => {
      const other = await stage.open(store);
      other.resolve('r', '0', { status: 'done', output: 'said of page 1' });
      await other.close();
    };
    stage.later(5, () => {
      void answer();
    });
    // As in a run that asks for thousands of things at once: calls begin before the inbox's turn has come.
    const limits = { burstEvents: 1 };
    expect(await stage.drive(store, asking(stage) as Process, FIRST, { limits })).toEqual({
      value: 'by page 2',
    });
    return store;
  }

  /** The program dies once the call of the next run has started; that run has what was sent to 'r'. */
  async function diedInTheNext(): Promise<MemoryStore> {
    const { states } = await answeredTooLate();
    const store = states
      .map((state) => MemoryStore.from(state))
      .find((each) => shape(each, 'r~2').at(-1) === 'AttemptStarted 0');
    if (store === undefined) return expect.fail('there is no such write');
    store.ownerDied(store.getRun('r~2', 0)?.owner ?? expect.fail('nobody drove it'));
    expect(store.takeInbox('r~2')).toMatchObject([{ kind: 'resolve', key: '0' }]);
    return store;
  }

  it('is no answer to what that one asks under the same key', async () => {
    const store = await diedInTheNext();
    const stage = Stage.at(store.getRun('r~2', 0)?.updatedAt ?? 0);
    // Ids of messages are not those that the first program gave.
    const value = await stage.use(store, { entropy: seededEntropy(2) }, async (runtime) => {
      const result = runtime.resume('r~2', asking(stage)).result();
      await stage.clock.sleep(50);
      expect(runtime.get('r~2')?.asked).toEqual(['0']);
      runtime.resolve('r~2', '0', { status: 'done', output: 'said of page 2' });
      return result;
    });
    expect(value).toBe('said of page 2');
    expect(stage.warnings).toEqual([expect.stringContaining('call 0 of run r')]);
    expect(store.takeInbox('r~2')).toEqual([]);
  });

  it('counts for whichever run has it, where an older program sent it', async () => {
    const store = await diedInTheNext();
    const as = { status: 'done', output: 'said by an older program' } as const;
    expect(store.post('r~2', { kind: 'resolve', id: 'old', key: '0', as })).toBe('posted');
    const stage = Stage.at(store.getRun('r~2', 0)?.updatedAt ?? 0);
    expect(await stage.drive(store, asking(stage) as Process, FIRST)).toEqual({ value: as.output });
  });
});

describe('an answer to an external task, in the run that follows', () => {
  const review = externalTask<void, string>({ name: 'review' });

  /** Call 0 of each run is one that others do. */
  const offering: Process<Page, unknown> = async ({ page }, ctx) => {
    const first = ctx.task(review);
    if (page === 2) return first;
    await ctx.sleep(10);
    return ctx.continueAsNew({ page: 2, seen: 0 });
  };

  /**
   * Another program answers call 0 of 'r', which is followed before it looks; the program dies once the call of the
   * next run is offered.
   */
  async function diedInTheNext(): Promise<MemoryStore> {
    const watched = new WatchedStore();
    const stage = new Stage();
    const answerFromElsewhere = async (): Promise<void> => {
      const other = await stage.open(watched);
      other.tasks.complete(other.tasks.list()[0]?.id ?? '', 'of page 1', { worker: 'ada' });
      await other.close();
    };
    stage.later(5, () => void answerFromElsewhere());
    await stage.use(watched, { limits: { burstEvents: 1 } }, async (runtime) => {
      void runtime
        .start(offering, FIRST, { id: 'r' })
        .result()
        .catch(() => undefined);
      while (!shape(watched, 'r~2').includes('TaskOffered 0')) await stage.clock.sleep(5);
    });
    const store = watched.states
      .map((state) => MemoryStore.from(state))
      .find((each) => shape(each, 'r~2').at(-1) === 'TaskOffered 0');
    if (store === undefined) return expect.fail('there is no such write');
    store.ownerDied(store.getRun('r~2', 0)?.owner ?? expect.fail('nobody drove it'));
    expect(store.takeInbox('r~2')).toMatchObject([{ kind: 'taskAnswer', key: '0' }]);
    return store;
  }

  it('is none to the task of the same key there', async () => {
    const store = await diedInTheNext();
    const stage = Stage.at(store.getRun('r~2', 0)?.updatedAt ?? 0);
    const value = await stage.use(store, { entropy: seededEntropy(2) }, async (runtime) => {
      const result = runtime.resume('r~2', offering).result();
      await stage.clock.sleep(50);
      const [task] = runtime.tasks.list();
      runtime.tasks.complete(task?.id ?? '', 'of page 2');
      return result;
    });
    expect(value).toBe('of page 2');
    expect(stage.warnings).toEqual([
      expect.stringContaining('answer of ada was dropped: it is to task 0 of run r'),
    ]);
    expect(store.takeInbox('r~2')).toEqual([]);
  });

  it('counts for whichever run has it, where an older program sent it', async () => {
    const store = await diedInTheNext();
    const as = { status: 'done', output: 'said to an older program' } as const;
    const message = { kind: 'taskAnswer', id: 'old', key: '0', worker: 'ada', as } as const;
    expect(store.post('r~2', message, 0)).toBe('posted');
    const stage = Stage.at(store.getRun('r~2', 0)?.updatedAt ?? 0);
    expect(await stage.drive(store, offering as Process, FIRST)).toEqual({ value: as.output });
  });
});
