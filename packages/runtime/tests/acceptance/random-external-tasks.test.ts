import { externalTask, type Context, type Process } from '@pawl/sdk';
import { expect, test } from 'vitest';
import type { JournalEvent } from '../../src/journal/event.ts';
import { openRuntime, type Runtime } from '../../src/runtime.ts';
import { ManualClock, MemoryStore, seededEntropy } from '../../src/testing.ts';
import { journal, transcript } from '../lab.fixture.ts';

// Random interleavings of claims, lost leases, answers, the same answers again, failures, kills and resumes: one
// outcome for each task, and nothing that was accepted is lost.

/** Repeat one by `PAWL_SEED=<n>`. */
const SEEDS = process.env['PAWL_SEED'] === undefined ? range(1000) : [Number(process.env['PAWL_SEED'])];
const LEASE_MS = 5000;
const TIMEOUT_MS = 60_000;

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface Input {
  readonly n: number;
}
const plain = externalTask<Input, string>({ name: 'plain', kind: 'w', heartbeatTimeout: LEASE_MS });
const tough = externalTask<Input, string>({
  name: 'tough',
  kind: 'w',
  heartbeatTimeout: LEASE_MS,
  retry: { attempts: 3, delay: 700 },
});
const brief = externalTask<Input, string>({
  name: 'brief',
  kind: 'w',
  heartbeatTimeout: LEASE_MS,
  timeout: TIMEOUT_MS,
});

/** Groups one after the other, of tasks of all sorts; what became of each is in the result. */
function programOf(seed: number): Process<null, unknown> {
  const random = randomFrom(seed);
  const rounds = range(1 + random(3)).map(() => ({
    race: random(4) === 0,
    tasks: range(1 + random(4)).map(() => [plain, tough, brief][random(3)] ?? plain),
  }));
  return Object.defineProperty(
    async (_: null, ctx: Context) => {
      const told: unknown[] = [];
      for (const { race, tasks } of rounds) {
        const thunks = tasks.map((task, n) => () => ctx.task(task, { n }));
        if (race) told.push(await ctx.parallel.race(thunks).catch((error: Error) => error.name));
        else
          told.push(
            (await ctx.parallel.allSettled(thunks)).map((each) =>
              each.status === 'fulfilled' ? each.value : (each.reason as Error).name,
            ),
          );
      }
      return told;
    },
    'name',
    { value: 'program' },
  );
}

/** An answer that was accepted, and what the task must come to by it. */
interface Accepted {
  readonly taskId: string;
  readonly key: string;
  readonly value: string | undefined;
}

class World {
  readonly random: (below: number) => number;
  readonly clock = new ManualClock();
  readonly process: Process<null, unknown>;
  readonly accepted: Accepted[] = [];
  /** Claims that somebody remembers, whether or not they still hold. */
  readonly claims: { readonly taskId: string; readonly token: string; readonly worker: string }[] = [];
  store = new MemoryStore();
  runtime!: Runtime;
  /** Another program over the same file: the run hears of what it does when it looks. */
  outsider!: Runtime;
  result: Promise<unknown> | undefined;
  ended: { readonly value: unknown } | undefined;
  #opened = 0;
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
    this.random = randomFrom(seed * 7919);
    this.process = programOf(seed);
  }

  async open(): Promise<void> {
    this.#opened += 1;
    const entropy = seededEntropy(this.#seed * 100 + this.#opened);
    const options = { store: this.store, clock: this.clock, leaseMs: 10_000 };
    this.runtime = await openRuntime({ ...options, entropy });
    this.outsider = await openRuntime({
      ...options,
      entropy: seededEntropy(this.#seed * 100 + this.#opened + 50),
    });
  }

  drive(): void {
    if (this.result !== undefined || this.ended !== undefined) return;
    const known = this.runtime.get('r') !== undefined;
    const handle = known
      ? this.runtime.resume('r', this.process)
      : this.runtime.start(this.process, null, { id: 'r' });
    const result = handle.result();
    this.result = result;
    result.then(
      (value) => (this.ended = { value }),
      () => {
        if (this.result === result) this.result = undefined;
      },
    );
  }

  /** The program dies: what is in the file is all that is left. */
  async kill(): Promise<void> {
    const before = this.runtime;
    const snapshot = this.store.snapshot();
    const owner = this.store.getRun('r', this.clock.now())?.owner;
    this.result = undefined;
    this.store = MemoryStore.from(snapshot);
    if (typeof owner === 'string') this.store.ownerDied(owner);
    await Promise.all([before.close(), this.outsider.close()]);
    await this.open();
  }

  async act(): Promise<void> {
    const { random, runtime } = this;
    const { tasks } = this.someone;
    const open = tasks.list();
    const task = open[random(Math.max(1, open.length))];
    const worker = ['ada', 'bob', 'cy'][random(3)] ?? '';
    switch (random(14)) {
      case 0:
      case 1:
      case 2: {
        if (task === undefined) return;
        const claimed = tasks.claim(task.id, { worker, lease: 1 + random(LEASE_MS) });
        if (claimed.status === 'claimed')
          this.claims.push({ taskId: task.id, token: claimed.claim, worker: claimed.worker });
        return;
      }
      case 3:
      case 4:
      case 5: {
        const claim = this.claims[random(Math.max(1, this.claims.length))];
        if (claim !== undefined) this.complete(claim.taskId, { claim: claim.token, worker: claim.worker });
        return;
      }
      case 6:
        if (task !== undefined) this.complete(task.id, { worker });
        return;
      case 7: {
        const again = this.accepted[random(Math.max(1, this.accepted.length))];
        if (again === undefined) return;
        const ack = tasks.complete(again.taskId, 'again', { idempotencyKey: again.key });
        expect(ack.status).toBe('duplicate');
        return;
      }
      case 8: {
        const claim = this.claims[random(Math.max(1, this.claims.length))];
        if (claim === undefined) return;
        const key = `f${this.accepted.length}`;
        const ack = tasks.fail(claim.taskId, 'no', { claim: claim.token, idempotencyKey: key });
        if (ack.status === 'accepted') this.accepted.push({ taskId: claim.taskId, key, value: undefined });
        return;
      }
      case 9: {
        const claim = this.claims[random(Math.max(1, this.claims.length))];
        if (claim === undefined) return;
        if (random(2) === 0) tasks.release(claim.taskId, { claim: claim.token });
        else tasks.heartbeat(claim.taskId, { claim: claim.token });
        return;
      }
      case 10:
        await this.clock.advance(random(5) === 0 ? TIMEOUT_MS - random(2000) : random(2 * LEASE_MS));
        return;
      case 11:
        await this.kill();
        return;
      case 12:
        await runtime.stop('r');
        return;
      default:
        this.drive();
    }
  }

  get someone(): Runtime {
    return this.random(2) === 0 ? this.runtime : this.outsider;
  }

  complete(taskId: string, by: { readonly claim?: string; readonly worker: string }): void {
    const key = `c${this.accepted.length}`;
    const value = `${key} of ${taskId}`;
    const ack = this.someone.tasks.complete(taskId, value, { ...by, idempotencyKey: key });
    if (ack.status === 'accepted') this.accepted.push({ taskId, key, value });
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 4; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function play(seed: number): Promise<World> {
  const world = new World(seed);
  await world.open();
  world.drive();
  for (let step = 0; step < 40 + world.random(60) && world.ended === undefined; step += 1) {
    await world.act();
    if (world.random(2) === 0) await settle();
  }
  // The rest goes its quiet way.
  for (let step = 0; world.ended === undefined; step += 1) {
    expect(step, `seed ${seed} hangs:\n${transcript(world.store).join('\n')}`).toBeLessThan(200);
    world.drive();
    await settle();
    for (const { id } of world.runtime.tasks.list()) world.complete(id, { worker: 'ada' });
    await world.clock.advance(1000);
  }
  await Promise.all([world.runtime.close(), world.outsider.close()]);
  return world;
}

type Settled = Extract<JournalEvent, { type: 'TaskSucceeded' | 'TaskFailed' | 'TaskCancelled' }>;

function check(world: World, seed: number): void {
  const where = `seed ${seed}\n${transcript(world.store).join('\n')}`;
  const outcomes = new Map<string, Settled>();
  const ids = new Map<string, string>();
  const failures = new Map<string, number>();
  for (const { event } of journal(world.store)) {
    if (event.type === 'TaskOffered') ids.set(event.key, event.taskId);
    if (event.type === 'AttemptFailed') failures.set(event.key, (failures.get(event.key) ?? 0) + 1);
    if (event.type === 'TaskSucceeded' || event.type === 'TaskFailed' || event.type === 'TaskCancelled') {
      expect(outcomes.has(event.key), `${where}\n${event.key} was settled twice`).toBe(false);
      outcomes.set(event.key, event);
    }
  }
  expect([...outcomes.keys()].toSorted(), where).toEqual([...ids.keys()].toSorted());
  expect(world.store.offers({ limit: 100 }), where).toEqual([]);
  for (const [key, taskId] of ids) {
    const answers = world.accepted.filter((each) => each.taskId === taskId);
    const values = answers.filter(({ value }) => value !== undefined);
    const outcome = outcomes.get(key);
    // One that was taken is never followed by another.
    expect(values.length, `${where}\n${taskId}`).toBeLessThanOrEqual(1);
    if (outcome?.type === 'TaskSucceeded') expect(outcome.output, where).toBe(values[0]?.value);
    // Given up by a race that another one won: an answer on its way settles nothing then.
    else if (outcome?.type === 'TaskFailed') expect(values, `${where}\n${taskId}`).toEqual([]);
    const failed =
      (failures.get(key) ?? 0) + Number(outcome?.type === 'TaskFailed' && outcome.cause === 'error');
    const said = answers.length - values.length;
    if (outcome?.type === 'TaskCancelled') expect(failed, where).toBeLessThanOrEqual(said);
    else expect(failed, where).toBe(said);
  }
}

test(`${SEEDS.length} seeds: one outcome for each task, none lost`, { timeout: 300_000 }, async () => {
  const kinds = new Map<string, number>();
  for (const seed of SEEDS) {
    const world = await play(seed);
    check(world, seed);
    for (const line of transcript(world.store)) {
      const type = /[A-Z]\w+/.exec(line)?.[0] ?? '';
      kinds.set(type, (kinds.get(type) ?? 0) + 1);
    }
  }
  if (SEEDS.length === 1) return;
  // What is meant to be tried is tried.
  for (const type of ['TaskSucceeded', 'TaskFailed', 'TaskCancelled', 'AttemptFailed'])
    expect(kinds.get(type) ?? 0, type).toBeGreaterThan(100);
});
