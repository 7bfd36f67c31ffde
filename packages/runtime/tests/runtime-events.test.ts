import { defineTask, type Context, type TaskContext } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import type { RuntimeEvent } from '../src/index.ts';
import { MemoryStore } from '../src/testing.ts';
import { journal, Lab } from './lab.fixture.ts';

const counting = defineTask({
  name: 'count',
  run: async (upTo: number, task: TaskContext) => {
    task.log('counts');
    for (let n = 1; n <= upTo; n += 1) await task.progress({ n });
    return upTo;
  },
});

async function program(upTo: number, ctx: Context): Promise<number> {
  const sum = (await ctx.task(counting, upTo)) + (await ctx.task(counting, 1));
  ctx.log('sum', sum);
  return sum;
}

async function collect(events: AsyncIterable<RuntimeEvent>, into: RuntimeEvent[]): Promise<void> {
  for await (const event of events) into.push(event);
}

function brief(event: RuntimeEvent): string {
  switch (event.type) {
    case 'event':
      return `${event.runId} ${event.seq} ${event.event.type}`;
    case 'progress':
      return `${event.runId} ${event.key}#${event.attempt} ${JSON.stringify(event.value)}`;
    case 'log':
      return `${event.runId} ${event.key ?? 'process'}: ${event.values.join(' ')}`;
    default:
      return `${event.count} dropped`;
  }
}

describe('runtime.events()', () => {
  it('tells events, progress and log output of all runs, in the order in which they happen', async () => {
    const runtime = await new Lab().open(new MemoryStore());
    const happened: RuntimeEvent[] = [];
    const reading = collect(runtime.events(), happened);
    await runtime.start(program, 2, { id: 'a' }).result();
    await runtime.close();
    await reading;
    expect(happened.map(brief)).toEqual([
      'a 1 RunStarted',
      'a 2 TaskScheduled',
      'a 3 AttemptStarted',
      'a 0: counts',
      'a 0#1 {"n":1}',
      'a 0#1 {"n":2}',
      'a 4 TaskSucceeded',
      'a 5 TaskScheduled',
      'a 6 AttemptStarted',
      'a 1: counts',
      'a 1#1 {"n":1}',
      'a 7 TaskSucceeded',
      'a 8 RunSucceeded',
      'a process: sum 3',
    ]);
  });

  it('several runs and consumers: each has all events of each run in order', async () => {
    const store = new MemoryStore();
    const runtime = await new Lab().open(store);
    const fast: RuntimeEvent[] = [];
    const reading = collect(runtime.events(), fast);
    const slow = runtime.events({ buffer: 4 });
    await Promise.all(['a', 'b'].map((id) => runtime.start(program, 50, { id }).result()));
    const behind: RuntimeEvent[] = [];
    for (let i = 0; i < 17; i += 1) behind.push((await slow.next()).value as RuntimeEvent);
    await runtime.close();
    await reading;
    for (const runId of ['a', 'b']) {
      const recorded = journal(store, runId);
      for (const seen of [fast, behind]) {
        const events = seen.flatMap((event) =>
          event.type === 'event' && event.runId === runId
            ? [{ seq: event.seq, at: event.at, event: event.event }]
            : [],
        );
        expect(events).toEqual(recorded);
      }
    }
    expect(behind[0]?.type).toBe('dropped');
    expect(fast.filter(({ type }) => type === 'progress')).toHaveLength(102);
  });

  it('a replay tells nothing', async () => {
    const store = new MemoryStore();
    const runtime = await new Lab().open(store);
    await runtime.start(program, 1, { id: 'a' }).result();
    const happened: RuntimeEvent[] = [];
    const reading = collect(runtime.events(), happened);
    await runtime.replay('a', program);
    await runtime.close();
    await reading;
    expect(happened).toEqual([]);
    expect(() => runtime.events()).toThrow(/closed/);
  });

  it('progress that a process reads is told, and recorded', async () => {
    const runtime = await new Lab().open(new MemoryStore());
    const happened: RuntimeEvent[] = [];
    const reading = collect(runtime.events(), happened);
    await runtime
      .start(
        async (_: null, ctx: Context) => {
          for await (const told of ctx.stream(counting, 1)) if (told.type === 'FINAL') return told.value;
          return 0;
        },
        null,
        { id: 'a' },
      )
      .result();
    await runtime.close();
    await reading;
    expect(happened.map(brief).filter((line) => !/Run|Attempt|Task/.test(line))).toEqual([
      'a 3 StreamOpened',
      'a 0: counts',
      'a 0#1 {"n":1}',
      'a 5 ItemRecorded',
    ]);
  });
});
