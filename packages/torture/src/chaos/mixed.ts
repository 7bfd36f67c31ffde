/** A process of everything that takes time, drawn by a seed, and what it ends with, worked out without Pawl. */
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import { seededEntropy } from '@pawl/runtime/testing';
import { defineProcess, defineTask, type Context, type TaskContext } from '@pawl/sdk';

const KINDS = [
  'fan',
  'race',
  'flaky',
  'hopeless',
  'late',
  'sleep',
  'message',
  'question',
  'child',
  'narrow',
] as const;

interface Leg {
  readonly n: number;
  readonly kind: (typeof KINDS)[number];
  readonly ms: number;
  readonly width: number;
}

export interface Mix {
  readonly seed: number;
  readonly legs: number;
}

function legsOf({ seed, legs }: Mix): readonly Leg[] {
  const { random } = seededEntropy(seed);
  return Array.from({ length: legs }, (_, n) => ({
    n,
    kind: KINDS[Math.floor(random() * KINDS.length)] ?? 'fan',
    ms: Math.floor(random() * 120),
    width: 1 + Math.floor(random() * 6),
  }));
}

/** A line for each start of a task, in a file that all programs append to. */
export interface Start {
  readonly run: string;
  readonly key: string;
  readonly nonce: string;
}

export const ledger: { path: string } = { path: '' };
let count = 0;

function leave({ runId, key }: TaskContext): string {
  count += 1;
  const nonce = `${process.pid} ${count}`;
  const start: Start = { run: runId, key, nonce };
  appendFileSync(ledger.path, `${JSON.stringify(start)}\n`);
  return nonce;
}

/** What a task gives: the start that it came from is in it. */
export interface Given {
  readonly n: number;
  readonly nonce: string;
}

const OFTEN = 1000;

async function doWork({ n, ms }: { n: number; ms: number }, task: TaskContext): Promise<Given> {
  const nonce = leave(task);
  await delay(ms, undefined, { signal: task.signal });
  return { n, nonce };
}

const work = defineTask({ name: 'work', maxUnknown: OFTEN, run: doWork });
const narrow = defineTask({ name: 'narrow', maxUnknown: OFTEN, pool: 'narrow', run: doWork });
const flaky = defineTask({
  name: 'flaky',
  maxUnknown: OFTEN,
  retry: { attempts: 4, delay: 20, factor: 1 },
  run: (n: number, task): Given => {
    const nonce = leave(task);
    if (task.attempt <= n % 3) throw new RangeError('not at once');
    return { n, nonce };
  },
});
const hopeless = defineTask({
  name: 'hopeless',
  maxUnknown: OFTEN,
  run: (n: number, task): never => {
    leave(task);
    throw new RangeError(`never ${n}`);
  },
});
const endless = defineTask({
  name: 'endless',
  maxUnknown: OFTEN,
  timeout: 40,
  run: async (n: number, task): Promise<Given> => {
    const nonce = leave(task);
    await delay(1e9, undefined, { signal: task.signal });
    return { n, nonce };
  },
});

export const part = defineProcess({
  name: 'part',
  run: async ({ n, ms }: { n: number; ms: number }, ctx) => (await ctx.task(work, { n, ms })).n,
});

async function walk({ n, kind, ms, width }: Leg, ctx: Context): Promise<unknown> {
  switch (kind) {
    case 'fan': {
      const all = Array.from({ length: width }, (_, i) => i);
      const given = await ctx.parallel.map(all, (i) => ctx.task(work, { n: n * 10 + i, ms }), {
        concurrency: 3,
      });
      return given.map((each) => each.n);
    }
    case 'race':
      // Whoever wins says the same, but for who is far too late.
      return ctx.parallel.race([
        () => ctx.task(work, { n, ms }).then((given) => given.n),
        () => ctx.task(work, { n, ms }).then((given) => given.n),
        () => ctx.sleep('30d').then(() => -1),
      ]);
    case 'flaky':
      return (await ctx.task(flaky, n)).n;
    case 'hopeless':
      return ctx.task(hopeless, n).catch((error: Error) => error.message);
    case 'late':
      return ctx.task(endless, n).then(
        () => 'in time',
        () => 'late',
      );
    case 'sleep':
      return ctx.sleep(ms).then(() => n);
    case 'message':
      return ctx.receive<number>(`leg ${n}`);
    case 'question':
      return (await ctx.breakpoint({ title: `Leg ${n}`, question: 'Go on?' })).approved;
    case 'child':
      return ctx.run(part, { n, ms });
    case 'narrow':
      return (await ctx.task(narrow, { n, ms })).n;
  }
}

export const mixed = defineProcess({
  name: 'mixed',
  run: async (mix: Mix, ctx): Promise<unknown> => {
    const seen: unknown[] = [];
    for (const leg of legsOf(mix)) {
      ctx.setState('leg', leg.n);
      seen.push(await walk(leg, ctx));
    }
    return seen;
  },
});

/** Messages that the run waits for, by name. */
export function messagesOf(mix: Mix): readonly { readonly name: string; readonly payload: number }[] {
  return legsOf(mix).flatMap(({ n, kind, ms }) =>
    kind === 'message' ? [{ name: `leg ${n}`, payload: ms }] : [],
  );
}

export function expectedOf(mix: Mix): unknown {
  return legsOf(mix).map(({ n, kind, ms, width }) => {
    switch (kind) {
      case 'fan':
        return Array.from({ length: width }, (_, i) => n * 10 + i);
      case 'hopeless':
        return `never ${n}`;
      case 'late':
        return 'late';
      case 'message':
        return ms;
      case 'question':
        return true;
      default:
        return n;
    }
  });
}
