/** What every journal store does, in one suite: `describeStore` is called by the test of each adapter. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { EVENT_VERSION } from '../journal/chain.ts';
import type { OfferQuery } from '../ports/offer-store.ts';
import type { Encoded, EventType, JournalEvent } from '../journal/event.ts';
import type { Epoch, RunId, Seq } from '../journal/ids.ts';
import type { LoggedLine } from '../journal/log-line.ts';
import { InvariantError } from '../journal/invariant.ts';
import { SAMPLE_EVENTS } from '../journal/sample-events.fixture.ts';
import type { PoolDeclaration, PoolRecord, PoolsChange } from '../ports/pool-store.ts';
import type {
  AppendRun,
  CompactAnswer,
  CompactRun,
  InboxMessage,
  JournalStore,
  LeaseClaim,
  RunSearch,
  RunQuery,
} from '../ports/journal-store.ts';
import { summarize } from '../views/run-summary.ts';
import type { CircuitNote } from '../journal/circuit.ts';
import { KEPT_RESULTS, LARGEST_KEPT, type KeptNote } from '../journal/kept-result.ts';
import type { RunSummary } from '../journal/run-summary.ts';

export const OWNER_A = 'a'.repeat(32);
export const OWNER_B = 'b'.repeat(32);
export const TTL_MS = 30_000;
export const START = 1_700_000_000_000;

export function claimOf(owner: string, now: number = START): LeaseClaim {
  return { owner, now, ttlMs: TTL_MS };
}

export function appendOf(
  runId: RunId,
  afterSeq: Seq,
  events: readonly JournalEvent[],
  more: { readonly epoch?: Epoch; readonly consumed?: readonly string[] } = {},
): AppendRun {
  return {
    runId,
    epoch: more.epoch ?? 1,
    afterSeq,
    events: events.map((event, i) => ({ at: START + afterSeq + i, event })),
    consumed: more.consumed ?? [],
  };
}

const { RunStarted, RunSucceeded, RunContinued, TaskScheduled, AttemptStarted, TaskSucceeded } =
  SAMPLE_EVENTS;

/** `RunStarted`, then tasks that are scheduled, started and done, `count` events in all. */
export function someEvents(count: number): readonly JournalEvent[] {
  return Array.from({ length: count }, (_, i) => {
    if (i === 0) return RunStarted;
    const key = String(Math.floor((i - 1) / 3));
    if (i % 3 === 1) return { ...TaskScheduled, key };
    return i % 3 === 2 ? { ...AttemptStarted, key } : { ...TaskSucceeded, key, output: { i } };
  });
}

/** Of these, two outputs are more than a page has room for. */
export function largeEvents(count: number): readonly JournalEvent[] {
  const output = 'x'.repeat(2.5 * 1024 * 1024);
  return someEvents(count).map((event) => (event.type === 'TaskSucceeded' ? { ...event, output } : event));
}

export function fold(runId: RunId, events: readonly JournalEvent[]): RunSummary {
  const { events: dated } = appendOf(runId, 0, events);
  const summaries = dated.reduce<RunSummary | undefined>(
    (before, { at, event }, i) => summarize(runId, before, { seq: i + 1, at, event }),
    undefined,
  );
  return summaries ?? expect.fail('no events');
}

function cancel(id: string): InboxMessage {
  return { kind: 'cancel', id, reason: `because of ${id}` };
}

export function describeStore(name: string, open: () => JournalStore): void {
  describe(name, () => {
    let store: JournalStore;
    const runId = 'run-1';

    beforeEach(() => {
      store = open();
    });
    afterEach(() => {
      store.close();
    });

    function append(...batch: readonly AppendRun[]): readonly string[] {
      return store.append(batch, claimOf(OWNER_A));
    }
    function create(id: RunId, events: readonly JournalEvent[] = [RunStarted]): void {
      expect(append(appendOf(id, 0, events))).toEqual(['committed']);
    }
    function readAll(id: RunId): readonly JournalEvent[] {
      return store.read(id, 0, 10_000).map(({ event }) => event);
    }
    function acquire(owner: string, now: number): Epoch {
      const answer = store.acquireLease(runId, claimOf(owner, now));
      return answer.status === 'acquired' ? answer.lease.epoch : expect.fail(answer.status);
    }

    describe('append and read', () => {
      test('every type of event comes back as it was, with its place and time', () => {
        const types = Object.keys(SAMPLE_EVENTS) as EventType[];
        // Only `compact` makes the other one.
        const events = types.filter((type) => type !== 'Compacted').map((type) => SAMPLE_EVENTS[type]);
        create(runId, events);
        expect(store.read(runId, 0, 1000)).toStrictEqual(
          events.map((event, i) => ({ seq: i + 1, at: START + i, event })),
        );
      });

      test('a journal grows densely over appends of any size', () => {
        const events = someEvents(200);
        let at = 0;
        for (const size of [1, 2, 3, 5, 8, 13, 1, 21, 34, 55, 57]) {
          const part = events.slice(at, at + size);
          expect(append(appendOf(runId, at, part))).toEqual(['committed']);
          at += size;
        }
        expect(store.read(runId, 0, 1000).map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
        expect(readAll(runId)).toEqual(events);
      });

      test('reading goes by pages', () => {
        create(runId, someEvents(25));
        const pages = [0, 10, 20, 25, 99].map((after) => store.read(runId, after, 10).map(({ seq }) => seq));
        expect(pages.map((page) => page.length)).toEqual([10, 10, 5, 0, 0]);
        expect(pages.flat()).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
        expect(store.read('no-such-run', 0, 10)).toEqual([]);
      });

      test('a page ends where events are large, however many were asked for, and never without one', () => {
        create(runId, largeEvents(10));
        const pages = [0, 7, 10].map((after) => store.read(runId, after, 1000).map(({ seq }) => seq));
        expect(pages).toEqual([[1, 2, 3, 4, 5, 6, 7], [8, 9, 10], []]);
        expect(store.read(runId, 3, 1)).toMatchObject([{ seq: 4, event: largeEvents(4).at(-1) }]);
        expect(store.verify()).toMatchObject({ runs: 1, events: 10, damage: [] });
      });

      test('a run is created once', () => {
        create(runId);
        expect(append(appendOf(runId, 0, [RunStarted]))).toEqual(['fenced']);
        expect(readAll(runId)).toEqual([RunStarted]);
      });

      test('a run that does not exist cannot be appended to', () => {
        expect(append(appendOf(runId, 1, [AttemptStarted]))).toEqual(['fenced']);
        expect(store.getRun(runId, START)).toBeUndefined();
      });

      test('another epoch, seq or owner is fenced and writes nothing (S2)', () => {
        create(runId, someEvents(3));
        const before = store.getRun(runId, START);
        expect(append(appendOf(runId, 3, [AttemptStarted], { epoch: 2 }))).toEqual(['fenced']);
        expect(append(appendOf(runId, 2, [AttemptStarted]))).toEqual(['fenced']);
        expect(append(appendOf(runId, 4, [AttemptStarted]))).toEqual(['fenced']);
        expect(store.append([appendOf(runId, 3, [AttemptStarted])], claimOf(OWNER_B))).toEqual(['fenced']);
        expect(store.getRun(runId, START)).toEqual(before);
        expect(readAll(runId)).toEqual(someEvents(3));
      });

      test('a fenced run is left out and its neighbours commit (S1)', () => {
        for (const id of ['left', 'stale', 'right']) create(id, someEvents(3));
        const batch = ['left', 'stale', 'right'].map((id) =>
          appendOf(id, 3, someEvents(30).slice(3), { epoch: id === 'stale' ? 7 : 1 }),
        );
        expect(append(...batch, appendOf('new', 0, [RunStarted]))).toEqual([
          'committed',
          'fenced',
          'committed',
          'committed',
        ]);
        expect(readAll('left')).toEqual(someEvents(30));
        expect(readAll('stale')).toEqual(someEvents(3));
        expect(readAll('right')).toEqual(someEvents(30));
        expect(readAll('new')).toEqual([RunStarted]);
      });

      test('an event that could not be read again stops the whole batch (J7)', () => {
        create(runId);
        const bad = { ...AttemptStarted, attempt: Number.NaN };
        expect(() => append(appendOf('new', 0, [RunStarted]), appendOf(runId, 1, [bad]))).toThrow(
          InvariantError,
        );
        expect(store.getRun('new', START)).toBeUndefined();
        expect(readAll(runId)).toEqual([RunStarted]);
        expect(append(appendOf(runId, 1, [AttemptStarted]))).toEqual(['committed']);
      });

      test('nothing that goes in or comes out is shared', () => {
        const inputs = { list: [1] };
        create(runId, [
          { ...RunStarted, inputs },
          { type: 'OutcomeAsked', key: '0', attempt: 1 },
        ]);
        inputs.list.push(2);
        const [first] = store.read(runId, 0, 1) as unknown as { event: { inputs: { list: number[] } } }[];
        first?.event.inputs.list.push(3);
        expect(readAll(runId)[0]).toHaveProperty('inputs', { list: [1] });

        const run = store.getRun(runId, START) as unknown as { asked: string[] };
        run.asked.push('5');
        expect(store.getRun(runId, START)?.asked).toEqual(['0']);
        expect(store.verify().damage).toEqual([]);
      });
    });

    describe('lease', () => {
      test('the creator owns the run; an append extends the time', () => {
        create(runId);
        expect(store.getRun(runId, START)).toMatchObject({ owner: OWNER_A, ownerAlive: true });
        expect(store.acquireLease(runId, claimOf(OWNER_B, START + 1))).toEqual({
          status: 'busy',
          until: START + TTL_MS,
        });
        store.append([appendOf(runId, 1, [AttemptStarted])], claimOf(OWNER_A, START + 1000));
        expect(store.acquireLease(runId, claimOf(OWNER_B, START + TTL_MS))).toEqual({
          status: 'busy',
          until: START + 1000 + TTL_MS,
        });
      });

      test('a lease whose time is up is taken over in a higher epoch, and fences', () => {
        create(runId);
        const later = START + TTL_MS;
        expect(store.getRun(runId, later)).toMatchObject({ owner: OWNER_A, ownerAlive: false });
        expect(store.acquireLease(runId, claimOf(OWNER_B, later))).toEqual({
          status: 'acquired',
          lease: { epoch: 2, until: later + TTL_MS },
        });
        expect(append(appendOf(runId, 1, [AttemptStarted]))).toEqual(['fenced']);
        expect(store.renewLease(runId, 1, claimOf(OWNER_A, later))).toBe(false);
        store.releaseLease(runId, 1);
        expect(store.getRun(runId, later)).toMatchObject({ owner: OWNER_B, ownerAlive: true });
        const second = [appendOf(runId, 1, [AttemptStarted], { epoch: 2 })];
        expect(store.append(second, claimOf(OWNER_B, later))).toEqual(['committed']);
      });

      test('a lease that nobody else took can be renewed after its time', () => {
        create(runId);
        const later = START + 2 * TTL_MS;
        expect(store.renewLease(runId, 1, claimOf(OWNER_A, later))).toBe(true);
        expect(store.acquireLease(runId, claimOf(OWNER_B, later)).status).toBe('busy');
        expect(store.renewLease(runId, 1, claimOf(OWNER_B, later))).toBe(false);
        expect(store.renewLease(runId, 2, claimOf(OWNER_A, later))).toBe(false);
        expect(store.renewLease('no-such-run', 1, claimOf(OWNER_A, later))).toBe(false);
      });

      test('a released lease is free at once and its last owner is fenced', () => {
        create(runId);
        store.releaseLease(runId, 1);
        store.releaseLease(runId, 1);
        store.releaseLease('no-such-run', 1);
        expect(store.getRun(runId, START)).toMatchObject({ owner: null, ownerAlive: false });
        expect(append(appendOf(runId, 1, [AttemptStarted]))).toEqual(['fenced']);
        expect(store.renewLease(runId, 1, claimOf(OWNER_A))).toBe(false);
        expect(acquire(OWNER_A, START)).toBe(2);
        store.releaseLease(runId, 2);
        expect(acquire(OWNER_B, START)).toBe(3);
      });

      test('an owner does not take its own lease a second time', () => {
        create(runId);
        expect(store.acquireLease(runId, claimOf(OWNER_A)).status).toBe('busy');
        expect(store.acquireLease('no-such-run', claimOf(OWNER_A))).toEqual({ status: 'unknown' });
      });
    });

    describe('keys', () => {
      test('the first one is kept for as long as the run goes on', () => {
        expect(store.keepKey(runId, 'a')).toEqual({ status: 'unknown' });
        expect(store.keyOf(runId)).toBeUndefined();
        create(runId);
        create('run-2');
        expect(store.keyOf(runId)).toBeUndefined();
        expect(store.keepKey(runId, 'a')).toEqual({ status: 'kept', key: 'a' });
        expect(store.keepKey(runId, 'b')).toEqual({ status: 'kept', key: 'a' });
        expect(store.keepKey('run-2', 'c')).toEqual({ status: 'kept', key: 'c' });
        append(appendOf(runId, 1, [RunSucceeded], { epoch: 9 }));
        expect(store.keyOf(runId)).toBe('a');
        append(appendOf(runId, 1, [RunSucceeded]));
        expect(store.keyOf(runId)).toBeUndefined();
        expect(store.keyOf('run-2')).toBe('c');
        expect(store.keepKey(runId, 'd')).toEqual({ status: 'closed' });
      });

      test('it goes to the run that follows', () => {
        create(runId);
        store.keepKey(runId, 'a');
        const successor = { runId: 'run-3', at: START, event: RunStarted };
        append({ ...appendOf(runId, 1, [RunContinued]), successor });
        expect([store.keyOf(runId), store.keyOf('run-3')]).toEqual([undefined, 'a']);
        expect(store.keepKey('run-3', 'b')).toEqual({ status: 'kept', key: 'a' });
      });
    });

    describe('inbox', () => {
      test('messages wait in the order of their arrival until an append consumes them', () => {
        create(runId);
        const resolved: InboxMessage = {
          kind: 'resolve',
          id: 'm2',
          runId,
          key: '0',
          as: { status: 'done', output: { deep: [null] } },
        };
        const { runId: _, ...older } = { ...resolved, id: 'm4' };
        const as = { status: 'done', output: 1 } as const;
        const olderAnswer = { kind: 'taskAnswer', id: 'm6', key: '0', worker: 'ada', as } as const;
        const answered = { ...olderAnswer, id: 'm5', runId };
        const sent = [cancel('m3'), resolved, older, answered, olderAnswer, cancel('m1')];
        for (const message of sent) expect(store.post(runId, message, START)).toBe('posted');
        expect(store.takeInbox(runId)).toEqual(sent);
        expect(store.isPosted(runId, 'm2')).toBe(true);
        expect(store.takeInbox(runId)).toHaveLength(6);

        const consumed = ['m2', 'm3', 'm4', 'm5', 'm6'];
        expect(append(appendOf(runId, 1, [AttemptStarted], { consumed }))).toEqual(['committed']);
        expect(store.takeInbox(runId)).toEqual([cancel('m1')]);
        expect(append(appendOf(runId, 2, [], { consumed: ['m1', 'no-such-message'] }))).toEqual([
          'committed',
        ]);
        expect(store.takeInbox(runId)).toEqual([]);
        // Also once it is consumed.
        expect(['m2', 'm1', 'm9'].map((id) => store.isPosted(runId, id))).toEqual([true, true, false]);
        expect(store.isPosted('no-such-run', 'm1')).toBe(false);
        expect(store.getRun(runId, START)?.lastSeq).toBe(2);
      });

      test('a cancel that nobody has recorded is seen at its run', () => {
        create(runId);
        create('run-2');
        const asked = (): unknown =>
          [runId, 'run-2']
            .map((id) => store.getRun(id, START)?.isCancelAsked)
            .concat(store.queryRuns({ limit: 9 }, START).map(({ isCancelAsked }) => isCancelAsked));
        expect(asked()).toEqual([false, false, false, false]);
        store.post(runId, cancel('m1'), START);
        expect(asked()).toEqual([true, false, false, true]);
        append(appendOf(runId, 1, [AttemptStarted], { consumed: ['m1'] }));
        expect(asked()).toEqual([false, false, false, false]);
        store.post(runId, cancel('m2'), START);
        append(appendOf(runId, 2, [RunSucceeded]));
        expect(asked()).toEqual([false, false, false, false]);
      });

      test('a fenced append consumes nothing', () => {
        create(runId);
        store.post(runId, cancel('m1'), START);
        append(appendOf(runId, 1, [AttemptStarted], { epoch: 9, consumed: ['m1'] }));
        expect(store.takeInbox(runId)).toEqual([cancel('m1')]);
      });

      test('a message is posted once, also after it was consumed', () => {
        create(runId);
        create('run-2');
        expect(store.post(runId, cancel('m1'), START)).toBe('posted');
        expect(store.post(runId, cancel('m1'), START)).toBe('duplicate');
        expect(store.post('run-2', cancel('m1'), START)).toBe('posted');
        append(appendOf(runId, 1, [AttemptStarted], { consumed: ['m1'] }));
        expect(store.post(runId, cancel('m1'), START)).toBe('duplicate');
        expect(store.takeInbox(runId)).toEqual([]);
        expect(store.takeInbox('run-2')).toEqual([cancel('m1')]);
      });

      test('unknown and closed runs take no messages', () => {
        expect(store.post(runId, cancel('m1'), START)).toBe('unknown');
        create(runId, [RunStarted, RunSucceeded]);
        expect(store.post(runId, cancel('m1'), START)).toBe('closed');
        expect(store.takeInbox(runId)).toEqual([]);
        expect(store.takeInbox('no-such-run')).toEqual([]);
      });

      test('the change mark moves with every post', () => {
        create(runId);
        const marks = ['m1', 'm2'].map((id) => {
          store.post(runId, cancel(id), START);
          return store.changeMark();
        });
        expect(new Set(marks).size).toBe(2);
        expect(store.changeMark()).toBe(marks[1]);
      });
    });

    describe('runs that are created with an append', () => {
      const { ParentRecorded } = SAMPLE_EVENTS;
      const born = (id: RunId) => ({ runId: id, at: START, event: RunStarted, parent: ParentRecorded });

      test('are there with it, ours, and nothing is handed on to them', () => {
        create(runId);
        store.post(runId, cancel('m1'), START);
        const children = [born('child-1'), born('child-2')];
        expect(append({ ...appendOf(runId, 1, [TaskScheduled]), children })).toEqual(['committed']);
        for (const id of ['child-1', 'child-2']) {
          expect(store.read(id, 0, 9).map(({ event }) => event)).toEqual([RunStarted, ParentRecorded]);
          expect(append(appendOf(id, 2, [TaskScheduled]))).toEqual(['committed']);
        }
        expect(store.takeInbox(runId)).toEqual([cancel('m1')]);
        expect(store.takeInbox('child-1')).toEqual([]);
        expect(store.verify().damage).toEqual([]);
      });

      test('none of them, and no event, where one of the ids is taken or the append is fenced', () => {
        create(runId);
        create('child-2');
        const children = [born('child-1'), born('child-2')];
        expect(append({ ...appendOf(runId, 1, [TaskScheduled]), children })).toEqual(['fenced']);
        const late = { ...appendOf(runId, 7, [TaskScheduled]), children: [born('child-1')] };
        expect(append(late)).toEqual(['fenced']);
        expect(store.getRun('child-1', START)).toBeUndefined();
        expect(store.read(runId, 0, 9)).toHaveLength(1);
      });
    });

    describe('what runs share', () => {
      const plan = { name: 'bank', threshold: 2, openForMs: 100, halfOpen: 1 };
      const told = (outcome: CircuitNote['outcome'], generation = 0, seq = 2): CircuitNote => ({
        kind: 'circuit',
        seq,
        at: START,
        plan,
        generation,
        holder: 'h',
        outcome,
      });
      const place = (n: number): string => n.toString(16).padStart(64, '0');
      const kept = (n: number, more: Partial<KeptNote> = {}): KeptNote => ({
        kind: 'kept',
        seq: 2,
        at: START,
        place: place(n),
        task: 'quote',
        output: { n },
        ttlMs: 1000,
        ...more,
      });
      const note = (afterSeq: Seq, notes: NonNullable<AppendRun['notes']>): readonly string[] =>
        append({ ...appendOf(runId, afterSeq, [AttemptStarted]), notes });
      const claim = (holder: string, now: number) => ({ plan, holder, now, ttlMs: 500 });

      test('a circuit is what the notes of committed events made of it', () => {
        create(runId);
        expect(store.circuit('bank')).toBeUndefined();
        expect(note(1, [told('failed')])).toEqual(['committed']);
        expect(store.circuit('bank')).toEqual({ generation: 0, failures: 1, openedAt: null, trials: [] });
        expect(note(2, [told('failed', 0, 3)])).toEqual(['committed']);
        expect(store.circuit('bank')).toEqual({ generation: 1, failures: 0, openedAt: START, trials: [] });
        expect(store.circuit('other')).toBeUndefined();
      });

      test('a fenced append tells nothing, and its neighbour does', () => {
        create(runId);
        create('run-2');
        expect(
          append(
            { ...appendOf(runId, 1, [AttemptStarted], { epoch: 9 }), notes: [told('failed'), kept(1)] },
            { ...appendOf('run-2', 1, [AttemptStarted]), notes: [kept(2)] },
          ),
        ).toEqual(['fenced', 'committed']);
        expect(store.circuit('bank')).toBeUndefined();
        expect(store.keptResult(place(1), START, 1000)).toBeUndefined();
        expect(store.keptResult(place(2), START, 1000)).toEqual({ n: 2 });
      });

      test('an open circuit gives as many places as its plan says, and gives them back after their time', () => {
        create(runId);
        note(1, [told('failed'), told('failed')]);
        expect(store.claimTrial(claim('a', START + 99))).toBeUndefined();
        const trial = { holder: 'a', since: START + 100, ttlMs: 500 };
        expect(store.claimTrial(claim('a', START + 100))).toMatchObject({ generation: 1, trials: [trial] });
        expect(store.claimTrial(claim('b', START + 100))).toBeUndefined();
        expect(store.claimTrial(claim('a', START + 200))).toMatchObject({ trials: [trial] });
        expect(store.claimTrial(claim('b', START + 600))).toMatchObject({ trials: [{ holder: 'b' }] });
        note(2, [{ ...told('succeeded', 1, 3), holder: 'b' }]);
        expect(store.circuit('bank')).toEqual({ generation: 1, failures: 0, openedAt: null, trials: [] });
        expect(store.claimTrial(claim('c', START))).toMatchObject({ openedAt: null });
      });

      test('a result is kept for its time, and for no longer than its caller accepts', () => {
        create(runId);
        note(1, [kept(1)]);
        expect(store.keptResult(place(1), START + 999, 5000)).toEqual({ n: 1 });
        expect(store.keptResult(place(1), START + 1000, 5000)).toBeUndefined();
        expect(store.keptResult(place(1), START + 10, 10)).toBeUndefined();
        // A clock that went back makes it no younger.
        expect(store.keptResult(place(1), START - 1, 5000)).toBeUndefined();
        expect(store.keptResult(place(2), START, 5000)).toBeUndefined();
      });

      test('a result that is kept again is the one that counts', () => {
        create(runId);
        note(1, [kept(1), kept(1, { output: 'younger', at: START + 5 })]);
        expect(store.keptResult(place(1), START + 1001, 5000)).toBe('younger');
      });

      test('there are only so many, the youngest; those whose time is over go first', () => {
        create(runId);
        const many = Array.from({ length: 2 * KEPT_RESULTS }, (_, i) =>
          kept(i, { at: START + i, ttlMs: 1e9 }),
        );
        note(1, [kept(many.length, { ttlMs: 1 }), ...many]);
        const there = (n: number): boolean =>
          store.keptResult(place(n), START + many.length, 1e9) !== undefined;
        expect(there(many.length - 1)).toBe(true);
        expect(there(many.length - 5000)).toBe(true);
        expect(there(0)).toBe(false);
        expect(there(5000)).toBe(false);
        expect(there(many.length)).toBe(false);
      });

      test('one that is very large is not kept', () => {
        create(runId);
        note(1, [kept(1, { output: 'x'.repeat(LARGEST_KEPT) })]);
        expect(store.keptResult(place(1), START, 1000)).toBeUndefined();
      });
    });

    describe('external tasks', () => {
      const offered = { ...SAMPLE_EVENTS.TaskOffered, key: '0', taskId: 't1' };
      const offer = {
        taskId: 't1',
        runId,
        key: '0',
        seq: 2,
        task: 'review',
        kind: 'agent',
        offeredAt: START,
        dueAt: null,
        leaseMs: 1000,
      };
      const fresh = { ...offer, failures: 0, opensAt: 0, claim: null, answeredBy: null, refusal: null };
      const message = { kind: 'taskAnswer', id: 'm1', key: '0', worker: 'ada' } as const;
      const answer = { ...message, as: { status: 'done', output: { ok: true } } } as const;
      const claim = { worker: 'ada', token: 'x', until: START + 1000 };

      beforeEach(() => {
        const notes = [{ kind: 'offered', seq: 2, offer }] as const;
        store.append([{ ...appendOf(runId, 0, [RunStarted, offered]), notes }], claimOf(OWNER_A));
      });

      test('one is open from the commit of its event on, until the commit that withdraws it', () => {
        expect(store.offer('t1')).toEqual(fresh);
        expect(store.offers({ limit: 9, runId, kinds: ['agent', 'x'] })).toEqual([fresh]);
        expect(store.offers({ limit: 9, runId: 'other' })).toEqual([]);
        expect(store.offers({ limit: 9, kinds: ['person'] })).toEqual([]);
        const settled = { ...TaskSucceeded, key: '0', by: 'worker', worker: 'ada' } as const;
        const notes = [{ kind: 'withdrawn', seq: 3, taskId: 't1' }] as const;
        store.append([{ ...appendOf(runId, 2, [settled]), notes }], claimOf(OWNER_A));
        expect(store.offer('t1')).toBeUndefined();
        expect(store.changeOffer('t1', () => ({ type: 'claim', claim }), START)).toBe('unknown');
      });

      test('of many the oldest come first, whatever their kinds, and no more than are asked for', () => {
        const kinds = ['person', 'agent', 'shell', 'agent', 'person', 'zoo'];
        const notes = kinds.map((kind, n) => ({
          kind: 'offered' as const,
          seq: 3 + n,
          offer: { ...offer, taskId: `o${n}`, key: String(n + 1), seq: 3 + n, kind, offeredAt: START - n },
        }));
        const events = kinds.map((_, n) => ({ ...offered, key: String(n + 1), taskId: `o${n}` }));
        store.append([{ ...appendOf(runId, 2, events), notes }], claimOf(OWNER_A));
        const ids = (query: Omit<OfferQuery, 'limit'>, limit = 9): string[] =>
          store.offers({ ...query, limit }).map(({ taskId }) => taskId);
        expect(ids({})).toEqual(['o5', 'o4', 'o3', 'o2', 'o1', 't1', 'o0']);
        expect(ids({}, 3)).toEqual(['o5', 'o4', 'o3']);
        expect(ids({ kinds: ['agent', 'person', 'agent'] }, 4)).toEqual(['o4', 'o3', 'o1', 't1']);
        expect(ids({ runId, kinds: ['agent', 'none'] })).toEqual(['o3', 'o1', 't1']);
        store.changeOffer('o5', () => ({ type: 'claim', claim }), START);
        expect(ids({ claimableAt: START }, 2)).toEqual(['o4', 'o3']);
      });

      test('a fenced run notes nothing', () => {
        const notes = [{ kind: 'withdrawn', seq: 3, taskId: 't1' }] as const;
        const batch = [{ ...appendOf(runId, 2, [TaskSucceeded]), notes }];
        expect(store.append(batch, claimOf(OWNER_B))).toEqual(['fenced']);
        expect(store.offer('t1')).toEqual(fresh);
      });

      test('a claim is kept beside it, and gone when it is open again', () => {
        store.changeOffer('t1', () => ({ type: 'claim', claim }), START);
        expect(store.offer('t1')).toEqual({ ...fresh, claim });
        expect(store.offers({ limit: 9, claimableAt: START + 999 })).toEqual([]);
        expect(store.offers({ limit: 9, claimableAt: START + 1000 })).toHaveLength(1);
        const opensAt = START + 5;
        const failed = { ...SAMPLE_EVENTS.AttemptFailed, key: '0' };
        const notes = [
          { kind: 'reopened', seq: 3, taskId: 't1', failures: 1, opensAt, refusal: 'no' },
        ] as const;
        store.append([{ ...appendOf(runId, 2, [failed]), notes }], claimOf(OWNER_A));
        expect(store.offer('t1')).toEqual({ ...fresh, failures: 1, opensAt: START + 5, refusal: 'no' });
        expect(store.offers({ limit: 9, claimableAt: START + 4 })).toEqual([]);
        expect(store.offers({ limit: 9, claimableAt: START + 5 })).toHaveLength(1);
      });

      test('an answer is in the inbox in the transaction that looked whether it may be', () => {
        const mark = store.changeMark();
        expect(store.knowsMessage(runId, 'm1')).toBe(false);
        expect(store.changeOffer('t1', () => ({ type: 'answer', message: answer }), START)).toBe('changed');
        expect(store.changeMark()).not.toBe(mark);
        expect(store.takeInbox(runId)).toEqual([answer]);
        expect(store.knowsMessage(runId, 'm1')).toBe(true);
        expect(store.offer('t1')).toEqual({ ...fresh, answeredBy: 'm1' });
        expect(store.offers({ limit: 9, claimableAt: START })).toEqual([]);
        expect(store.changeOffer('t1', () => ({ type: 'answer', message: answer }), START)).toBe('duplicate');
        expect(store.takeInbox(runId)).toEqual([answer]);
      });

      test('what decides nothing, or throws, changes nothing', () => {
        expect(store.changeOffer('t1', () => ({ type: 'keep' }), START)).toBe('changed');
        expect(() =>
          store.changeOffer(
            't1',
            () => {
              throw new TypeError('no');
            },
            START,
          ),
        ).toThrow('no');
        expect(store.offer('t1')).toEqual(fresh);
      });
    });

    describe('what runs logged', () => {
      const line = (text: string, more: Partial<LoggedLine> = {}): LoggedLine => ({
        at: START,
        seq: 1,
        level: 'info',
        key: '0',
        task: 'fetch',
        attempt: 1,
        leftOut: 0,
        ...more,
        text,
      });
      const keep = (
        lines: readonly LoggedLine[],
        most = { mostOfRun: 100, mostOfCall: 10 },
      ): readonly string[] => append({ ...appendOf(runId, 1, []), logs: { lines, ...most } });
      const texts = (after = 0): string[] =>
        store.logs(runId, after, 1000).map(({ n, leftOut, text }) => `${n}-${leftOut} ${text}`);

      test('comes back in its order, by pages, and is no history', () => {
        create(runId);
        expect([store.logs(runId, 0, 9), store.logs('nobody', 0, 9)]).toEqual([[], []]);
        const process = { key: null, task: null, attempt: null, level: 'error' } as const;
        expect(keep([line('one'), line('two\n\u{1F600}', process)])).toEqual(['committed']);
        expect(keep([line('three', { level: 'debug', attempt: 2, at: START + 5, seq: 7 })])).toEqual([
          'committed',
        ]);
        expect(store.logs(runId, 0, 9)).toEqual([
          { ...line('one'), n: 1 },
          { ...line('two\n\u{1F600}', process), n: 2 },
          { ...line('three', { level: 'debug', attempt: 2, at: START + 5, seq: 7 }), n: 3 },
        ]);
        expect([texts(1), store.logs(runId, 1, 1).length, readAll(runId).length]).toEqual([
          ['2-0 two\n\u{1F600}', '3-0 three'],
          1,
          1,
        ]);
        expect(store.verify().damage).toEqual([]);
      });

      test('comes in the transaction of the events, and not where the run is fenced', () => {
        create('run-2');
        const logs = { lines: [line('x')], mostOfRun: 9, mostOfCall: 9 };
        const begun = { ...appendOf(runId, 0, [RunStarted]), logs };
        const fenced = { ...appendOf('run-2', 7, [RunSucceeded]), logs };
        expect(append(begun, fenced)).toEqual(['committed', 'fenced']);
        expect([store.logs(runId, 0, 9).length, store.logs('run-2', 0, 9)]).toEqual([1, []]);
      });

      test('of a call and of a run the newest are kept, and a gap is what is left out', () => {
        create(runId);
        for (let i = 0; i < 3; i += 1) keep([line(`a${i}`, { key: 'a', task: 'a' })]);
        for (let i = 0; i < 40; i += 1) keep([line(`b${i}`, { key: 'b', task: 'b' })]);
        const kept = texts();
        expect(kept.slice(0, 3)).toEqual(['1-0 a0', '2-0 a1', '3-0 a2']);
        expect(kept.at(-1)).toBe('43-0 b39');
        // Old lines are looked for now and then.
        expect(kept.length).toBeGreaterThanOrEqual(13);
        expect(kept.length).toBeLessThanOrEqual(16);
        const gaps = store.logs(runId, 0, 1000).reduce((sum, { leftOut }) => sum + leftOut, 0);
        expect(gaps + kept.length).toBe(43);
        // What the writer left out itself has had its place, too.
        keep([line('c', { key: 'c', leftOut: 5 })], { mostOfRun: 4, mostOfCall: 10 });
        for (let i = 0; i < 8; i += 1) keep([line(`c${i}`, { key: 'c' })], { mostOfRun: 4, mostOfCall: 10 });
        expect(texts().at(-1)).toBe('57-0 c7');
        expect(texts().length).toBeLessThanOrEqual(5);
      });
    });

    describe('pools', () => {
      const declared: PoolDeclaration = {
        limits: { slots: 3, mem: Infinity },
        parent: 'all',
        weight: 2,
        queueSize: Infinity,
        overflow: 'reject',
        order: 'backfill',
        aging: { ratePerMs: 0.01, boost: 5 },
        rate: { limit: 2, perMs: 500, burst: null },
      };
      const plain: PoolDeclaration = { ...declared, parent: null, aging: null, rate: null, queueSize: 4 };
      const record = (pool: string, more: Partial<PoolRecord> = {}): PoolRecord => ({
        name: pool,
        declared,
        limits: null,
        rate: null,
        ...more,
      });
      const lease = (pool: string, slots: number): PoolsChange['leases'][number] => ({
        pool,
        leased: { slots },
        demand: { slots: slots + 2 },
        unit: { slots: 1 },
        running: slots,
        waiting: 2,
        servedAt: START,
      });
      function change(owner: string, now: number, made: Partial<PoolsChange>): void {
        store.changePools(claimOf(owner, now), () => ({ pools: [], leases: [], released: [], ...made }));
      }
      const owners = (now: number): readonly string[] =>
        store.readPools(now).leases.map(({ owner }) => owner);

      test('come back as they were put, the last one of a name', () => {
        expect(store.readPools(START)).toEqual({ pools: [], leases: [] });
        const bucket = record('b', { declared: plain, rate: { kind: 'bucket', at: START, tokens: 1.5 } });
        const window = record('a', {
          limits: { slots: 1 },
          rate: { kind: 'window', cells: [{ at: START, starts: 2 }] },
        });
        change(OWNER_A, START, { pools: [record('b'), window] });
        change(OWNER_B, START, { pools: [bucket] });
        expect(store.readPools(START).pools.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
          window,
          bucket,
        ]);
      });

      test('an owner has one lease of a pool, for the time of its claim', () => {
        change(OWNER_A, START, { leases: [lease('p', 1), lease('q', 1)] });
        change(OWNER_A, START + 1, { leases: [lease('p', 2)] });
        change(OWNER_B, START + 2, { leases: [lease('p', 3)] });
        const leases = store.readPools(START + 2).leases.toSorted((a, b) => a.until - b.until);
        expect(leases).toEqual([
          { ...lease('q', 1), owner: OWNER_A, until: START + TTL_MS },
          { ...lease('p', 2), owner: OWNER_A, until: START + 1 + TTL_MS },
          { ...lease('p', 3), owner: OWNER_B, until: START + 2 + TTL_MS },
        ]);
        expect(owners(START + TTL_MS)).toHaveLength(2);
        expect(owners(START + 2 + TTL_MS)).toEqual([]);
      });

      test("gives back its own and nobody else's", () => {
        change(OWNER_A, START, { leases: [lease('p', 1)] });
        change(OWNER_B, START, { leases: [lease('p', 1)] });
        change(OWNER_A, START, { released: ['p', 'no-such-pool'] });
        expect(owners(START)).toEqual([OWNER_B]);
      });

      test('a decision sees what counts at its time, and is all or nothing', () => {
        change(OWNER_A, START, { pools: [record('p')], leases: [lease('p', 1)] });
        store.changePools(claimOf(OWNER_B, START + TTL_MS), (view) => {
          expect(view).toEqual({ pools: [record('p')], leases: [] });
          return { pools: [], leases: [lease('p', 2)], released: [] };
        });
        expect(() =>
          store.changePools(claimOf(OWNER_B, START), () => {
            throw new RangeError('no');
          }),
        ).toThrow(RangeError);
        expect(store.readPools(START + TTL_MS).leases).toHaveLength(1);
      });

      test('nothing that goes in or comes out is shared', () => {
        const limits = { slots: 3 };
        change(OWNER_A, START, { pools: [record('p', { limits })] });
        limits.slots = 4;
        const [first] = store.readPools(START).pools as unknown as { limits: { slots: number } }[];
        expect(first?.limits.slots).toBe(3);
        if (first !== undefined) first.limits.slots = 5;
        expect(store.readPools(START).pools[0]?.limits).toEqual({ slots: 3 });
      });
    });

    describe('compaction', () => {
      const KEY = '1';
      const opened = { ...SAMPLE_EVENTS.ScopeOpened, key: KEY, mode: 'reduce', width: null } as const;
      const mark = (n: number): JournalEvent => ({ type: 'Folded', key: KEY, n, state: { n }, source: null });
      /** Three rows of the item, of which every third fails. */
      const item = (i: number): readonly JournalEvent[] => {
        const key = `${KEY}/${i}/0`;
        const failed = { ...SAMPLE_EVENTS.TaskFailed, key };
        return [
          { ...TaskScheduled, key },
          { ...AttemptStarted, key },
          i % 3 === 2 ? failed : { ...TaskSucceeded, key, output: { i } },
        ];
      };
      const chunk = (from: number, to: number): readonly JournalEvent[] => [
        ...Array.from({ length: to - from }, (_, i) => item(from + i)).flat(),
        mark(to),
      ];
      /** Rows of a key that begins like the reduce's, and one of the root. */
      const beside: readonly JournalEvent[] = [
        { ...TaskScheduled, key: '10' },
        { ...TaskScheduled, key: '11' },
      ];
      /** `RunStarted`, the reduce, two chunks of four items, then what lies beside it, and a third chunk. */
      const history = [RunStarted, opened, ...chunk(0, 4), ...chunk(4, 8), ...beside, ...chunk(8, 12)];
      const marks = history.flatMap((event, i) => (event.type === 'Folded' ? [i + 1] : []));

      function compact(beforeSeq: Seq, more: Partial<CompactRun> = {}): CompactAnswer {
        const run = { runId, epoch: 1, key: KEY, source: null, fromSeq: 3, beforeSeq, limit: 1000, ...more };
        return store.compact(run, claimOf(OWNER_A));
      }
      function lines(): readonly string[] {
        return store
          .read(runId, 0, 10_000)
          .map(({ seq, event }) =>
            event.type === 'Compacted'
              ? `${seq} Compacted ${event.count} (${event.scheduled} ${event.succeeded} ${event.failed})`
              : `${seq} ${event.type}`,
          );
      }

      beforeEach(() => create(runId, history));

      test('a stretch of useless rows becomes one, and what is left verifies and folds to the same summary', () => {
        const before = store.getRun(runId, START);
        expect(compact(marks[1] ?? 0)).toEqual({ status: 'committed', removed: 24, beforeSeq: 3 });
        expect(lines().slice(0, 7)).toEqual([
          '1 RunStarted',
          '2 ScopeOpened',
          '27 Compacted 25 (8 6 2)',
          '28 Folded',
          '29 TaskScheduled',
          '30 TaskScheduled',
          '31 TaskScheduled',
        ]);
        expect(store.getRun(runId, START)).toEqual(before);
        expect(store.verify().damage).toEqual([]);
      });

      test('a later one takes in what stood for removed rows, and goes round what lies beside', () => {
        compact(marks[1] ?? 0);
        expect(compact(marks[2] ?? 0, { fromSeq: marks[1] ?? 0 })).toMatchObject({ removed: 12 });
        expect(lines()).toEqual([
          '1 RunStarted',
          '2 ScopeOpened',
          '28 Compacted 26 (8 6 2)',
          '29 TaskScheduled',
          '30 TaskScheduled',
          '42 Compacted 12 (4 2 2)',
          '43 Folded',
        ]);
        expect(store.verify().damage).toEqual([]);
        expect(compact(marks[2] ?? 0)).toMatchObject({ status: 'committed', removed: 0 });
        expect(append(appendOf(runId, 43, [AttemptStarted]))).toEqual(['committed']);
        expect(store.verify().damage).toEqual([]);
        expect(store.read(runId, 43, 9).map(({ seq }) => seq)).toEqual([44]);
      });

      test('goes by slices, from the end; each leaves a journal that verifies', () => {
        const last = marks[2] ?? 0;
        const seen: unknown[] = [];
        for (let beforeSeq = last; beforeSeq > 3;) {
          const answer = compact(beforeSeq, { limit: 7 });
          if (answer.status !== 'committed') expect.fail('fenced');
          seen.push(answer.beforeSeq);
          ({ beforeSeq } = answer);
          expect(store.verify().damage).toEqual([]);
          expect(store.getRun(runId, START)).toMatchObject({ tasksScheduled: 14, tasksSettled: 12 });
        }
        expect(seen).toEqual([36, 29, 22, 15, 8, 3]);
        expect(lines().filter((line) => line.includes('Compacted'))).toEqual([
          '28 Compacted 26 (8 6 2)',
          '42 Compacted 12 (4 2 2)',
        ]);
      });

      test('a page that begins where rows were removed begins with what stands for them', () => {
        compact(marks[2] ?? 0);
        expect(store.read(runId, 10, 2).map(({ seq }) => seq)).toEqual([28, 29]);
        expect(store.read(runId, 35, 9).map(({ seq }) => seq)).toEqual([42, 43]);
        expect(store.read(runId, 28, 1).map(({ seq }) => seq)).toEqual([29]);
      });

      test('of a source what its folded items left goes too, and what is said of it is how it stands then', () => {
        const id = 'with-source';
        const told = (n: number): readonly JournalEvent[] => [
          { ...SAMPLE_EVENTS.ItemRecorded, key: '0', n, attempt: n < 2 ? 1 : 2 },
        ];
        const again: readonly JournalEvent[] = [
          { ...SAMPLE_EVENTS.AttemptFailed, key: '0' },
          { ...AttemptStarted, key: '0', attempt: 2 },
        ];
        const source = { key: '0', seq: 16, items: 4, attempt: 2 };
        const events = [
          RunStarted,
          { ...SAMPLE_EVENTS.StreamOpened, key: '0' },
          { ...AttemptStarted, key: '0', attempt: 1 },
          ...told(0),
          opened,
          ...told(1),
          ...again,
          ...item(0),
          ...beside,
          mark(2),
          ...told(2),
          ...told(3),
          ...told(4),
          mark(4),
        ];
        create(id, events);
        const run = { runId: id, epoch: 1, key: KEY, source, fromSeq: 6, beforeSeq: 18, limit: 1000 };
        for (const limit of [4, 1000]) {
          expect(store.compact({ ...run, limit }, claimOf(OWNER_A))).toMatchObject({ status: 'committed' });
          expect(store.verify().damage).toEqual([]);
        }
        const left = store.read(id, 0, 99);
        expect(left.map(({ seq, event }) => `${seq} ${event.type}`)).toEqual([
          '1 RunStarted',
          '2 StreamOpened',
          '3 AttemptStarted',
          '4 ItemRecorded',
          '5 ScopeOpened',
          '11 Compacted',
          '12 TaskScheduled',
          '13 TaskScheduled',
          '16 Compacted',
          '17 ItemRecorded',
          '18 Folded',
        ]);
        const cuts = left.flatMap(({ event }) => (event.type === 'Compacted' ? [event.sources] : []));
        expect(cuts).toEqual([[], [{ key: '0', items: 4, attempt: 2 }]]);
      });

      test('another epoch or owner is fenced, and so is a mark that is not committed', () => {
        const before = lines();
        expect(compact(marks[1] ?? 0, { epoch: 2 })).toEqual({ status: 'fenced' });
        expect(compact(44)).toEqual({ status: 'fenced' });
        expect(compact(20, { runId: 'no-such-run' })).toEqual({ status: 'fenced' });
        const run = { runId, epoch: 1, key: KEY, source: null, fromSeq: 3, beforeSeq: 28, limit: 99 };
        expect(store.compact(run, claimOf(OWNER_B))).toEqual({ status: 'fenced' });
        store.releaseLease(runId, 1);
        expect(compact(marks[1] ?? 0)).toEqual({ status: 'fenced' });
        expect(lines()).toEqual(before);
      });

      test('nothing but `compact` writes what stands for removed rows', () => {
        expect(() => append(appendOf(runId, 43, [SAMPLE_EVENTS.Compacted]))).toThrow(InvariantError);
      });
    });

    describe('what runs say of themselves', () => {
      const set = (about: string, value: Encoded): JournalEvent => ({
        type: 'StateSet',
        key: 'state',
        name: about,
        value,
      });
      const undefinedValue = { $pawl: 'undefined' };

      test('is written with their events, the last of each name', () => {
        create(runId, [RunStarted, set('customer', 42), set('stage', 'a')]);
        expect(store.stateOf(runId)).toEqual({ customer: 42, stage: 'a' });
        append(appendOf(runId, 3, [set('stage', { step: 2, of: [3] }), set('customer', undefinedValue)]));
        expect(store.stateOf(runId)).toEqual({ stage: { step: 2, of: [3] } });
        expect(store.stateOf('no-such-run')).toEqual({});
        expect(store.verify().damage).toEqual([]);
        // A fenced append changes nothing.
        append(appendOf(runId, 3, [set('stage', 'z')]));
        expect(store.stateOf(runId)).toEqual({ stage: { step: 2, of: [3] } });
      });

      test('finds runs, the newest first, by pages', () => {
        for (let i = 0; i < 12; i += 1)
          create(`run-${i}`, [
            RunStarted,
            set('customer', i % 3),
            set('kind', i % 2 === 0 ? 'a' : 'b'),
            set('long', 'x'.repeat(250)),
            ...(i > 9 ? [RunSucceeded] : []),
          ]);
        const ids = (query: Omit<RunQuery, 'limit'>, limit = 10): readonly RunId[] =>
          store.queryRuns({ limit, ...query }, START).map((run) => run.runId);
        expect(ids({ where: { customer: [1] } })).toEqual(['run-10', 'run-7', 'run-4', 'run-1']);
        expect(ids({ where: { customer: [1, '2', 2] } }, 3)).toEqual(['run-11', 'run-10', 'run-8']);
        expect(ids({ where: { customer: [1] }, before: 'run-7' })).toEqual(['run-4', 'run-1']);
        expect(ids({ where: { customer: [1] }, statuses: ['running'] }, 2)).toEqual(['run-7', 'run-4']);
        expect(ids({ where: { customer: [1], kind: ['b'] } })).toEqual(['run-7', 'run-1']);
        expect(ids({ where: { customer: ['1'] } })).toEqual([]);
        expect(ids({ where: { nothing: [1] } })).toEqual([]);
        expect(ids({ where: { customer: [] } })).toEqual([]);
        expect(ids({ where: { long: ['x'.repeat(250)] } })).toEqual([]);
        expect(ids({ where: {} })).toHaveLength(10);
      });

      test('names and values are taken as they are', () => {
        const odd = [`'; drop table runs; --`, '"', '%', '$.a', '\u0000', '__proto__'];
        create(runId, [RunStarted, ...odd.map((each) => set(each, each))]);
        for (const each of odd) {
          const where = Object.fromEntries([[each, [each]]]);
          expect(store.queryRuns({ limit: 2, where }, START).map((run) => run.runId)).toEqual([runId]);
        }
        expect(Object.keys(store.stateOf(runId)).toSorted()).toEqual(odd.toSorted());
      });

      test('the code that a run was let go on with is that of its summary', () => {
        create(runId);
        append(appendOf(runId, 1, [SAMPLE_EVENTS.CodeAccepted]));
        expect(store.getRun(runId, START)?.codeHash).toBe(SAMPLE_EVENTS.CodeAccepted.codeHash);
        expect(store.verify().damage).toEqual([]);
      });
    });

    describe('runs', () => {
      test('the summary is the fold of the events after each append (S3)', () => {
        const events = [
          ...someEvents(6),
          SAMPLE_EVENTS.OutcomeAsked,
          { ...SAMPLE_EVENTS.OutcomeAsked, key: '1' },
          SAMPLE_EVENTS.TaskFailed,
          SAMPLE_EVENTS.RunFailed,
        ];
        for (const [i, event] of events.entries()) {
          expect(append(appendOf(runId, i, [event]))).toEqual(['committed']);
          // With its end the lease is given back, in the same transaction.
          const isOver = i === events.length - 1;
          expect(store.getRun(runId, START)).toEqual({
            ...fold(runId, events.slice(0, i + 1)),
            owner: isOver ? null : OWNER_A,
            ownerAlive: !isOver,
            wakeAt: null,
            isCancelAsked: false,
          });
        }
        expect(store.getRun(runId, START)).toMatchObject({
          status: 'failed',
          error: 'TypeError: no',
          asked: ['1'],
        });
        expect(store.getRun('no-such-run', START)).toBeUndefined();
      });

      test('a run of any status is listed where none is asked for', () => {
        const ends = [RunSucceeded, SAMPLE_EVENTS.RunFailed, SAMPLE_EVENTS.RunCancelled, RunContinued];
        for (const [i, end] of ends.entries()) create(`run-${i}`, [RunStarted, end]);
        create('run-4');
        expect(store.queryRuns({ limit: 9 }, START).map(({ status }) => status)).toEqual([
          'running',
          'continued',
          'cancelled',
          'failed',
          'succeeded',
        ]);
      });

      test('runs are listed newest first, by pages, whatever they are called', () => {
        const ids = ['m', 'z', 'a', 'k', 'b'];
        for (const id of ids) create(id);
        const list = (limit: number, before?: RunId): readonly RunId[] =>
          store
            .queryRuns(before === undefined ? { limit } : { limit, before }, START)
            .map((run) => run.runId);
        expect(list(10)).toEqual(ids.toReversed());
        expect(list(2)).toEqual(['b', 'k']);
        expect(list(2, 'k')).toEqual(['a', 'z']);
        expect(list(2, 'z')).toEqual(['m']);
        expect(list(2, 'm')).toEqual([]);
        expect(list(2, 'no-such-run')).toEqual([]);
      });

      test('runs are listed by status, and counted', () => {
        expect(store.countRuns()).toEqual({});
        const ends = [RunSucceeded, SAMPLE_EVENTS.RunFailed, SAMPLE_EVENTS.RunCancelled];
        for (let i = 0; i < 12; i += 1) {
          const end = ends[i % 4];
          create(`run-${i}`, end === undefined ? [RunStarted] : [RunStarted, end]);
        }
        const list = (...statuses: RunSummary['status'][]): readonly RunId[] =>
          store.queryRuns({ limit: 2, before: 'run-10', statuses }, START).map((run) => run.runId);
        expect(list('succeeded')).toEqual(['run-8', 'run-4']);
        expect(list('running')).toEqual(['run-7', 'run-3']);
        expect(list('failed', 'cancelled')).toEqual(['run-9', 'run-6']);
        expect(list('cancelled', 'failed')).toEqual(['run-9', 'run-6']);
        expect(list('running', 'succeeded', 'failed', 'cancelled')).toEqual(['run-9', 'run-8']);
        expect(list()).toEqual([]);
        expect(store.countRuns()).toEqual({ running: 3, succeeded: 3, failed: 3, cancelled: 3 });
      });

      test('a run that another one followed is listed, too', () => {
        create('run-1', [RunStarted, SAMPLE_EVENTS.RunContinued]);
        expect(store.queryRuns({ limit: 2 }, START).map((run) => run.runId)).toEqual(['run-1']);
      });

      test('runs are searched a stretch at a time', () => {
        const set = (value: Encoded): JournalEvent => ({ ...SAMPLE_EVENTS.StateSet, name: 'of', value });
        for (let i = 0; i < 12; i += 1) {
          const begins = { ...RunStarted, process: i % 2 === 0 ? 'even' : 'odd' };
          const run = appendOf(`Run-${i}`, 0, [begins, set(i % 4), ...(i < 6 ? [RunSucceeded] : [])]);
          // Clocks jump: the newest did not start last.
          const events = run.events.map(({ event }) => ({ at: START + (i === 11 ? 0 : i), event }));
          expect(append({ ...run, events })).toEqual(['committed']);
        }
        const search = (query: Partial<RunSearch>): unknown => {
          const { runs, next, lookedAt } = store.searchRuns({ limit: 10, lookAt: 100, ...query }, START);
          return [runs.map(({ runId: id }) => id.slice(4)).join(' '), next, lookedAt];
        };
        expect(search({ process: 'odd' })).toEqual(['11 9 7 5 3 1', null, 12]);
        expect(search({ process: 'odd', limit: 2 })).toEqual(['11 9', 'Run-9', 3]);
        expect(search({ process: 'odd', limit: 2, before: 'Run-9' })).toEqual(['7 5', 'Run-5', 4]);
        expect(search({ process: 'odd', lookAt: 5 })).toEqual(['11 9 7', 'Run-7', 5]);
        expect(search({ process: 'none', lookAt: 5 })).toEqual(['', 'Run-7', 5]);
        expect(search({ process: 'none', lookAt: 5, before: 'Run-2' })).toEqual(['', null, 2]);
        expect(search({ statuses: ['succeeded'], process: 'odd' })).toEqual(['5 3 1', null, 6]);
        expect(search({ where: { of: [1] }, text: 'UN-1' })).toEqual(['1', null, 3]);
        expect(search({ text: 'VEN', limit: 1 })).toEqual(['10', 'Run-10', 2]);
        expect(search({ text: '%' })).toEqual(['', null, 12]);
        expect(search({ startedFrom: START + 9 })).toEqual(['10 9', null, 12]);
        expect(search({ startedBefore: START + 2 })).toEqual(['11 1 0', null, 12]);
        expect(search({ startedFrom: START + 3, startedBefore: START + 6 })).toEqual(['5 4 3', null, 12]);
        expect(search({ before: 'no-such-run' })).toEqual(['', null, 0]);
        expect(search({ where: { of: [] } })).toEqual(['', null, 0]);
      });

      test('verify counts what is there and finds nothing wrong', () => {
        create('run-1', someEvents(1200));
        create('run-2', someEvents(4));
        store.post('run-1', cancel('m1'), START);
        acquireLater('run-2');
        expect(store.verify()).toMatchObject({ runs: 2, events: 1204, damage: [] });
        expect(store.verify('run-2')).toMatchObject({ runs: 1, events: 4, damage: [] });
        expect(store.verify('no-such-run')).toMatchObject({ runs: 0, events: 0, damage: [] });
      });

      function acquireLater(id: RunId): void {
        store.releaseLease(id, 1);
        expect(store.acquireLease(id, claimOf(OWNER_B)).status).toBe('acquired');
      }

      test('the store describes itself', () => {
        create(runId);
        expect(store.describe()).toMatchObject({ runs: 1, eventVersion: EVENT_VERSION });
      });
    });
  });
}
