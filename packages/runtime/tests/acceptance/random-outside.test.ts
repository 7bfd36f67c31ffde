import { externalTask, type Context, type Process } from '@pawl/sdk';
import { expect, test } from 'vitest';
import { RuntimeError } from '../../src/index.ts';
import type { JournalEvent } from '../../src/journal/event.ts';
import { openRuntime, type Runtime } from '../../src/runtime.ts';
import { ManualClock, MemoryStore, seededEntropy } from '../../src/testing.ts';
import { journal, transcript } from '../lab.fixture.ts';

// Random interleavings of all that comes from outside, in one world of two programs over one file: messages, the same
// messages again, timeouts, claims, claims that are lost, answers, the same answers again, failures, kills, stops, resumes,
// and programs that lose the run to the other one. Each message is consumed at most once and none is lost, one outcome
// for each task, and nothing that was accepted comes to nothing.

/** Repeat one by `PAWL_SEED=<n>`, try more by `PAWL_SEEDS=1000`. */
const SEEDS =
  process.env['PAWL_SEED'] === undefined
    ? range(Number(process.env['PAWL_SEEDS'] ?? 150))
    : [Number(process.env['PAWL_SEED'])];
const NAMES = ['a', 'b'] as const;
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

/** A branch: a task, or a wait for a message. */
type Branch = (ctx: Context, n: number) => Promise<unknown>;

function branchOf(random: (below: number) => number): Branch {
  const name = NAMES[random(NAMES.length)] ?? 'a';
  const timeout = 1 + random(TIMEOUT_MS);
  switch (random(7)) {
    case 0:
      return (ctx) => ctx.receive(name);
    case 1:
      return (ctx) => ctx.receive(name, { timeout });
    case 2:
      return (ctx) => ctx.waitFor(name, { timeout, latest: true });
    default: {
      const task = [plain, tough, brief][random(3)] ?? plain;
      return (ctx, n) => ctx.task(task, { n });
    }
  }
}

/** Groups one after the other, of tasks and waits of all sorts; what became of each is in the result. */
function programOf(seed: number): Process<null, unknown> {
  const random = randomFrom(seed);
  const rounds = range(1 + random(3)).map(() => ({
    race: random(4) === 0,
    branches: range(1 + random(5)).map(() => branchOf(random)),
  }));
  return Object.defineProperty(
    async (_: null, ctx: Context) => {
      const told: unknown[] = [];
      for (const { race, branches } of rounds) {
        const thunks = branches.map((branch, n) => () => branch(ctx, n));
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
  /** Messages that were accepted, in that order. */
  readonly sent: { readonly id: string; readonly name: string }[] = [];
  ended: { readonly value: unknown } | undefined;
  /** How often a program found out that it had lost the run. */
  fenced = 0;
  #drivers = new Set<Runtime>();
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
    this.#drivers = new Set();
    this.runtime = await openRuntime({ ...options, entropy });
    this.outsider = await openRuntime({
      ...options,
      entropy: seededEntropy(this.#seed * 100 + this.#opened + 50),
    });
  }

  /** In one of the two, where neither has it. */
  drive(by: Runtime = this.runtime): void {
    if (this.ended !== undefined || this.#drivers.has(by)) return;
    if (this.store.getRun('r', this.clock.now())?.ownerAlive === true) return;
    const drivers = this.#drivers.add(by);
    const known = by.get('r') !== undefined;
    const handle = known ? by.resume('r', this.process) : by.start(this.process, null, { id: 'r' });
    void this.#follow(handle.result(), by, drivers);
  }

  async #follow(result: Promise<unknown>, by: Runtime, drivers: Set<Runtime>): Promise<void> {
    try {
      const value = await result;
      if (drivers === this.#drivers) this.ended = { value };
    } catch (error) {
      if (error instanceof RuntimeError && error.code === 'FENCED') this.fenced += 1;
      drivers.delete(by);
    }
  }

  /** Whoever has the run is taken for dead, and lives: the other one goes on with it. */
  takeOver(): void {
    const owner = this.store.getRun('r', this.clock.now())?.owner;
    const other = [this.runtime, this.outsider].find((each) => !this.#drivers.has(each));
    if (typeof owner !== 'string' || other === undefined) return;
    this.store.ownerDied(owner);
    this.drive(other);
  }

  async send(): Promise<void> {
    const name = NAMES[this.random(NAMES.length)] ?? 'a';
    const id = `m${this.sent.length}`;
    const { status } = await this.someone.send('r', name, id, { id });
    expect(['accepted', 'closed']).toContain(status);
    if (status === 'accepted') this.sent.push({ id, name });
  }

  async sendAgain(): Promise<void> {
    const again = this.sent[this.random(Math.max(1, this.sent.length))];
    if (again === undefined) return;
    const ack = await this.someone.send('r', again.name, 'again', { id: again.id });
    expect(ack).toEqual({ status: 'duplicate', messageId: again.id });
  }

  /** The program dies: what is in the file is all that is left. */
  async kill(): Promise<void> {
    const before = this.runtime;
    const snapshot = this.store.snapshot();
    const owner = this.store.getRun('r', this.clock.now())?.owner;
    this.#drivers = new Set();
    this.store = MemoryStore.from(snapshot);
    if (typeof owner === 'string') this.store.ownerDied(owner);
    await Promise.all([before.close(), this.outsider.close()]);
    await this.open();
  }

  async act(): Promise<void> {
    const { random } = this;
    const { tasks } = this.someone;
    const open = tasks.list();
    const task = open[random(Math.max(1, open.length))];
    const worker = ['ada', 'bob', 'cy'][random(3)] ?? '';
    switch (random(20)) {
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
        await this.someone.stop('r');
        return;
      case 13:
        this.takeOver();
        return;
      case 14:
      case 15:
      case 16:
        await this.send();
        return;
      case 17:
        await this.sendAgain();
        return;
      default:
        this.drive(this.someone);
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
  await settle();
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
    if (world.runtime.get('r')?.asked.length !== 0) await world.send();
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
  const waits = new Set<string>();
  for (const { event } of journal(world.store)) {
    if (event.type === 'TaskOffered') ids.set(event.key, event.taskId);
    if (event.type === 'SignalAwaited') waits.add(event.key);
    if (
      event.type === 'SignalReceived' ||
      event.type === 'SignalTimedOut' ||
      event.type === 'TaskCancelled'
    ) {
      // A wait comes to one thing.
      if (waits.delete(event.key)) continue;
      expect(event.type, `${where}\n${event.key} was settled twice`).toBe('TaskCancelled');
    }
    if (event.type === 'AttemptFailed') failures.set(event.key, (failures.get(event.key) ?? 0) + 1);
    if (event.type === 'TaskSucceeded' || event.type === 'TaskFailed' || event.type === 'TaskCancelled') {
      expect(outcomes.has(event.key), `${where}\n${event.key} was settled twice`).toBe(false);
      outcomes.set(event.key, event);
    }
  }
  expect([...waits], where).toEqual([]);
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

/** What was accepted was consumed once, in the order of its coming, or is still there. */
function checkMessages(world: World, seed: number): void {
  const where = `seed ${seed}\n${transcript(world.store).join('\n')}`;
  const consumed = journal(world.store).flatMap(({ event }) => {
    if (event.type === 'SignalReceived') return [event.messageId];
    return event.type === 'SignalsSuperseded' ? event.messageIds : [];
  });
  const left = world.store.takeInbox('r').flatMap(({ kind, id }) => (kind === 'signal' ? [id] : []));
  const ids = world.sent.map(({ id }) => id);
  expect([...consumed, ...left].toSorted(), where).toEqual(ids.toSorted());
  for (const name of NAMES) {
    const sent = world.sent.flatMap((each) => (each.name === name ? [each.id] : []));
    expect(
      consumed.filter((id) => sent.includes(id)),
      `${where}\nof ${name}`,
    ).toEqual(sent.filter((id) => consumed.includes(id)));
  }
}

test(
  `${SEEDS.length} seeds: each message at most once, none lost, one outcome for each task`,
  { timeout: 600_000 },
  async () => {
    const kinds = new Map<string, number>();
    for (const seed of SEEDS) {
      const world = await play(seed);
      check(world, seed);
      checkMessages(world, seed);
      kinds.set('fenced', (kinds.get('fenced') ?? 0) + world.fenced);
      for (const line of transcript(world.store)) {
        const type = /[A-Z]\w+/.exec(line)?.[0] ?? '';
        kinds.set(type, (kinds.get(type) ?? 0) + 1);
      }
    }
    if (SEEDS.length === 1) return;
    // What is meant to be tried is tried.
    const meant = [
      'TaskSucceeded',
      'TaskFailed',
      'TaskCancelled',
      'AttemptFailed',
      'SignalReceived',
      'SignalTimedOut',
    ];
    for (const type of [...meant, 'SignalsSuperseded', 'fenced'])
      expect(kinds.get(type) ?? 0, type).toBeGreaterThan(SEEDS.length / 20);
  },
);
