import { definitionOf, encodePayload, outputOf } from '@pawl/runtime/elsewhere';
import { defineProcess, defineTask, type Context, type ProcessDefinition, type Schema } from '@pawl/sdk';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { LONGEST_UNSEEN_MS, RunSession } from './run-session.ts';
import { StepReader, type Entry, type Step } from './step.ts';

const STEPS = 3;

/** A process of so many steps that take no time, and which of them were invoked. */
function steps(): { readonly invoked: readonly number[]; readonly definition: ProcessDefinition } {
  const invoked: number[] = [];
  const instant = defineTask({
    name: 'instant',
    run: async ({ n }: { n: number }) => {
      invoked.push(n);
      return n;
    },
  });
  async function sumOf(_: null, ctx: Context): Promise<number> {
    let sum = 0;
    for (let n = 1; n <= STEPS; n += 1) sum += await ctx.task(instant, { n });
    return sum;
  }
  return { invoked, definition: definitionOf(sumOf) };
}

function sessionOf(definition: ProcessDefinition, inputs: unknown = null): RunSession {
  const request = { inputs: encodePayload('The input', inputs, 16 * 1024 * 1024) };
  return new RunSession('run', request, definition, {
    processes: [definition],
    restAfterMs: 20,
    suspendAfterMs: 60_000,
    attempts: new Set(),
    standIn: (task) => task,
    runtime: { graceMs: 20 },
  });
}

/** What follows by itself has followed: as long as the SDK takes before it asks. */
async function goAhead(): Promise<void> {
  for (let i = 0; i < 4; i += 1) await setImmediate();
}

/** What the session gives by the time that all is done which was caused by asking: undefined where it has to wait. */
async function givenAtOnce(asked: Entry | Promise<Entry>): Promise<Entry | undefined> {
  if (!(asked instanceof Promise)) return asked;
  let given: Entry | undefined;
  void asked.then((entry) => (given = entry));
  for (let i = 0; i < 10; i += 1) await Promise.resolve();
  return given;
}

function typesOf(entry: Entry): string[] {
  const step = new StepReader().read(entry) as Extract<Step, { type: 'burst' }>;
  return step.burst.flatMap(({ rows }) => rows.map(([, type]) => type));
}

/** Until its first task is under way. */
async function begin(session: RunSession): Promise<void> {
  for (let types: string[] = []; !types.includes('AttemptStarted');) {
    const entry = await session.next();
    types = typesOf(entry);
    session.recorded(entry);
  }
}

describe('one attempt of Restate at a run', () => {
  it('has what follows by itself when it is asked for it', async () => {
    const session = sessionOf(steps().definition);
    await begin(session);
    const seen: string[][] = [];
    for (let isOver = false; !isOver;) {
      await goAhead();
      const entry = session.next();
      if (entry instanceof Promise) throw new RangeError('it has to be waited for');
      expect([session.isAtHand, session.isFast]).toEqual([true, true]);
      seen.push(typesOf(entry));
      isOver = session.recorded(entry).type === 'ended';
    }
    const step = ['TaskSucceeded', 'TaskScheduled', 'AttemptStarted'];
    expect(seen).toEqual([step, step, ['TaskSucceeded', 'RunSucceeded']]);
    await session.drop();
  });

  it('E1: starts nothing of what it has ahead before that is recorded', async () => {
    const { invoked, definition } = steps();
    const session = sessionOf(definition);
    let started = 0;
    for (let isOver = false; !isOver;) {
      await goAhead();
      const entry = await session.next();
      await goAhead();
      expect(invoked).toHaveLength(started);
      started += typesOf(entry).filter((type) => type === 'AttemptStarted').length;
      isOver = session.recorded(entry).type === 'ended';
    }
    expect(invoked).toHaveLength(STEPS);
    await session.drop();
  });

  it('waits for no task that works, and takes a message meanwhile', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const working = defineTask({ name: 'working', run: () => promise });
    async function both(_: null, ctx: Context): Promise<unknown> {
      return ctx.parallel.all([() => ctx.task(working), () => ctx.receive('word')]);
    }
    const session = sessionOf(definitionOf(both));
    await begin(session);
    // It ends though nothing goes on, and there is nothing yet.
    await goAhead();
    const asked = session.next();
    expect(await givenAtOnce(asked)).toBeUndefined();
    const payload = encodePayload('The message', 'hello', 100);
    session.deliver({ to: 'run', message: { kind: 'signal', id: 'm', name: 'word', payload } });
    const heard = await asked;
    expect(typesOf(heard)).toContain('SignalReceived');
    session.recorded(heard);
    await goAhead();
    const end = session.next();
    expect(await givenAtOnce(end)).toBeUndefined();
    resolve('done');
    const next = session.recorded(await end);
    if (next.type !== 'ended' || next.result.status !== 'ended') throw new RangeError('it has not ended');
    expect(outputOf('run', next.result.event, '')).toEqual(['done', 'hello']);
    await session.drop();
  });

  it('says that a message is there before it takes it, and before whatever could go on', async () => {
    const instant = defineTask({ name: 'instant', run: () => null });
    async function endless(_: null, ctx: Context): Promise<never> {
      for (;;) await ctx.task(instant);
    }
    const session = sessionOf(definitionOf(endless));
    await begin(session);
    await goAhead();
    session.mailCame();
    expect(session.recorded(await session.next())).toEqual({ type: 'mail' });
    session.take({ to: 'run', message: { kind: 'cancel', id: 'm', reason: 'enough' } });
    const types: string[] = [];
    for (let isOver = false; !isOver;) {
      const entry = await session.next();
      types.push(...typesOf(entry));
      isOver = session.recorded(entry).type === 'ended';
    }
    expect(types).toContain('CancelRequested');
    await session.drop();
  });

  it('a message that came while an entry was waited for ends that wait', async () => {
    const hanging = defineTask({ name: 'hanging', run: () => new Promise<never>(() => undefined) });
    async function hangs(_: null, ctx: Context): Promise<unknown> {
      return ctx.task(hanging);
    }
    const session = sessionOf(definitionOf(hangs));
    await begin(session);
    const asked = session.next();
    expect(await givenAtOnce(asked)).toBeUndefined();
    session.mailCame();
    expect(session.recorded(await asked)).toEqual({ type: 'mail' });
    await session.drop();
  });

  it('a wait beside which nobody looks for messages ends soon, and is looked beside then', async () => {
    const hanging = defineTask({ name: 'hanging', run: () => new Promise<never>(() => undefined) });
    const session = sessionOf(definitionOf(async (_: null, ctx: Context) => ctx.task(hanging)));
    expect(session.isFast).toBe(false);
    await begin(session);
    const asked = session.next(false);
    expect(await givenAtOnce(asked)).toBeUndefined();
    expect(new StepReader().read(await asked)).toEqual({ type: 'pulse' });
    expect(session.isFast).toBe(false);
    session.recorded(await asked);
    const looked = session.next(true);
    await delay(2 * LONGEST_UNSEEN_MS);
    expect(await givenAtOnce(looked)).toBeUndefined();
    session.mailCame();
    expect(session.recorded(await looked)).toEqual({ type: 'mail' });
    await session.drop();
  });

  it('steps that take longer than a moment are not each an entry more', async () => {
    const slow = defineTask({ name: 'slow', run: () => delay(1.3 * LONGEST_UNSEEN_MS) });
    const session = sessionOf(
      definitionOf(async (_: null, ctx: Context) => {
        for (let i = 0; i < 4; i += 1) await ctx.task(slow);
      }),
    );
    await begin(session);
    let pulses = 0;
    for (let isOver = false; !isOver;) {
      await goAhead();
      const entry = await session.next(!session.isFast);
      if (new StepReader().read(entry)?.type === 'pulse') pulses += 1;
      isOver = session.recorded(entry).type === 'ended';
    }
    // One is enough; a program that is held up in the wrong moment may need another.
    expect(pulses).toBeLessThan(4);
    await session.drop();
  });

  it('shows of what is asked for no more than Restate takes, and the rest once there is room', async () => {
    const data = 'x'.repeat(3_000_000);
    const asking = defineProcess({
      name: 'asking',
      run: (_: null, ctx) =>
        ctx.parallel.all(['a', 'b', 'c'].map((name) => () => ctx.receive(name, { data }))),
    });
    const session = sessionOf(definitionOf(asking));
    const shown: string[][] = [];
    const until = async (count: number): Promise<void> => {
      while (shown.length < count) {
        const next = session.recorded(await session.next());
        if (next.type === 'goesOn' && next.shown !== undefined)
          shown.push(next.shown.waits.map(({ name }) => name));
      }
    };
    try {
      await until(1);
      session.deliver({ to: 'run', message: { kind: 'signal', id: 'm', name: 'a', payload: 1 } });
      await until(2);
    } finally {
      await session.drop();
    }
    expect(shown).toEqual([
      ['a', 'b'],
      ['b', 'c'],
    ]);
  });

  it('gives all of an entry that is larger than a message before what followed meanwhile', async () => {
    const instant = defineTask({ name: 'instant', run: () => null });
    const definition = definitionOf(async (text: string, ctx: Context) => {
      await ctx.task(instant);
      return text.length;
    });
    const text = 'x'.repeat(9 * 1024 * 1024);
    const whole: Entry[] = [];
    const session = sessionOf(definition, text);
    for (let isOver = false; !isOver;) {
      const entry = await session.next();
      whole.push(entry);
      // The start of a run is awaited by nobody, and goes by itself after a while: the engine goes on beside it.
      await delay(50);
      isOver = session.recorded(entry).type === 'ended';
    }
    await session.drop();
    expect(Buffer.from(whole[0]?.subarray(0, 4) ?? []).toString()).toBe('0/2:');
    const again = sessionOf(definition, text);
    const told = whole.map((entry) => again.recorded(entry)).at(-1);
    if (told?.type !== 'ended' || told.result.status !== 'ended') throw new RangeError('it has not ended');
    expect(outputOf('run', told.result.event, '')).toBe(text.length);
    await again.drop();
  });

  it('gives nothing once it is dropped', async () => {
    const session = sessionOf(steps().definition);
    await session.drop();
    await expect(session.next()).rejects.toThrow(/ended this attempt/);
  });

  it.for(['taken', 'refused'] as const)(
    'a message that comes while the schema looks at the inputs does not keep the run from being begun: %s',
    async (how) => {
      const looked = Promise.withResolvers<void>();
      const input: Schema = {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: async () => {
            await looked.promise;
            return how === 'taken' ? { value: null } : { issues: [{ message: 'not that' }] };
          },
        },
      };
      const definition = defineProcess({ name: 'checked', input, run: async () => 'done' });
      const session = sessionOf(definition);
      const asked = session.next();
      expect(await givenAtOnce(asked)).toBeUndefined();
      session.mailCame();
      expect(session.recorded(await asked)).toEqual({ type: 'mail' });
      session.take({ to: 'other', message: { kind: 'cancel', id: 'm', reason: 'test' } });
      const first = session.next();
      // Time enough to find that nothing goes on, where it is looked for.
      await delay(50);
      looked.resolve();
      const next = session.recorded(await first);
      if (how === 'refused') expect(next).toMatchObject({ type: 'ended', result: { status: 'refused' } });
      else expect(typesOf(await first)).toContain('RunStarted');
      await session.drop();
    },
  );

  it('below the head nothing is ahead: all is as it was recorded, and nothing runs', async () => {
    const { invoked, definition } = steps();
    const whole: Entry[] = [];
    const first = sessionOf(definition);
    for (let isOver = false; !isOver;) {
      const entry = await first.next();
      whole.push(entry);
      isOver = first.recorded(entry).type === 'ended';
    }
    await first.drop();
    const again = sessionOf(definition);
    const types: string[] = [];
    for (const entry of whole) {
      await goAhead();
      types.push(again.recorded(entry).type);
    }
    expect(types.at(-1)).toBe('ended');
    expect(types.slice(0, -1).every((type) => type === 'goesOn')).toBe(true);
    expect(invoked).toEqual([1, 2, 3]);
    await again.drop();
  });
});
