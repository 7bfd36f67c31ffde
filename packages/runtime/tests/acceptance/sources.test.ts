import {
  isPawlError,
  type Context,
  type OpenSource,
  type Process,
  type SourceContext,
  type SourceItem,
} from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../src/testing.ts';
import { journal, shape, transcript } from '../lab.fixture.ts';
import {
  brief,
  crashes,
  everywhere,
  perform,
  plain,
  replays,
  resumeAt,
  seqOf,
  t,
  watchForLeaks,
  Stage,
  type Program,
} from './stage.fixture.ts';

watchForLeaks();

/** What the sources of a test did, over all its stages. */
class Wells {
  readonly opened: (number | undefined)[] = [];
  readonly given: number[] = [];
  closed = 0;

  /** Numbers from 1 to `count`, each after `ms`; the cursor is the number. */
  numbers(stage: Stage, count: number, ms = 0): OpenSource<number, number> {
    return (after, source) => this.#count(after ?? 0, count, () => pass(stage, ms, source.signal));
  }

  async *#count(
    after: number,
    count: number,
    wait: () => Promise<void>,
  ): AsyncGenerator<SourceItem<number, number>> {
    this.opened.push(after === 0 ? undefined : after);
    try {
      for (let n = after + 1; n <= count; n += 1) {
        await wait();
        this.given.push(n);
        yield { item: n, cursor: n };
      }
    } finally {
      this.closed += 1;
    }
  }
}

/** A wait of a source is no timer of the product. */
function pass(stage: Stage, ms: number, signal: AbortSignal): Promise<void> {
  if (ms === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    stage.later(ms, () => (signal.aborted ? reject(signal.reason) : resolve()));
  });
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const countUp =
  (count: number, ms = 0): Program =>
  (stage) =>
  (_, ctx) =>
    collect(ctx.source('numbers', new Wells().numbers(stage, count, ms)));

describe('C52: a source with a cursor', () => {
  it('C52 ⟲ gives its items in order, wherever it is crashed', async () => {
    await everywhere(countUp(4), [1, 2, 3, 4]);
    await everywhere(countUp(3, 5), [1, 2, 3]);
  });

  it('C52 is killed after 7 of 10: 8 to 10 come once, 1 to 7 from the journal', async () => {
    const { store } = await perform(countUp(10));
    const seventh = journal(store).find(({ event }) => event.type === 'ItemRecorded' && event.n === 6);
    const wells = new Wells();
    const seen: number[] = [];
    const again: Program = (stage) => async (_, ctx) => {
      for await (const n of ctx.source('numbers', wells.numbers(stage, 10))) seen.push(n);
      return seen;
    };
    const resumed = await resumeAt(store, seventh?.seq ?? 0, again);
    expect(resumed.value).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(wells.opened).toEqual([7]);
    expect(wells.given).toEqual([8, 9, 10]);
    const items = journal(resumed.store).flatMap(({ event }) =>
      event.type === 'ItemRecorded' ? [event] : [],
    );
    expect(items.map(({ n }) => n)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(items.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 1, 1, 1, 2, 2, 2]);
  });

  it('records one command, an item each, and the end', async () => {
    const { store } = await perform(countUp(2));
    expect(shape(store)).toEqual([
      'RunStarted',
      'StreamOpened 0',
      'AttemptStarted 0',
      'ItemRecorded 0',
      'ItemRecorded 0',
      'StreamEnded 0',
      'RunSucceeded',
    ]);
  });

  it('ends at once where it is empty', async () => {
    await everywhere(countUp(0), []);
  });

  it('gives to calls between its items, wherever it is crashed', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const told: unknown[] = [];
      for await (const n of ctx.source('numbers', new Wells().numbers(stage, 3, 5)))
        told.push(await ctx.task(stage.step, t(7, n * 10)));
      return told;
    };
    await everywhere(program, [10, 20, 30]);
  });

  it('keeps values that JSON would lose, items and cursors alike', async () => {
    const program: Program = () => async (_, ctx) => {
      const days = ctx.source('days', function* (after: Date | undefined) {
        for (let day = (after?.getUTCDate() ?? 0) + 1; day <= 2; day += 1) {
          const at = new Date(Date.UTC(2026, 0, day));
          yield { item: new Map([[at, undefined]]), cursor: at };
        }
      });
      return collect(days);
    };
    await everywhere(program, [
      new Map([[new Date(Date.UTC(2026, 0, 1)), undefined]]),
      new Map([[new Date(Date.UTC(2026, 0, 2)), undefined]]),
    ]);
  });
});

describe('leaving a source before its end', () => {
  const takeTwo: Program = (stage) => async (_, ctx) => {
    const taken: number[] = [];
    for await (const n of ctx.source('numbers', new Wells().numbers(stage, 100, 1))) {
      taken.push(n);
      if (taken.length === 2) break;
    }
    return [taken, await ctx.task(stage.step, t(3, 'after'))];
  };

  it('⟲ break is recorded, closes the source, and the process goes on', async () => {
    await everywhere(takeTwo, [[1, 2], 'after']);
  });

  it('the generator is closed, and its signal aborted, after the commit', async () => {
    const wells = new Wells();
    const signals: AbortSignal[] = [];
    const program: Program = (stage) => async (_, ctx) => {
      const numbers = ctx.source('numbers', (after: number | undefined, source) => {
        signals.push(source.signal);
        return wells.numbers(stage, Infinity)(after, source);
      });
      for await (const n of numbers) if (n === 3) break;
      return 'left';
    };
    const { store, value } = await perform(program);
    expect(value).toBe('left');
    expect(wells.closed).toBe(1);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    const closed = journal(store).find(({ event }) => event.type === 'StreamClosed');
    expect(closed?.event).toEqual({ type: 'StreamClosed', key: '0', consumed: 3 });
    expect(journal(store).at(-1)?.event.type).toBe('RunSucceeded');
  });

  it('a throw in the loop closes it, too', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      try {
        for await (const n of ctx.source('numbers', new Wells().numbers(stage, 100))) {
          if (n === 2) throw new RangeError('enough');
        }
      } catch (error) {
        return brief(error);
      }
      return 'not reached';
    };
    await everywhere(program, 'RangeError');
  });

  it('one that nobody reads is cancelled when the process ends', async () => {
    const wells = new Wells();
    const program: Program = (stage) => async (_, ctx) => {
      ctx.source('numbers', wells.numbers(stage, Infinity));
      await ctx.sleep(5);
      return 'done';
    };
    const { store, value } = await perform(program);
    expect(value).toBe('done');
    expect(shape(store).slice(-3)).toEqual(['ScopeClosed ', 'TaskCancelled 0', 'RunSucceeded']);
    expect(wells.given).toHaveLength(16);
    expect(wells.closed).toBe(1);
    await crashes(store, program, { value: 'done' });
  });

  it('⟲ one whose branch has lost is cancelled, and writes nothing more', async () => {
    const program: Program = (stage) => async (_, ctx) =>
      ctx.parallel.race([
        async () => collect(ctx.source('numbers', new Wells().numbers(stage, Infinity, 4))),
        () => ctx.task(stage.step, t(10, 'won')),
      ]);
    await everywhere(program, 'won');
  });

  it('⟲ a loser that waits for an item of a source outside takes none', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const numbers = ctx.source('numbers', new Wells().numbers(stage, 3, 10));
      const first = await ctx.parallel.race([
        async () => (await numbers.next()).value,
        () => ctx.task(stage.step, t(5, 'quick')),
      ]);
      return [first, await collect(numbers)];
    };
    await everywhere(program, ['quick', [1, 2, 3]]);
  });

  it.each(['drain', 'detach'] as const)('⟲ a loser that goes on (%s) reads on', async (losers) => {
    const program: Program = (stage) => async (_, ctx) => {
      const sums: number[] = [];
      const won = await ctx.parallel.race(
        [
          async () => {
            for await (const n of ctx.source('numbers', new Wells().numbers(stage, 4, 5))) sums.push(n);
            return sums.push(-1);
          },
          () => ctx.task(stage.step, t(7, 'won')),
        ],
        { losers },
      );
      await ctx.sleep(30);
      return [won, sums];
    };
    await everywhere(program, ['won', [1, 2, 3, 4, -1]]);
  });

  it('⟲ a group that times out cancels the sources in it', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const taken: number[] = [];
      const [settled] = await ctx.parallel.allSettled(
        [
          async () => {
            for await (const n of ctx.source('numbers', new Wells().numbers(stage, 9, 40))) taken.push(n);
          },
        ],
        { timeout: 100 },
      );
      return [settled.status, taken];
    };
    await everywhere(program, ['rejected', [1, 2]]);
  });

  it('a deaf source holds the end up for its grace, and no longer', async () => {
    const program: Program = () => async (_, ctx) => {
      const stuck = ctx.source('stuck', async function* (): AsyncGenerator<SourceItem<number, number>> {
        yield { item: 1, cursor: 1 };
        await new Promise(() => undefined);
      });
      for await (const n of stuck) return n;
      return 0;
    };
    const { stage, value } = await perform(program, { graceMs: 100 });
    expect(value).toBe(1);
    expect(stage.clock.monotonic()).toBe(100);
  });
});

describe('back-pressure', () => {
  it('pulls only as far ahead as its buffer, and goes on as items are taken', async () => {
    const wells = new Wells();
    const ahead: number[] = [];
    const program: Program = (stage) => async (_, ctx) => {
      const numbers = ctx.source('numbers', wells.numbers(stage, 40), { buffer: 4 });
      await ctx.sleep(10);
      let taken = 0;
      for await (const n of numbers) {
        taken = n;
        await ctx.sleep(1);
        ahead.push(wells.given.length - taken);
      }
      return taken;
    };
    const { value } = await perform(program);
    expect(value).toBe(40);
    expect(Math.max(...ahead)).toBe(4);
    expect(ahead.slice(0, 30).every((items) => items >= 3)).toBe(true);
  });

  it('with a buffer of 1 the code behind a yield runs once the item is committed', async () => {
    const acknowledged: number[] = [];
    const committed: number[] = [];
    const store = new MemoryStore({
      faults: {
        afterAppend: (batch) => {
          for (const { event } of batch.flatMap(({ events }) => events))
            if (event.type === 'ItemRecorded') committed.push(event.n);
        },
      },
    });
    const stage = new Stage();
    const process: Process = async (_, ctx) =>
      collect(
        ctx.source(
          'mail',
          async function* (after: number | undefined) {
            for (let n = (after ?? -1) + 1; n < 5; n += 1) {
              yield { item: n, cursor: n };
              expect(committed).toContain(n);
              acknowledged.push(n);
            }
          },
          { buffer: 1 },
        ),
      );
    const told = await stage.drive(store, process);
    expect(told).toEqual({ value: [0, 1, 2, 3, 4] });
    expect(acknowledged).toEqual([0, 1, 2, 3, 4]);
  });

  it('goes on with what was not taken before a crash counted in', async () => {
    const { store } = await perform(countUp(30));
    const wells = new Wells();
    const slow: Program = (stage) => async (_, ctx) => {
      const numbers = ctx.source('numbers', wells.numbers(stage, 30), { buffer: 4 });
      await ctx.sleep(100);
      expect(wells.given.length).toBeLessThanOrEqual(4);
      return (await collect(numbers)).length;
    };
    // Three items came, and none was taken yet.
    const resumed = await resumeAt(store, seqOf(store, 'ItemRecorded') + 2, slow);
    expect(resumed.value).toBe(30);
  });

  it('gives its items to several readers, each once', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const numbers = ctx.source('numbers', new Wells().numbers(stage, 6, 2));
      const parts = await ctx.parallel.all([() => collect(numbers), () => collect(numbers)]);
      return [parts.flat().toSorted(), parts.map((part) => part.length)];
    };
    await everywhere(program, [
      [1, 2, 3, 4, 5, 6],
      [3, 3],
    ]);
  });
});

describe('a source that fails', () => {
  const failing =
    (fails: (attempt: number, n: number) => boolean, options: object = {}): Program =>
    () =>
    async (_, ctx) => {
      const taken: number[] = [];
      const numbers = ctx.source(
        'numbers',
        async function* (after: number | undefined, { attempt }: SourceContext) {
          for (let n = (after ?? 0) + 1; n <= 4; n += 1) {
            if (fails(attempt, n)) throw new RangeError(`no ${n}`);
            yield { item: n, cursor: n };
          }
        },
        options,
      );
      try {
        for await (const n of numbers) taken.push(n);
      } catch (error) {
        if (!isPawlError(error, 'SOURCE_FAILED')) throw error;
        const { source, key, attempts, message, cause } = error;
        const ended = await numbers.next();
        return { taken, source, place: key.length > 0, attempts, message, cause: String(cause), ended };
      }
      return taken;
    };

  it('⟲ for good: what it gave comes first, then the error, then nothing', async () => {
    await everywhere(
      failing((_, n) => n === 3),
      {
        taken: [1, 2],
        source: 'numbers',
        place: true,
        attempts: 1,
        message: 'no 3',
        cause: 'RangeError: no 3',
        ended: { done: true, value: undefined },
      },
    );
  });

  it('⟲ with retry it is opened again at its last cursor; an item starts the count anew', async () => {
    const { stage, store } = await everywhere(
      failing((attempt, n) => n === attempt, { retry: { attempts: 2, delay: 100 } }),
      [1, 2, 3, 4],
    );
    expect(stage.clock.monotonic()).toBeGreaterThanOrEqual(100);
    expect(shape(store).filter((line) => line === 'AttemptFailed 0')).toHaveLength(4);
  });

  it('gives up after as many failures without an item as its policy says', async () => {
    const { value, store } = await perform(failing((_, n) => n === 2, { retry: { attempts: 3, delay: 10 } }));
    expect(value).toMatchObject({ taken: [1], attempts: 3, message: 'no 2' });
    const failed = journal(store).find(({ event }) => event.type === 'StreamFailed');
    expect(failed?.event).toMatchObject({ failures: 3 });
    await replays(
      store,
      failing(() => true, { retry: { attempts: 3, delay: 10 } }),
    );
  });

  it('is asked by shouldRetry', async () => {
    const { value } = await perform(
      failing((_, n) => n === 2, { retry: { attempts: 5, shouldRetry: () => false } }),
    );
    expect(value).toMatchObject({ taken: [1], attempts: 1 });
  });

  const broken = (open: () => unknown): Program => {
    return () => async (_, ctx) => {
      try {
        return await collect(ctx.source('broken', open as never, { retry: { attempts: 5, delay: 1 } }));
      } catch (error) {
        return String(error);
      }
    };
  };

  it.each([
    [
      'a function',
      () => [{ item: { deep: [() => 1] }, cursor: 1 }],
      /An item of source 'broken' \(0\).*\$\.deep\[0\]/,
    ],
    ['a cursor with a symbol', () => [{ item: 1, cursor: Symbol('x') }], /A cursor of source 'broken'.*\$/],
    ['no cursor', () => [{ item: 1 }], /must yield \{ item, cursor \}/],
    ['an undefined cursor', () => [{ item: 1, cursor: undefined }], /must yield \{ item, cursor \}/],
    ['no object', () => [1], /must yield \{ item, cursor \}/],
    ['no iterable', () => 5, /must give an async iterable/],
    ['text', () => 'abc', /must give an async iterable/],
    ['nothing', () => undefined, /must give an async iterable/],
  ])('where it gives %s it fails at once, naming what is wrong', async (_, open, message) => {
    const { value, store } = await perform(broken(open));
    expect(value).toMatch(message);
    expect(shape(store).filter((line) => line.startsWith('AttemptFailed'))).toEqual([]);
  });

  it('where an item is too large it fails with the limit', async () => {
    const { value } = await perform(
      broken(() => [{ item: 'x'.repeat(5000), cursor: 1 }]),
      {
        limits: { payloadBytes: 1000 },
      },
    );
    expect(value).toMatch(/payloadBytes = 1000/);
  });

  it('a promise of an iterable, and an array, are sources too', async () => {
    const program: Program = () => async (_, ctx) =>
      collect(ctx.source('array', async () => [{ item: 'a', cursor: 1 }]));
    expect((await perform(program)).value).toEqual(['a']);
  });
});

describe('D09: waits outside ctx beside sources', () => {
  /** A wait of real time, short on one run and longer on the next. */
  const outside = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.random() * 3));

  it('⟲ between the items, and before the break', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const told: unknown[] = [];
      for await (const n of ctx.source('numbers', new Wells().numbers(stage, 9, 2))) {
        await outside();
        told.push(await ctx.task(stage.step, t(1, n)));
        await outside();
        if (n === 3) break;
      }
      await outside();
      return [...told, await ctx.task(stage.step, t(1, 'after'))];
    };
    // How long it waits outside is drawn, which is no matter of keys.
    const runtime = { strict: true, guard: 'off' } as const;
    const { stage } = await everywhere(program, [1, 2, 3, 'after'], { runtime });
    expect(stage.warnings).toEqual([]);
  });

  it('⟲ in one strand, while another reads', async () => {
    const program: Program = (stage) => async (_, ctx) =>
      ctx.parallel.all([
        async () => {
          await outside();
          return ctx.task(stage.step, t(3, 'slow'));
        },
        async () => {
          const taken: number[] = [];
          for await (const n of ctx.source('numbers', new Wells().numbers(stage, 9, 1))) {
            taken.push(n);
            if (n === 2) break;
          }
          return taken;
        },
      ]);
    await everywhere(program, ['slow', [1, 2]]);
  });

  it('a reader that leaves sooner on replay leaves where it did: others have read on till then', async () => {
    const leaving =
      (isSlow: boolean): Program =>
      (stage) =>
      async (_, ctx) => {
        const numbers = ctx.source('numbers', new Wells().numbers(stage, 100, 5));
        const told: unknown[] = [];
        await ctx.parallel.all([
          async () => {
            const wanted = isSlow ? 3 : 0;
            while (told.length < wanted) await new Promise((resolve) => setImmediate(resolve));
            await numbers.return();
            told.push('left');
          },
          async () => {
            for await (const n of numbers) told.push(await ctx.task(stage.step, t(1, n)));
          },
        ]);
        return [told, await ctx.task(stage.step, t(1, 'after'))];
      };
    const { value, store } = await perform(leaving(true));
    expect(value).toEqual([[1, 2, 3, 'left'], 'after']);
    await replays(store, leaving(false));
    const closed = seqOf(store, 'StreamClosed');
    for (let seq = closed; seq <= journal(store).length; seq += 1)
      expect((await resumeAt(store, seq, leaving(false))).value).toEqual(value);
  });
});

describe('D21: bad options', () => {
  it.each([
    ['no name', (ctx: Context) => ctx.source('', function* () {}), 'InvalidArgumentError'],
    ['no function', (ctx: Context) => ctx.source('x', 5 as never), 'InvalidArgumentError'],
    ['buffer 0', (ctx: Context) => ctx.source('x', function* () {}, { buffer: 0 }), 'InvalidOptionError'],
    [
      'buffer Infinity',
      (ctx: Context) => ctx.source('x', function* () {}, { buffer: Infinity }),
      'InvalidOptionError',
    ],
    ['buffer 1.5', (ctx: Context) => ctx.source('x', function* () {}, { buffer: 1.5 }), 'InvalidOptionError'],
    [
      'a buffer over the limit',
      (ctx: Context) => ctx.source('x', function* () {}, { buffer: 10_001 }),
      'LimitError',
    ],
    [
      'an unknown option',
      (ctx: Context) => ctx.source('x', function* () {}, { size: 1 } as never),
      'InvalidOptionError',
    ],
    ['options null', (ctx: Context) => ctx.source('x', function* () {}, null as never), 'InvalidOptionError'],
    [
      'retry 0',
      (ctx: Context) => ctx.source('x', function* () {}, { retry: { attempts: 0 } }),
      'InvalidOptionError',
    ],
    ['an empty key', (ctx: Context) => ctx.source('x', function* () {}, { key: '' }), 'InvalidOptionError'],
  ])('%s throws at the call, and nothing is recorded', async (_, call, name) => {
    const program: Program = () => async (_inputs, ctx) => {
      try {
        call(ctx);
        return 'no error';
      } catch (error) {
        return error instanceof Error ? error.name : 'something';
      }
    };
    const { value, store } = await perform(program);
    expect(value).toBe(name);
    expect(shape(store)).toEqual(['RunStarted', 'RunSucceeded']);
  });

  it('a key that was used is refused', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const open = new Wells().numbers(stage, 1);
      ctx.source('a', open, { key: 'one' });
      expect(() => ctx.source('b', open, { key: 'one' })).toThrow(/used twice/);
      return 'ok';
    };
    expect((await perform(program)).value).toBe('ok');
  });
});

describe('changed code', () => {
  const named =
    (name: string, take: number): Program =>
    (stage) =>
    async (_, ctx) => {
      const taken: number[] = [];
      for await (const n of ctx.source(name, new Wells().numbers(stage, 9))) {
        taken.push(n);
        if (taken.length === take) break;
      }
      await ctx.task(stage.step, t(5));
      return taken;
    };

  it('another name diverges', async () => {
    const { store } = await perform(named('numbers', 2));
    const { told } = await resumeAt(store, seqOf(store, 'TaskScheduled'), named('figures', 2));
    expect(String('error' in told ? told.error : '')).toMatch(
      /recorded +source 'numbers'\n +asked +source 'figures'/,
    );
  });

  it('leaving after another number of items diverges, and names both', async () => {
    const { store } = await perform(named('numbers', 2));
    const before = transcript(store);
    const { told, store: after } = await resumeAt(store, seqOf(store, 'TaskScheduled'), named('numbers', 1));
    expect(String('error' in told ? told.error : '')).toMatch(
      /the end of reading after 2 items\n +asked +the end of reading after 1 item\n[^]*another number of items/,
    );
    expect(transcript(after)).toEqual(before.slice(0, seqOf(store, 'TaskScheduled')));
  });

  it('reading on where it was left is found out', async () => {
    const { store } = await perform(named('numbers', 2));
    const { told } = await resumeAt(store, seqOf(store, 'TaskScheduled'), named('numbers', 3), {
      stallMs: 50,
    });
    expect(String('error' in told ? told.error : '')).toMatch(/end of reading after 2 items/);
  });

  it('buffer and retry may change', async () => {
    const { store } = await perform(countUp(5));
    const again: Program = (stage) => async (_, ctx) =>
      collect(ctx.source('numbers', new Wells().numbers(stage, 5), { buffer: 1, retry: { attempts: 9 } }));
    const { value } = await resumeAt(store, seqOf(store, 'ItemRecorded') + 1, again);
    expect(value).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('stopping and cancelling', () => {
  it('a run that is stopped goes on at the cursor', async () => {
    const store = new MemoryStore();
    const stage = new Stage();
    const wells = new Wells();
    const process: Process = async (_, ctx) => collect(ctx.source('numbers', wells.numbers(stage, 5, 10)));
    await stage.use(store, {}, async (runtime) => {
      const handle = runtime.start(process, null as never, { id: 'r' });
      stage.later(25, () => void runtime.stop('r'));
      await expect(handle.result()).rejects.toMatchObject({ code: 'STOPPED' });
    });
    expect(shape(store).at(-1)).toBe('AttemptInterrupted 0');
    expect(plain(await stage.drive(store, process))).toEqual({ value: [1, 2, 3, 4, 5] });
    expect(wells.opened).toEqual([undefined, 2]);
    expect(wells.given).toEqual([1, 2, 3, 4, 5]);
  });

  it('a run that is cancelled closes its sources', async () => {
    const store = new MemoryStore();
    const stage = new Stage();
    const wells = new Wells();
    const seen: unknown[] = [];
    const process: Process = async (_, ctx) => {
      try {
        await collect(ctx.source('numbers', wells.numbers(stage, 5, 10)));
      } catch (error) {
        seen.push(brief(error));
        throw error;
      }
    };
    await stage.use(store, {}, async (runtime) => {
      const handle = runtime.start(process, null as never, { id: 'r' });
      stage.later(25, () => void runtime.cancel('r', 'enough'));
      await expect(handle.result()).rejects.toMatchObject({ code: 'CANCELLED' });
    });
    expect(seen).toEqual(['CancelledError']);
    expect(wells.closed).toBe(1);
    expect(shape(store).slice(-3)).toEqual(['CancelRequested', 'TaskCancelled 0', 'RunCancelled']);
  });

  it('ctx is not for sources', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const bad = ctx.source('bad', async function* (): AsyncGenerator<SourceItem<unknown, number>> {
        yield { item: await ctx.task(stage.step, t(1)), cursor: 1 };
      });
      return collect(bad).catch(String);
    };
    expect((await perform(program)).value).toMatch(/ctx was used outside its process/);
  });
});
