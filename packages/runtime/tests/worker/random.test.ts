import { defineProcess, defineTask, type Context } from '@pawl/sdk';
import { expect, it } from 'vitest';
import { RuntimeError, type Runtime } from '../../src/index.ts';
import type { JournalStore } from '../../src/ports/journal-store.ts';
import { openRuntime } from '../../src/runtime.ts';
import { ManualClock, MemoryStore, seededEntropy } from '../../src/testing.ts';

/*
 * Workers that come, are killed, hang and drain, while runs are enqueued, told things twice, and time jumps. At the
 * end: every run has ended, every message was taken once, no task has two outcomes, nothing was slept over.
 */

const WAITS = 3;
const RUNS = 6;

/** A store that a program loses with its life. */
function mortal(store: MemoryStore): { readonly store: JournalStore; die(): void } {
  let isDead = false;
  const wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (_, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (name === 'work') return wrap(value as object);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (isDead && name !== 'close') throw new RuntimeError('STORAGE', 'this program is dead');
          return Reflect.apply(value, target, args) as unknown;
        };
      },
    });
  return { store: wrap(store) as JournalStore, die: () => (isDead = true) };
}

class World {
  readonly clock = new ManualClock();
  readonly store = new MemoryStore();
  readonly random: () => number;
  readonly #seed: number;
  readonly programs: { readonly runtime: Runtime; readonly kill: () => void }[] = [];
  #opened = 0;
  readonly sent = new Map<string, string>();

  constructor(seed: number) {
    this.#seed = seed;
    this.random = seededEntropy(seed).random;
  }

  below(n: number): number {
    return Math.floor(this.random() * n);
  }

  readonly step = defineTask({
    name: 'step',
    retry: { attempts: 3, delay: '20s' },
    run: async ({ ms, fails }: { ms: number; fails: number }, task): Promise<number> => {
      await this.clock.sleep(ms, task.signal);
      if (task.attempt <= fails) throw new TypeError('not yet');
      return ms;
    },
  });

  readonly inner = defineProcess({
    name: 'inner',
    run: async (ms: number, ctx: Context): Promise<number> => {
      await ctx.sleep(ms);
      return ms;
    },
  });

  readonly outer = defineProcess({
    name: 'outer',
    run: async (n: number, ctx: Context): Promise<unknown> => {
      const got: unknown[] = [];
      for (let i = 0; i < WAITS; i += 1) {
        await ctx.task(this.step, { ms: 100 * ((n + i) % 7), fails: (n + i) % 2 });
        got.push(await ctx.receive('m'));
        if ((n + i) % 3 === 0) await ctx.run(this.inner, 10_000 * (1 + i));
        else await ctx.sleep(5000 * n);
        got.push((await ctx.receive<unknown>('never', { timeout: 7000 + n }).catch(() => 'late')) ?? 'none');
      }
      return got;
    },
  });

  async open(): Promise<void> {
    this.#opened += 1;
    const seed = this.#seed * 1000 + this.#opened;
    const { store, die } = mortal(this.store);
    const runtime = await openRuntime({
      store,
      clock: this.clock,
      entropy: seededEntropy(seed),
      processes: [this.outer, this.inner],
      leaseMs: 30_000,
      stallMs: 1e9,
    });
    runtime.work({ concurrency: 1 + this.below(4) }).done.catch(() => undefined);
    const owner = seededEntropy(seed).token();
    // Of one that is killed others can see it at once; one that hangs is waited for.
    const kill = (): void => {
      die();
      if (this.below(3) > 0) this.store.ownerDied(owner);
    };
    this.programs.push({ runtime, kill });
  }

  async act(): Promise<void> {
    const { programs } = this;
    const n = this.below(RUNS);
    const any = programs[this.below(programs.length)];
    switch (this.below(8)) {
      case 0:
        if (programs.length < 3) await this.open();
        return;
      case 1:
        if (any !== undefined) programs.splice(programs.indexOf(any), 1);
        any?.kill();
        return;
      case 2:
        if (any !== undefined) programs.splice(programs.indexOf(any), 1);
        void any?.runtime.close().catch(() => undefined);
        return;
      case 3:
        this.clock.jumpWall(this.below(40_000));
        return;
      case 4:
        await this.enqueue(n);
        return;
      default:
        await this.tell(n, this.below(WAITS));
    }
  }

  async enqueue(n: number): Promise<void> {
    const concurrency = { key: `${n % 2}`, limit: 2 };
    await this.programs[0]?.runtime.enqueue(this.outer, n, { id: `r${n}`, concurrency });
  }

  async tell(n: number, i: number): Promise<void> {
    const ack = await this.programs[0]?.runtime.send(`r${n}`, 'm', `${n}.${i}`, { id: `m${i}` });
    if (ack?.status === 'accepted') this.sent.set(`r${n} m${i}`, ack.status);
  }

  /** Runs that were enqueued, and have not ended well. */
  get left(): number {
    let left = RUNS;
    for (let n = 0; n < RUNS; n += 1) if (this.store.getRun(`r${n}`, 0)?.status === 'succeeded') left -= 1;
    return left;
  }
}

/** Messages of each run by the order in which they were taken, and keys that were settled twice. */
function found(store: MemoryStore, runId: string): { readonly taken: string[]; readonly twice: string[] } {
  const taken: string[] = [];
  const settled = new Set<string>();
  const twice: string[] = [];
  for (const { event } of store.read(runId, 0, 100_000)) {
    if (event.type === 'SignalReceived') taken.push(event.messageId);
    if (event.type !== 'TaskSucceeded' && event.type !== 'TaskFailed') continue;
    if (settled.has(event.key)) twice.push(event.key);
    settled.add(event.key);
  }
  return { taken, twice };
}

const SEEDS = Number(process.env['PAWL_SEEDS'] ?? 25);

it.each(Array.from({ length: SEEDS }, (_, i) => i + 1))('seed %i', async (seed) => {
  const world = new World(seed);
  await world.open();
  for (let i = 0; i < 60; i += 1) {
    await world.act();
    await world.clock.advance(world.below(4000));
  }
  // Now the world is kind: everything is said, and workers stay.
  if (world.programs.length === 0) await world.open();
  for (let n = 0; n < RUNS; n += 1) await world.enqueue(n);
  for (let i = 0; i < 400 && world.left > 0; i += 1) {
    for (let n = 0; n < RUNS; n += 1) for (let m = 0; m < WAITS; m += 1) await world.tell(n, m);
    await world.clock.advance(1000);
    if (i % 4 === 0) world.clock.jumpWall(5000);
  }
  const runs = world.store.queryRuns({ limit: 99 }, world.clock.now());
  expect(runs.filter(({ status }) => status !== 'succeeded')).toEqual([]);
  for (let n = 0; n < RUNS; n += 1) {
    const { taken, twice } = found(world.store, `r${n}`);
    expect([taken.toSorted(), twice]).toEqual([['m0', 'm1', 'm2'], []]);
  }
  expect(world.store.work.queuedStarts(9)).toEqual([]);
  expect(world.store.verify().damage).toEqual([]);
  await Promise.all(world.programs.map(({ runtime }) => runtime.close()));
});
