import type { Context, ReduceOptions, SourceOptions } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { foldRun } from '../../src/engine/fold-run.ts';
import { seededEntropy } from '../../src/testing.ts';
import { journal, shape } from '../lab.fixture.ts';
import {
  brief,
  everywhere,
  perform,
  replays,
  resumeAt,
  seqOf,
  Stage,
  t,
  watchForLeaks,
  type Program,
} from './stage.fixture.ts';
import { AT_ONCE, survives, WatchedStore } from './watched-store.fixture.ts';

watchForLeaks();

const caught = (error: unknown): unknown => brief(error);

interface Well extends SourceOptions {
  readonly name?: string;
  readonly ms?: number;
  /** Whether this attempt fails before it gives item `n`. */
  readonly fails?: (attempt: number, n: number) => boolean;
  /** Where it was opened. */
  readonly opened?: (number | undefined)[];
}

/** A source of the numbers from 0; the cursor is the number. */
function numbers(stage: Stage, ctx: Context, count: number, well: Well = {}): AsyncIterable<number> {
  const { name = 'numbers', ms = 2, fails = () => false, opened = [], buffer, retry } = well;
  const options = { ...(buffer === undefined ? {} : { buffer }), ...(retry === undefined ? {} : { retry }) };
  return ctx.source<number, number>(
    name,
    async function* (cursor, { attempt, signal }) {
      opened.push(cursor);
      for (let n = (cursor ?? -1) + 1; n < count; n += 1) {
        if (ms > 0) await pass(stage, ms, signal);
        if (fails(attempt, n)) throw new Error(`no ${n} in attempt ${attempt}`);
        yield { item: n, cursor: n };
      }
    },
    options,
  );
}

function pass(stage: Stage, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    stage.later(ms, () => (signal.aborted ? reject(signal.reason) : resolve()));
  });
}

const add = (total: number, n: unknown): number => total + Number(n);

/** A task for each, whose input tells when it began. */
const working =
  (stage: Stage, ctx: Context) =>
  async (n: number): Promise<number> => {
    await ctx.task(stage.step, t(1 + ((7 * n) % 4), { n, at: ctx.now().getTime() }));
    return n;
  };

type Fold = Partial<ReduceOptions<number, number>> & Well & { readonly count?: number };

/** Sums up the numbers below `count` of a source, with work on each. */
function sum(stage: Stage, ctx: Context, fold: Fold = {}): Promise<number> {
  const { count = 11, foldEvery = 3, concurrency = 2, signal, timeout, ...well } = fold;
  const more = {
    ...(signal === undefined ? {} : { signal }),
    ...(timeout === undefined ? {} : { timeout }),
  };
  return ctx.reduce(numbers(stage, ctx, count, well), 0, add, {
    each: working(stage, ctx),
    foldEvery,
    concurrency,
    ...more,
  });
}

/** In a row without work on each. */
const sumInRow =
  (fold: Fold = {}): Program =>
  (stage) =>
  (_, ctx) =>
    ctx.reduce(numbers(stage, ctx, fold.count ?? 8, fold), 0, add, { foldEvery: fold.foldEvery ?? 3 });

const fresh =
  (fold: Fold): Program =>
  (stage) =>
  (_, ctx) =>
    sum(stage, ctx, fold);

const FLAKY = { retry: { attempts: 3, delay: 5 }, fails: (attempt: number, n: number) => n === 2 * attempt };

describe('a reduce of a source', () => {
  it.each<[string, Fold]>([
    ['a source that is far ahead', { ms: 0, buffer: 16 }],
    ['a source that waits for each item', { ms: 0, buffer: 1 }],
    ['a slow source', { ms: 5 }],
    ['a mark for each item', { ms: 0, buffer: 4, foldEvery: 1 }],
    ['a source that fails and is opened again', { ...FLAKY, buffer: 4 }],
  ])('⟲ of %s', async (_, fold) => {
    await everywhere(fresh({ ...fold, count: 7 }), 21);
    await everywhere(sumInRow({ ...fold, count: 7 }), 21);
  });

  it('marks say how far the source came', async () => {
    const { store } = await perform(sumInRow({ count: 5, foldEvery: 2 }));
    const items = journal(store).flatMap(({ seq, event }) => (event.type === 'ItemRecorded' ? [seq] : []));
    const marks = journal(store).flatMap(({ event }) => (event.type === 'Folded' ? [event] : []));
    expect(marks.map(({ n, source }) => ({ n, source }))).toEqual(
      [2, 4, 5].map((n) => ({ n, source: { key: '0', seq: items[n - 1], attempt: 1, cursor: n - 1 } })),
    );
  });

  it('⟲ in two branches, of sources that were opened before and had items by then', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const [a, b] = [
          numbers(stage, ctx, 6, { name: 'a', ms: 1 }),
          numbers(stage, ctx, 4, { name: 'b', ms: 1, buffer: 2 }),
        ];
        await ctx.sleep(4);
        return ctx.parallel.all([
          () => ctx.reduce(a, 0, add, { each: working(stage, ctx), foldEvery: 2 }),
          () => ctx.reduce(b, 0, add, { foldEvery: 3 }),
        ]);
      },
      [15, 6],
    );
  });

  it('⟲ in an item of another reduce: of its own source, and of one from outside', async () => {
    const program: Program = (stage) => (_, ctx) =>
      ctx.reduce(
        [3, 5, 4],
        [] as number[],
        async (sums, count) => [...sums, await sum(stage, ctx, { count })],
        {
          foldEvery: 1,
        },
      );
    await everywhere(program, [3, 10, 6]);
    const { store } = await perform((stage) => (_, ctx) => {
      const shared = numbers(stage, ctx, 5);
      return ctx.reduce([1], 0, () => ctx.reduce(shared, 0, add, { foldEvery: 2 }));
    });
    const marks = journal(store).flatMap(({ event }) =>
      event.type === 'Folded' && event.key !== '1' ? [event.source] : [],
    );
    // Its items are a variable of the item: they are pulled again.
    expect(marks).toEqual([null, null, null]);
  });

  it('⟲ that fails: in the step, in the source after marks, by its time', async () => {
    await everywhere(
      (stage) => async (_, ctx) => [
        await ctx
          .reduce(
            numbers(stage, ctx, 50),
            0,
            (total, n) => {
              if (n === 5) throw new RangeError('five');
              return total + n;
            },
            { foldEvery: 2 },
          )
          .catch(caught),
        await sum(stage, ctx, { fails: (_attempt, n) => n === 5, foldEvery: 2 }).catch(caught),
        await sum(stage, ctx, { timeout: 12, foldEvery: 2 }).catch(caught),
      ],
      ['RangeError', 'SourceError', 'TimeoutError'],
    );
  });

  it('⟲ that loses: others read on', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const source = numbers(stage, ctx, 9, { ms: 4 });
        const winner = await ctx.parallel.race([
          () => ctx.reduce(source, 0, add, { foldEvery: 2 }),
          () => ctx.sleep(22).then(() => 'late'),
        ]);
        const rest: number[] = [];
        for await (const n of source) rest.push(n);
        return [winner, rest.at(-1), rest.length];
      },
      ['late', 8, 4],
      { inVirtualTime: true },
    );
  });

  it('by its signal: the source is closed where it is', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const controller = new AbortController();
      stage.later(20, () => controller.abort('enough'));
      return [
        await sum(stage, ctx, { signal: controller.signal, foldEvery: 2 }).catch(caught),
        await ctx.sleep(1),
      ];
    };
    const { value, store } = await perform(program);
    expect(value).toEqual(['CancelledError', undefined]);
    expect(shape(store)).toContain('StreamClosed 0');
    await replays(store, program);
  });
});

describe('a source that a reduce reads', () => {
  it('⟲ is read by nobody else until that is settled', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const source = ctx.source<number, number>('numbers', function* (cursor) {
          for (let n = (cursor ?? -1) + 1; n < 4; n += 1) yield { item: n, cursor: n };
        });
        const total = ctx.reduce(source, 0, add, { each: working(stage, ctx), foldEvery: 2 });
        const tries: unknown[] = [];
        try {
          void ctx.reduce(source, 0, add);
        } catch (error) {
          tries.push(brief(error));
        }
        tries.push(await source.next().catch(caught), await source.return().catch(caught));
        return [await total, tries, await source.next(), await source.return()];
      },
      [
        6,
        ['InvalidArgumentError', 'InvalidArgumentError', 'InvalidArgumentError'],
        { done: true, value: undefined },
        { done: true, value: undefined },
      ],
    );
  });

  it('⟲ and was read before is pulled again', async () => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) => {
        const source = ctx.source<number, number>('numbers', function* (cursor) {
          for (let n = (cursor ?? -1) + 1; n < 6; n += 1) yield { item: n, cursor: n };
        });
        const { value } = await source.next();
        return [value, await ctx.reduce(source, 0, add, { each: working(stage, ctx), foldEvery: 2 })];
      },
      [0, 15],
    );
    expect(journal(store).flatMap(({ event }) => (event.type === 'Folded' ? [event.source] : []))).toEqual([
      null,
      null,
      null,
    ]);
  });

  it('is free again where the call was refused', async () => {
    const { value } = await perform((stage) => async (_, ctx) => {
      const source = numbers(stage, ctx, 3);
      await ctx.reduce([], 0, add, { key: 'same' });
      try {
        void ctx.reduce(source, 0, add, { key: 'same' });
      } catch {
        // Its key was used before.
      }
      return ctx.reduce(source, 0, add);
    });
    expect(value).toBe(3);
  });

  it('has to be there when the run resumes', async () => {
    const { store } = await perform(sumInRow());
    const seq = seqOf(store, 'ScopeClosed') - 1;
    const resumed = await resumeAt(store, seq, (stage) => (_, ctx) => {
      numbers(stage, ctx, 8);
      return ctx.reduce([0, 1, 2, 3, 4, 5, 6, 7], 0, add, { foldEvery: 3 });
    });
    expect(resumed.told).toMatchObject({
      error: { name: 'NonDeterminismError', message: expect.stringContaining('items of the source (0)') },
    });
    expect(journal(resumed.store)).toHaveLength(seq);
  });
});

describe('a journal whose source is compacted as it goes', () => {
  it.each<[string, Fold]>([
    ['far ahead', { ms: 0, buffer: 6 }],
    ['one by one', { ms: 0, buffer: 1 }],
    ['slow', { ms: 5 }],
    ['a mark for each item', { ms: 0, buffer: 4, foldEvery: 1 }],
    ['opened again and again', { ...FLAKY, buffer: 3 }],
    ['opened again with items ahead', { ...FLAKY, ms: 0, buffer: 16 }],
  ])('%s', async (_, fold) => {
    await survives(fresh(fold), 55);
    await survives(sumInRow({ ...fold, count: 11 }), 55);
  });

  it('in two branches, of sources that were opened before and had items by then', async () => {
    await survives(
      (stage) => async (_, ctx) => {
        const [a, b] = [
          numbers(stage, ctx, 9, { name: 'a', ms: 1 }),
          numbers(stage, ctx, 7, { name: 'b', ms: 1, buffer: 2, ...FLAKY }),
        ];
        await ctx.sleep(4);
        return ctx.parallel.all([
          () => ctx.reduce(a, 0, add, { each: working(stage, ctx), foldEvery: 2 }),
          () => ctx.reduce(b, 0, add, { foldEvery: 3 }),
          () => ctx.sleep(9).then(() => 'beside'),
        ]);
      },
      [36, 21, 'beside'],
    );
  });

  it('within the items of another reduce', async () => {
    await survives(
      (stage) => (_, ctx) =>
        ctx.reduce(
          numbers(stage, ctx, 6, { name: 'counts', buffer: 2 }),
          [] as number[],
          async (sums, count) => [...sums, await sum(stage, ctx, { count, foldEvery: 2 })],
          { foldEvery: 2 },
        ),
      [0, 0, 1, 3, 6, 10],
    );
  });

  it('that fails after marks, and is closed', async () => {
    await survives(
      (stage) => async (_, ctx) => [
        await sum(stage, ctx, { fails: (_attempt, n) => n === 8 }).catch(caught),
        await sum(stage, ctx, { timeout: 30, count: 99 }).catch(caught),
        await ctx.task(stage.step, t(1, 'on')),
      ],
      ['SourceError', 'TimeoutError', 'on'],
    );
  });

  it('holds no more than a chunk and the buffer, and a resume begins there', async () => {
    const opened: (number | undefined)[] = [];
    const stepped: number[] = [];
    const program: Program = (stage) => (_, ctx) =>
      ctx.reduce(
        numbers(stage, ctx, 400, { ms: 0, buffer: 8, opened }),
        0,
        (total, n, index) => {
          stepped.push(index);
          return total + n;
        },
        { foldEvery: 10 },
      );
    const stage = new Stage();
    const store = new WatchedStore();
    await stage.drive(store, program(stage), null, AT_ONCE);
    expect(opened).toEqual([undefined]);
    expect(store.history.length).toBeGreaterThan(440);
    // RunStarted, StreamOpened, AttemptStarted, eight items from before the reduce, its own opening, and the end.
    expect(journal(store).length).toBeLessThan(30);
    const late = store.states.findLast((state) => {
      const { lastSeq = 0 } = WatchedStore.from(state).getRun('r', 0) ?? {};
      return lastSeq < 400;
    });
    const resumed = WatchedStore.from(late ?? expect.fail('no state'));
    const rows = journal(resumed);
    expect(rows.length).toBeLessThan(45);
    const recorded = rows.flatMap(({ event }) => (event.type === 'ItemRecorded' ? [event.n] : []));
    const mark = rows.flatMap(({ event }) => (event.type === 'Folded' ? [event.n] : [])).at(-1) ?? 0;
    const { owner } = resumed.getRun('r', 0) ?? {};
    if (owner !== null && owner !== undefined) resumed.ownerDied(owner);
    opened.length = 0;
    stepped.length = 0;
    const again = new Stage();
    expect(await again.drive(resumed, program(again), null, AT_ONCE)).toEqual({ value: 79_800 });
    expect(stepped).toEqual(Array.from({ length: 400 - mark }, (_, i) => mark + i));
    expect(opened).toEqual([Math.max(mark - 1, recorded.at(-1) ?? 0)]);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('is crashed again and again, seed %i', async (seed) => {
    const { random } = seededEntropy(seed);
    const pick = (most: number): number => Math.floor(random() * most);
    const fold: Fold = {
      count: 40 + pick(20),
      ms: pick(3),
      buffer: 1 + pick(12),
      foldEvery: 1 + pick(6),
      concurrency: 1 + pick(4),
      retry: { attempts: 4, delay: 3 },
      // An attempt gives five items and more, and each third one fails before it gives any.
      fails: (attempt, n) => attempt % 3 === 2 || (n > 5 * attempt && (n + attempt) % 7 === seed % 7),
    };
    const program: Program = (stage) => async (_, ctx) =>
      ctx.parallel.all([
        () => sum(stage, ctx, fold),
        () => sum(stage, ctx, { ...fold, count: 15, name: 'other', buffer: 2 }),
      ]);
    const first = new Stage();
    const calm = await first.drive(new WatchedStore(), program(first), null, AT_ONCE);
    let store = new WatchedStore();
    for (let crash = 0; crash < 6; crash += 1) {
      const { owner = null, updatedAt = undefined } = store.getRun('r', 0) ?? {};
      if (owner !== null) store.ownerDied(owner);
      const stage = updatedAt === undefined ? new Stage() : Stage.at(updatedAt);
      const known = store.states.length;
      expect(await stage.drive(store, program(stage), null, AT_ONCE)).toEqual(calm);
      await replays(store, program);
      const writes = store.states.length - known;
      // It had come to its end.
      if (writes === 0) break;
      store = store.as(known + pick(Math.min(60, writes)));
      expect(store.verify().damage).toEqual([]);
      expect(foldRun(store, 'r').state).toEqual(foldRun(store.uncut(Infinity), 'r').state);
    }
  });
});
