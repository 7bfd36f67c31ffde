import { poolPlan, type Cost, type PoolOptions, type PoolPlan } from '@pawl/sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../ports/clock.ts';
import { RuntimeError } from '../errors.ts';
import { MemoryStore } from '../testing.ts';
import { Dispatcher } from './dispatcher.ts';
import type { Ticket } from './pools/pool.ts';
import { SharedPools } from './pools/shared-pools.ts';

/** Time that passes where it is told to; nothing waits for it. */
class StillClock implements Clock {
  ms = 1_000_000;
  now(): number {
    return this.ms;
  }
  monotonic(): number {
    return this.ms;
  }
  after(): () => void {
    return () => undefined;
  }
}

const locked = (): RuntimeError => new RuntimeError('BUSY', 'the journal is locked');

/** Another program has it locked at some of the next tries. */
class LockedStore extends MemoryStore {
  locked: boolean[] = [];

  override changePools(...args: Parameters<MemoryStore['changePools']>): void {
    if (this.locked.shift() === true) throw locked();
    super.changePools(...args);
  }
}

/** One program: what it was granted and refused, in order. */
class Bench {
  readonly granted: string[] = [];
  readonly refused: string[] = [];
  readonly warnings: string[] = [];
  readonly tickets = new Map<string, Ticket>();
  readonly dispatcher: Dispatcher;
  readonly shared: SharedPools;
  wakes = 0;
  unwanted = new Set<string>();
  readonly busy = new Set<string>();

  constructor(
    pools: Readonly<Record<string, PoolOptions>>,
    world: { readonly clock: StillClock; readonly store: MemoryStore } = {
      clock: new StillClock(),
      store: new MemoryStore(),
    },
    owner: string = 'a'.repeat(32),
  ) {
    const { clock, store } = world;
    const claim = () => ({ owner, now: clock.now(), ttlMs: 30_000 });
    this.shared = new SharedPools({ store, clock, claim });
    this.dispatcher = new Dispatcher({
      clock,
      pools: new Map<string, PoolPlan>([
        ['', poolPlan({ maxConcurrent: 2 })],
        ['shell', poolPlan({ maxConcurrent: 2 })],
        ...Object.entries(pools).map(([name, options]): [string, PoolPlan] => [name, poolPlan(options)]),
      ]),
      queueLength: 1000,
      shared: this.shared,
      warn: (message) => this.warnings.push(message),
    });
  }

  ask(key: string, pool: string, more: { priority?: number; cost?: Cost; refusable?: boolean } = {}): this {
    const taker = {
      grantSlot: (granted: string) => {
        if (this.busy.has(granted)) throw locked();
        if (this.unwanted.has(granted)) return false;
        this.granted.push(granted);
        return true;
      },
      refuseSlot: (refused: string) => void this.refused.push(refused),
      slotFreed: () => void (this.wakes += 1),
    };
    const { priority = 0, cost, refusable = true } = more;
    this.tickets.set(key, this.dispatcher.enqueue(taker, key, { pool, priority, cost, refusable }));
    return this;
  }

  end(key: string): this {
    const ticket = this.tickets.get(key) ?? expect.fail(`no ${key}`);
    this.dispatcher.release(ticket);
    return this;
  }

  grant(): string[] {
    const before = this.granted.length;
    if (this.dispatcher.canGrant) this.dispatcher.grant();
    return this.granted.slice(before);
  }

  held(pool: string): Record<string, number> {
    const status = this.dispatcher.statuses().find(({ name }) => name === pool);
    return Object.fromEntries(status?.held ?? []);
  }
}

describe('a dispatcher', () => {
  it('serves by priority, then by order; who is no longer wanted leaves its slot to the next', () => {
    const bench = new Bench({});
    bench.unwanted.add('b');
    for (const [key, priority] of [
      ['a', 0],
      ['b', 9],
      ['c', 5],
      ['d', 5],
      ['e', -1],
    ] as const)
      bench.ask(key, '', { priority });
    expect(bench.grant()).toEqual(['c', 'd']);
    expect(bench.grant()).toEqual([]);
    expect(bench.end('c').grant()).toEqual(['a']);
    expect(bench.end('d').end('a').grant()).toEqual(['e']);
  });

  it('looks only where something changed', () => {
    const bench = new Bench({}).ask('a', '').ask('b', '').ask('c', '');
    expect(bench.dispatcher.canGrant).toBe(true);
    bench.grant();
    expect(bench.dispatcher.canGrant).toBe(false);
    const wakes = bench.wakes;
    bench.end('a');
    expect(bench.wakes).toBe(wakes + 1);
    expect(bench.dispatcher.canGrant).toBe(true);
  });

  it('C29 a slot that is given back twice is given back once, with a warning', () => {
    const bench = new Bench({ p: { maxConcurrent: 2 } }).ask('a', 'p').ask('b', 'p');
    bench.grant();
    bench.end('a').end('a');
    expect(bench.warnings).toEqual(["The slot of call a in pool 'p' was given back twice."]);
    expect(bench.held('p')).toEqual({ slots: 1 });
    bench.end('b');
    expect(bench.held('p')).toEqual({});
  });

  it('who leaves the queue makes room before it', () => {
    const bench = new Bench({ p: { maxConcurrent: 1, queueSize: 1 } });
    for (const key of 'abcd') bench.ask(key, 'p');
    expect(bench.grant()).toEqual(['a']);
    bench.dispatcher.forget(bench.tickets.get('b') ?? expect.fail());
    bench.dispatcher.forget(bench.tickets.get('d') ?? expect.fail());
    expect(bench.end('a').grant()).toEqual(['c']);
    expect(bench.end('c').grant()).toEqual([]);
    expect(bench.refused).toEqual([]);
  });

  it('refuses who finds the queue full, apart from retries', () => {
    const bench = new Bench({ p: { maxConcurrent: 1, queueSize: 1, overflow: 'reject' } });
    for (const key of 'abc') bench.ask(key, 'p');
    bench.ask('retry', 'p', { refusable: false });
    expect(bench.grant()).toEqual(['a']);
    expect(bench.refused).toEqual(['c']);
    expect(bench.end('a').grant()).toEqual(['b']);
    expect(bench.end('b').grant()).toEqual(['retry']);
  });

  it('a large call at a parent is not starved by small ones of another child', () => {
    const bench = new Bench({ all: { maxConcurrent: 4 }, a: { parent: 'all' }, b: { parent: 'all' } });
    for (const key of ['b1', 'b2', 'b3']) bench.ask(key, 'b');
    bench.grant();
    bench.ask('large', 'a', { cost: 4 });
    for (const key of ['b4', 'b5', 'b6']) bench.ask(key, 'b');
    expect(bench.grant()).toEqual([]);
    expect(bench.end('b1').end('b2').grant()).toEqual([]);
    expect(bench.end('b3').grant()).toEqual(['large']);
    expect(bench.end('large').grant()).toEqual(['b4', 'b5', 'b6']);
  });

  it('one child at its own limit holds nobody else up', () => {
    const bench = new Bench({
      all: { maxConcurrent: 4 },
      a: { parent: 'all', maxConcurrent: 1 },
      b: { parent: 'all' },
    });
    for (const key of ['a1', 'a2', 'b1', 'b2', 'b3']) bench.ask(key, key.charAt(0));
    expect(bench.grant().toSorted()).toEqual(['a1', 'b1', 'b2', 'b3']);
  });

  it('a pool that moves into another takes along what it holds', () => {
    const bench = new Bench({ all: { maxConcurrent: 2 }, p: { maxConcurrent: 5 } });
    for (const key of 'abc') bench.ask(key, 'p');
    expect(bench.grant()).toEqual(['a', 'b', 'c']);
    bench.dispatcher.declare('p', poolPlan({ maxConcurrent: 5, parent: 'all' }));
    expect(bench.held('all')).toEqual({ slots: 3 });
    expect(bench.ask('d', 'p').grant()).toEqual([]);
    expect(bench.end('a').grant()).toEqual([]);
    expect(bench.end('b').grant()).toEqual(['d']);
    bench.end('c').end('d');
    expect(bench.held('all')).toEqual({});
  });

  it('a store that does not answer while starts of a rate are taken loses no call', () => {
    const store = new LockedStore();
    const world = { clock: new StillClock(), store };
    const bench = new Bench({ p: { maxConcurrent: 2, rate: { limit: 2, per: 100, burst: 2 } } }, world);
    bench.ask('a', 'p').ask('b', 'p').ask('c', 'p');
    // The lease goes through, what follows it does not.
    store.locked = [false, true];
    expect(() => bench.grant()).toThrow('locked');
    expect(bench.held('p')).toEqual({});
    expect(bench.grant()).toEqual(['a', 'b']);
    world.clock.ms += 50;
    expect(bench.end('a').grant()).toEqual(['c']);
  });

  it('a taker that cannot answer now is asked again, and those after it', () => {
    const bench = new Bench({});
    bench.busy.add('b');
    bench.ask('a', '').ask('b', '').ask('c', '');
    expect(() => bench.grant()).toThrow('locked');
    expect(bench.granted).toEqual(['a']);
    bench.busy.clear();
    expect(bench.grant()).toEqual(['b']);
    expect(bench.end('a').grant()).toEqual(['c']);
  });

  it('a bucket goes on when the clock was set back, also in what another program used', () => {
    for (const pool of ['p', '']) {
      const world = { clock: new StillClock(), store: new MemoryStore() };
      const rate = { limit: 1, per: 100, burst: 1 };
      const bench = new Bench({ p: { rate }, '': { rate } }, world);
      expect(bench.ask('a', pool).ask('b', pool).grant()).toEqual(['a']);
      world.clock.ms -= 500_000;
      bench.shared.touch();
      bench.dispatcher.forget(bench.ask('x', pool).tickets.get('x') ?? expect.fail());
      expect(bench.grant()).toEqual([]);
      world.clock.ms += 100;
      bench.shared.touch();
      bench.dispatcher.forget(bench.ask('y', pool).tickets.get('y') ?? expect.fail());
      expect(bench.grant()).toEqual(['b']);
    }
  });

  it('a ring of parents, declared by different runs, is cut', () => {
    const bench = new Bench({ p: { maxConcurrent: 1, parent: 'q' } });
    bench.dispatcher.declare('q', poolPlan({ parent: 'p' }));
    expect(bench.ask('a', 'p').ask('b', 'q').grant().toSorted()).toEqual(['a', 'b']);
  });
});

describe('whatever is asked for', () => {
  type Step =
    | {
        readonly op: 'ask';
        readonly who: number;
        readonly pool: number;
        readonly cost: number;
        readonly priority: number;
      }
    | { readonly op: 'end' | 'forget'; readonly who: number; readonly which: number }
    | { readonly op: 'limit'; readonly who: number; readonly pool: number; readonly slots: number }
    | { readonly op: 'tick'; readonly who: number };
  const who = fc.nat(1);
  const pool = fc.nat(3);
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        op: fc.constant('ask' as const),
        who,
        pool,
        cost: fc.integer({ min: 1, max: 3 }),
        priority: fc.nat(2),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        op: fc.constantFrom('end' as const, 'end' as const, 'forget' as const),
        who,
        which: fc.nat(20),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        op: fc.constant('limit' as const),
        who,
        pool,
        slots: fc.integer({ min: 1, max: 6 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('tick' as const), who }) },
  );
  const NAMES = ['root', 'a', 'b', 'c'];
  const POOLS: Readonly<Record<string, PoolOptions>> = {
    root: { maxConcurrent: 6 },
    a: { maxConcurrent: 4, parent: 'root', weight: 2 },
    b: { maxConcurrent: 4, parent: 'root', order: 'backfill' },
    c: { maxConcurrent: 3, parent: 'b' },
  };

  it('two programs never hold more than a limit that stands, nor less than nothing, and all is served', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => {
        const world = { clock: new StillClock(), store: new MemoryStore() };
        const benches = ['a', 'b'].map((owner) => new Bench(POOLS, world, owner.repeat(32)));
        const limits: Record<string, number> = { root: 6, a: 4, b: 4, c: 3 };
        const running = benches.map(() => new Set<string>());
        let count = 0;
        const heldIn = (name: string): number =>
          benches.reduce((sum, bench) => sum + (bench.held(name)['slots'] ?? 0), 0);
        const grantAll = (lowered: boolean): void => {
          for (const [i, bench] of benches.entries()) {
            const before = Object.fromEntries(NAMES.map((name) => [name, heldIn(name)]));
            for (const key of bench.grant()) running[i]?.add(key);
            for (const name of NAMES) {
              const held = heldIn(name);
              expect(held).toBeGreaterThanOrEqual(0);
              // What was under way above a lower limit goes on; a program that has not heard of it grants what it has leased.
              if (!lowered) expect(held).toBeLessThanOrEqual(Math.max(limits[name] ?? 0, before[name] ?? 0));
            }
          }
        };
        let lowered = false;
        for (const each of steps) {
          const bench = benches[each.who] as Bench;
          if (each.op === 'ask') {
            count += 1;
            const name = NAMES[each.pool] ?? 'root';
            if (each.cost <= 3) bench.ask(`k${count}`, name, { cost: each.cost, priority: each.priority });
          } else if (each.op === 'limit') {
            const name = NAMES[each.pool] ?? 'root';
            lowered ||= each.slots < (limits[name] ?? 0);
            limits[name] = each.slots;
            bench.dispatcher.setLimits(name, { slots: each.slots });
          } else if (each.op === 'tick') {
            world.clock.ms += 210;
            bench.dispatcher.tick();
          } else {
            const keys = [...(each.op === 'end' ? (running[each.who] ?? []) : bench.tickets.keys())];
            const key = keys[each.which % Math.max(1, keys.length)];
            if (key !== undefined && each.op === 'end') {
              bench.end(key);
              running[each.who]?.delete(key);
            } else if (key !== undefined) bench.dispatcher.forget(bench.tickets.get(key) as Ticket);
          }
          grantAll(lowered);
        }
        drain(benches, running, world.clock, grantAll);
        for (const bench of benches) {
          expect(
            bench.dispatcher.statuses().map(({ queueLength, running: left }) => queueLength + left),
          ).toEqual([0, 0, 0, 0, 0, 0]);
          expect(bench.warnings).toEqual([]);
          bench.dispatcher.close();
        }
        expect(world.store.readPools(world.clock.now()).leases).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  /** Ends what runs until nothing does; limits are as declared again, so that all of it fits. */
  function drain(
    benches: readonly Bench[],
    running: readonly Set<string>[],
    clock: StillClock,
    grantAll: (lowered: boolean) => void,
  ): void {
    for (const name of NAMES) benches[0]?.dispatcher.setLimits(name, null);
    for (let round = 0; round < 400; round += 1) {
      clock.ms += 210;
      for (const [i, bench] of benches.entries()) {
        for (const key of running[i] ?? []) bench.end(key);
        running[i]?.clear();
        bench.shared.touch();
        bench.dispatcher.tick();
      }
      grantAll(true);
      const left = benches.flatMap((bench) => bench.dispatcher.statuses());
      if (left.every(({ queueLength, running: now }) => queueLength + now === 0)) return;
    }
  }
});
