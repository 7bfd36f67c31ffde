import { expect, test } from 'vitest';

import { InvariantError } from '../../journal/invariant.ts';
import { SAMPLE_EVENTS } from '../../journal/sample-events.fixture.ts';
import {
  appendOf,
  claimOf,
  describeStore,
  fold,
  OWNER_A,
  OWNER_B,
  someEvents,
  START,
} from '../store-conformance.fixture.ts';
import { describeForks } from '../fork-conformance.fixture.ts';
import { describeWork } from '../work-conformance.fixture.ts';
import { MemoryStore } from './memory-store.ts';

describeStore('MemoryStore', () => new MemoryStore());
describeForks('MemoryStore', () => new MemoryStore());
describeWork('MemoryStore', () => new MemoryStore());

const { AttemptStarted } = SAMPLE_EVENTS;

class CommitFailed extends Error {}

test('a fault before an append leaves nothing behind, one after it leaves everything', () => {
  for (const when of ['beforeAppend', 'afterAppend'] as const) {
    let armed = false;
    const store = new MemoryStore({
      faults: {
        [when](): void {
          if (armed) throw new CommitFailed();
        },
      },
    });
    store.append([appendOf('run', 0, someEvents(3))], claimOf(OWNER_A));
    armed = true;
    expect(() => store.append([appendOf('run', 3, [AttemptStarted])], claimOf(OWNER_A))).toThrow(
      CommitFailed,
    );
    expect(store.read('run', 0, 10)).toHaveLength(when === 'beforeAppend' ? 3 : 4);
  }
});

test('every prefix is a store of its own', () => {
  const events = someEvents(10);
  const store = new MemoryStore();
  store.append([appendOf('run', 0, events), appendOf('other', 0, events)], claimOf(OWNER_A));
  for (let seq = 1; seq <= events.length; seq += 1) {
    const prefix = store.prefix('run', seq);
    expect(prefix.getRun('run', START)).toEqual({
      ...fold('run', events.slice(0, seq)),
      owner: null,
      ownerAlive: false,
      wakeAt: null,
      isCancelAsked: false,
    });
    expect(prefix.getRun('other', START)).toBeUndefined();
    expect(prefix.acquireLease('run', claimOf(OWNER_B)).status).toBe('acquired');
    const again = [appendOf('run', seq, [AttemptStarted], { epoch: 2 })];
    expect(prefix.append(again, claimOf(OWNER_B))).toEqual(['committed']);
    expect(prefix.read('run', 0, 99).map(({ event }) => event)).toEqual([
      ...events.slice(0, seq),
      AttemptStarted,
    ]);
    expect(prefix.verify().damage).toEqual([]);
  }
  expect(store.read('run', 0, 99).map(({ event }) => event)).toEqual(events);
  expect(store.prefix('run', 0).getRun('run', START)).toBeUndefined();
  expect(() => store.prefix('run', 3).prefix('run', 4)).toThrow(InvariantError);
});

test('a snapshot stays as it was, whoever goes on first', () => {
  const store = new MemoryStore();
  store.append([appendOf('run', 0, someEvents(3))], claimOf(OWNER_A));
  const snapshot = store.snapshot();
  const [first, second] = [MemoryStore.from(snapshot), MemoryStore.from(snapshot)];
  const [a, b, c] = ['a', 'b', 'c'].map((key) => ({ ...AttemptStarted, key }));
  for (const [to, event] of [
    [first, a],
    [store, b],
    [second, c],
  ] as const) {
    if (event !== undefined) to.append([appendOf('run', 3, [event])], claimOf(OWNER_A));
  }
  expect([first, store, second].map((each) => each.read('run', 3, 9).map(({ event }) => event))).toEqual([
    [a],
    [b],
    [c],
  ]);
  expect(MemoryStore.from(snapshot).read('run', 0, 9)).toHaveLength(3);
});

test('a lease of an owner that died is free at once', () => {
  const store = new MemoryStore();
  store.append([appendOf('run', 0, someEvents(1))], claimOf(OWNER_A));
  store.ownerDied(OWNER_A);
  expect(store.getRun('run', START)?.ownerAlive).toBe(false);
  expect(store.acquireLease('run', claimOf(OWNER_B)).status).toBe('acquired');
});

test('what an owner that died had leased of a pool does not count, and a snapshot keeps what does', () => {
  const store = new MemoryStore();
  for (const owner of [OWNER_A, OWNER_B]) {
    store.changePools(claimOf(owner), () => ({
      pools: [],
      leases: [{ pool: 'p', leased: {}, demand: {}, unit: {}, running: 0, waiting: 0, servedAt: START }],
      released: [],
    }));
  }
  store.ownerDied(OWNER_A);
  expect(store.readPools(START).leases.map(({ owner }) => owner)).toEqual([OWNER_B]);
  expect(MemoryStore.from(store.snapshot()).readPools(START).leases).toHaveLength(2);
});
