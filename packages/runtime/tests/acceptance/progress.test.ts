import { defineTask, type Context, type TaskContext, type TaskEnvelope } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../src/testing.ts';
import { journal, shape } from '../lab.fixture.ts';
import {
  brief,
  crashes,
  everywhere,
  perform,
  plain,
  replays,
  resumeAt,
  seqOf,
  Stage,
  t,
  watchForLeaks,
  type Program,
} from './stage.fixture.ts';

watchForLeaks();

/** An envelope without its key, which differs by place; errors in words. */
function short(told: TaskEnvelope): unknown {
  switch (told.type) {
    case 'INTERMEDIATE':
      return [told.value, told.index, told.attempt];
    case 'FINAL':
      return ['FINAL', told.value, told.attempt];
    default:
      return ['ERROR', brief(told.error), told.attempt];
  }
}

async function read(items: AsyncIterable<TaskEnvelope>): Promise<unknown[]> {
  const list: unknown[] = [];
  for await (const item of items) list.push(short(item));
  return list;
}

function pass(stage: Stage, ms: number): Promise<void> {
  return new Promise((resolve) => {
    stage.later(ms, resolve);
  });
}

/** Tells 25 % and 75 %, with time between; later attempts may differ. */
const converting = (stage: Stage, fails = 0) =>
  defineTask({
    name: 'convert',
    retry: { attempts: 3, delay: 50 },
    run: async function* (_: void, { attempt }: TaskContext) {
      await pass(stage, 5);
      yield '25 %';
      await pass(stage, 5);
      if (attempt <= fails) throw new Error(`failure ${attempt}`);
      yield '75 %';
      return 'done';
    },
  });

describe('C12: a streaming task', () => {
  const program =
    (fails = 0): Program =>
    (stage) =>
    async (_, ctx) =>
      read(ctx.stream(converting(stage, fails)));

  /** What a crash leaves of an attempt stays, and another attempt tells the same again. */
  const endsWell = (value: unknown): void => {
    const told = value as [unknown, number, number][];
    expect(told.at(-1)).toEqual(['FINAL', 'done', expect.any(Number)]);
    const items = told.slice(0, -1);
    expect(items.map(([, index]) => index)).toEqual(items.map((_, index) => index));
    const lastAttempt = told.at(-1)?.[2];
    expect(items.filter(([, , attempt]) => attempt === lastAttempt).map(([item]) => item)).toEqual(
      lastAttempt === undefined ? [] : ['25 %', '75 %'],
    );
  };

  it('C12 yields 25 %, 75 % and returns done: INTERMEDIATE, INTERMEDIATE, FINAL, in order, with key and attempt', async () => {
    const whole: Program = (stage) => async (_, ctx) => {
      const list: TaskEnvelope[] = [];
      for await (const told of ctx.stream(converting(stage), undefined, { key: 'c' })) list.push(told);
      return list;
    };
    const { value, store } = await perform(whole);
    expect(value).toEqual([
      { type: 'INTERMEDIATE', key: ':c', index: 0, attempt: 1, value: '25 %' },
      { type: 'INTERMEDIATE', key: ':c', index: 1, attempt: 1, value: '75 %' },
      { type: 'FINAL', key: ':c', attempt: 1, value: 'done' },
    ]);
    expect(shape(store)).toEqual([
      'RunStarted',
      'TaskScheduled :c',
      'StreamOpened :c',
      'AttemptStarted :c',
      'ItemRecorded :c',
      'ItemRecorded :c',
      'TaskSucceeded :c',
      'RunSucceeded',
    ]);
    await replays(store, whole);
  });

  it('C12 ⟲ crashed anywhere, what was told is told again in its order, and the next attempt adds to it', async () => {
    const { store } = await perform(program());
    for (let seq = 1; seq <= journal(store).length; seq += 1) {
      const resumed = await resumeAt(store, seq, program());
      endsWell(resumed.value);
      await replays(resumed.store, program());
    }
  });

  it('C12 ⟲ in a branch of map', async () => {
    const inBranch: Program = (stage) => async (_, ctx) =>
      ctx.parallel.map(['a', 'b'], () => read(ctx.stream(converting(stage))));
    const { value, store } = await perform(inBranch);
    const each = [
      ['25 %', 0, 1],
      ['75 %', 1, 1],
      ['FINAL', 'done', 1],
    ];
    expect(value).toEqual([each, each]);
    await replays(store, inBranch);
    for (let seq = 1; seq <= journal(store).length; seq += 1) {
      const resumed = await resumeAt(store, seq, inBranch);
      for (const branch of resumed.value as unknown[]) endsWell(branch);
      await replays(resumed.store, inBranch);
    }
  });

  it('keeps what a failed attempt told, marked with its attempt', async () => {
    const { value, store } = await perform(program(1));
    expect(value).toEqual([
      ['25 %', 0, 1],
      ['25 %', 1, 2],
      ['75 %', 2, 2],
      ['FINAL', 'done', 2],
    ]);
    await replays(store, program(1));
    for (let seq = 1; seq <= journal(store).length; seq += 1) {
      const resumed = await resumeAt(store, seq, program(1));
      expect((resumed.value as unknown[]).at(-1)).toEqual(['FINAL', 'done', expect.any(Number)]);
      await replays(resumed.store, program(1));
    }
  });

  it('ends with ERROR where the task fails for good, and does not throw', async () => {
    const { value, store } = await perform(program(3));
    expect(value).toEqual([
      ['25 %', 0, 1],
      ['25 %', 1, 2],
      ['25 %', 2, 3],
      ['ERROR', 'TaskError: failure 3', 3],
    ]);
    await replays(store, program(3));
  });

  it('of a task that tells nothing there is only the end', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        const told = await read(ctx.stream(stage.step, t(5, 'x')));
        return [told.length, (told[0] as unknown[]).slice(0, 2)];
      },
      [1, ['FINAL', 'x']],
    );
  });

  it('progress of a function comes too, and before its end', async () => {
    const telling: Program = () => async (_, ctx) => {
      const task = defineTask({
        name: 'tell',
        run: async (_input: void, { progress }: TaskContext) => {
          void progress(1);
          void progress(2);
          return 3;
        },
      });
      return read(ctx.stream(task));
    };
    const { value } = await perform(telling);
    expect(value).toEqual([
      [1, 0, 1],
      [2, 1, 1],
      ['FINAL', 3, 1],
    ]);
  });

  it('a timeout drops what comes after it', async () => {
    const late: Program = (stage) => async (_, ctx) => {
      const task = defineTask({
        name: 'late',
        timeout: 20,
        run: async (_input: void, { progress }: TaskContext) => {
          await progress('in time');
          await pass(stage, 30);
          await progress('too late');
          return 'never';
        },
      });
      return read(ctx.stream(task));
    };
    const { value, store } = await perform(late);
    expect(value).toEqual([
      ['in time', 0, 1],
      ['ERROR', 'TimeoutError', 1],
    ]);
    await replays(store, late);
  });
});

describe('leaving', () => {
  const leaving: Program = (stage) => async (_, ctx) => {
    let first: unknown;
    for await (const told of ctx.stream(converting(stage))) {
      first = short(told);
      break;
    }
    return [(first as unknown[])[0], await ctx.task(stage.step, t(3, 'after'))];
  };

  it('⟲ break gives the task up', async () => {
    await everywhere(leaving, ['25 %', 'after']);
    const { store } = await perform(leaving);
    expect(shape(store)).toEqual([
      'RunStarted',
      'TaskScheduled 0',
      'StreamOpened 0',
      'AttemptStarted 0',
      'ItemRecorded 0',
      'StreamClosed 0',
      'TaskScheduled 1',
      'TaskCancelled 0',
      'AttemptStarted 1',
      'TaskSucceeded 1',
      'LateResult 0',
      'RunSucceeded',
    ]);
  });

  it('⟲ a loser is cancelled', async () => {
    const program: Program = (stage) => async (_, ctx) =>
      ctx.parallel.race([() => read(ctx.stream(converting(stage))), () => ctx.task(stage.step, t(7, 'won'))]);
    await everywhere(program, 'won');
  });

  it('next rejects with CancelledError where the call is given up', async () => {
    const seen: unknown[] = [];
    const program: Program = (stage) => async (_, ctx) =>
      ctx.parallel.race([
        () => read(ctx.stream(converting(stage))).catch((error: unknown) => void seen.push(brief(error))),
        () => ctx.task(stage.step, t(7, 'won')),
      ]);
    expect((await perform(program)).value).toBe('won');
    expect(seen).toEqual(['CancelledError']);
  });

  it('a crash between the break and the cancel gives the task up without another attempt', async () => {
    const { store } = await perform(leaving);
    const resumed = await resumeAt(store, seqOf(store, 'StreamClosed'), leaving);
    expect(resumed.value).toEqual(['25 %', 'after']);
    expect(shape(resumed.store).filter((line) => line === 'AttemptStarted 0')).toHaveLength(1);
    await crashes(store, leaving, { value: ['25 %', 'after'] });
  });
});

describe('back-pressure', () => {
  it('a generator goes on only as its yields are taken', async () => {
    const given: number[] = [];
    const ahead: number[] = [];
    const program: Program = () => async (_, ctx) => {
      const task = defineTask({
        name: 'count',
        run: async function* () {
          for (let n = 1; n <= 30; n += 1) {
            given.push(n);
            yield n;
          }
          return 'all';
        },
      });
      let taken = 0;
      for await (const told of ctx.stream(task, undefined, { buffer: 3 })) {
        if (told.type !== 'INTERMEDIATE') return [taken, told.type];
        taken += 1;
        await ctx.sleep(1);
        ahead.push(given.length - taken);
      }
      return 'no end';
    };
    const { value } = await perform(program);
    expect(value).toEqual([30, 'FINAL']);
    expect(Math.max(...ahead)).toBeLessThanOrEqual(3);
  });

  it('progress that nobody awaits has a limit with a name', async () => {
    const program: Program = () => async (_, ctx) => {
      const task = defineTask({
        name: 'flood',
        retry: { attempts: 3 },
        run: async (_input: void, { progress }: TaskContext) => {
          for (let n = 0; n < 100; n += 1) void progress(n);
        },
      });
      return (await read(ctx.stream(task))).at(-1);
    };
    const { value } = await perform(program, { limits: { streamItems: 50 } });
    expect(value).toEqual(['ERROR', expect.stringMatching(/TaskError: .*streamItems = 50/), 1]);
  });

  it('what cannot be recorded fails a task whose progress is read', async () => {
    const program: Program = () => async (_, ctx) => {
      const task = defineTask({
        name: 'bad',
        run: async function* () {
          yield { on: () => 1 };
          return 1;
        },
      });
      return read(ctx.stream(task));
    };
    const { value } = await perform(program);
    expect(value).toEqual([
      ['ERROR', expect.stringMatching(/Progress of task 'bad' \(0\) cannot be recorded: \$\.on/), 1],
    ]);
  });
});

describe('C66: progress that nobody reads is observation', () => {
  const telling =
    (tells: boolean): Program =>
    (stage) =>
    async (_, ctx) => {
      const task = defineTask({
        name: 'tell',
        run: async (n: number, { progress }: TaskContext) => {
          if (tells) await progress(n);
          await pass(stage, 5);
          if (tells) await progress(n * 2);
          return n;
        },
      });
      return [await ctx.task(task, 1), await ctx.parallel.map([2, 3], (n) => ctx.task(task, n))];
    };

  it('C66 is told by no event; with all its calls removed, runs go on without a divergence', async () => {
    const { value, store } = await perform(telling(true));
    expect(value).toEqual([1, [2, 3]]);
    expect(shape(store).filter((line) => /Item|Stream/.test(line))).toEqual([]);
    await replays(store, telling(false));
    await crashes(store, telling(false), { value: [1, [2, 3]] });
  });

  it('C66 the same where the process reads it: what was told stays, and nothing diverges', async () => {
    const reading =
      (tells: boolean): Program =>
      () =>
      async (_, ctx) => {
        const task = defineTask({
          name: 'tell',
          run: async (_input: void, { progress }: TaskContext) => {
            if (tells) await progress('here');
            return 'done';
          },
        });
        return read(ctx.stream(task));
      };
    const { store } = await perform(reading(true));
    await replays(store, reading(false));
    const { value } = await resumeAt(store, seqOf(store, 'ItemRecorded'), reading(false));
    expect(value).toEqual([
      ['here', 0, 1],
      ['FINAL', 'done', 2],
    ]);
  });

  it('a value that cannot be recorded is a warning, once an attempt, and fails nothing', async () => {
    const warnings: string[] = [];
    const program: Program = () => async (_, ctx) => {
      const task = defineTask({
        name: 'odd',
        run: async (value: 'bad' | 'large', { progress }: TaskContext) => {
          for (let n = 0; n < 100; n += 1) await progress(value === 'bad' ? () => n : 'x'.repeat(100_000));
          return 'done';
        },
      });
      return [await ctx.task(task, 'bad'), await ctx.task(task, 'large')];
    };
    const { value } = await perform(program, { onWarning: (_, message) => warnings.push(message) });
    expect(value).toEqual(['done', 'done']);
    expect(warnings).toEqual([
      expect.stringMatching(/Progress of task 'odd' \(0\) cannot be recorded: \$ is a function/),
      expect.stringMatching(/Progress of task 'odd' \(1\) takes more than/),
    ]);
  });

  it('a generator task that is only awaited gives what it returns', async () => {
    await everywhere((stage) => (_, ctx) => ctx.task(converting(stage)), 'done');
  });

  it('a generator that is stopped is closed, counts as stopped, and runs again', async () => {
    const store = new MemoryStore();
    const stage = new Stage();
    let closed = 0;
    const task = defineTask({
      name: 'endless',
      run: async function* (_input: void, { attempt }: TaskContext) {
        try {
          for (let n = 0; n < (attempt === 1 ? 1000 : 2); n += 1) {
            await pass(stage, 10);
            yield n;
          }
          return `attempt ${attempt}`;
        } finally {
          closed += 1;
        }
      },
    });
    const process = async (_inputs: unknown, ctx: Context): Promise<string> => ctx.task(task);
    await stage.use(store, {}, async (runtime) => {
      const handle = runtime.start(process, null, { id: 'r' });
      stage.later(35, () => void runtime.stop('r'));
      await expect(handle.result()).rejects.toMatchObject({ code: 'STOPPED' });
    });
    expect(closed).toBe(1);
    expect(shape(store).at(-1)).toBe('AttemptInterrupted 0');
    expect(plain(await stage.drive(store, process))).toEqual({ value: 'attempt 2' });
  });
});

describe('changed code', () => {
  const streamed: Program = (stage) => async (_, ctx) =>
    (await read(ctx.stream(stage.step, t(5, 'x')))).length + Number(await ctx.task(stage.step, t(5, 1)));
  const awaited: Program = (stage) => async (_, ctx) => {
    await ctx.task(stage.step, t(5, 'x'));
    return 1 + Number(await ctx.task(stage.step, t(5, 1)));
  };

  it('reading no longer diverges, and says what was read', async () => {
    const { store } = await perform(streamed);
    const { told } = await resumeAt(store, seqOf(store, 'TaskScheduled', '1'), awaited);
    expect(String('error' in told ? told.error : '')).toMatch(/recorded +the progress of task 'step'/);
  });

  it('reading what was only awaited goes on with the same task', async () => {
    const { store } = await perform(awaited);
    await crashes(store, streamed, { value: 2 });
  });

  it('bad options are refused at the call', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      for (const options of [{ buffer: 0 }, { buffer: '1' }, { size: 1 }, null]) {
        expect(() => ctx.stream(stage.step, t(1), options as never)).toThrow(/Option '/);
      }
      expect(() => ctx.stream({} as never)).toThrow(/a task made by defineTask/);
      return 'ok';
    };
    const { value, store } = await perform(program);
    expect(value).toBe('ok');
    expect(shape(store)).toEqual(['RunStarted', 'RunSucceeded']);
  });
});
