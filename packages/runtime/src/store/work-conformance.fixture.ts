/** What every store does for workers: `describeWork` is called by the test of each adapter. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { NEVER } from '../journal/ids.ts';
import { SAMPLE_EVENTS } from '../journal/sample-events.fixture.ts';
import type { JournalStore } from '../ports/journal-store.ts';
import type { NewStart, QueuedStart, ScheduleRecord } from '../ports/work-store.ts';
import { appendOf, claimOf, OWNER_A, OWNER_B, START, TTL_MS } from './store-conformance.fixture.ts';

const { RunStarted, RunSucceeded, RunContinued, AttemptStarted } = SAMPLE_EVENTS;

export function startOf(runId: string, more: Partial<NewStart> = {}): NewStart {
  return {
    runId,
    process: 'job',
    module: 'job.ts',
    codeHash: 'c0de',
    inputs: { runId },
    inputsHash: `hash of ${runId}`,
    at: START,
    priority: 0,
    limit: null,
    singleton: null,
    debounce: null,
    schedule: null,
    ...more,
  };
}

export function scheduleOf(name: string, more: Partial<ScheduleRecord> = {}): ScheduleRecord {
  return {
    name,
    cron: '0 9 * * *',
    zone: 'Europe/Berlin',
    process: 'job',
    module: 'job.ts',
    codeHash: 'c0de',
    inputs: null,
    inputsHash: 'none',
    missed: 'one',
    overlap: 'allow',
    isPaused: false,
    nextAt: START,
    lastAt: null,
    isWhole: true,
    ...more,
  };
}

const a = claimOf(OWNER_A);
const b = claimOf(OWNER_B);

export function describeWork(name: string, open: () => JournalStore): void {
  describe(`${name}, for workers`, () => {
    let store: JournalStore;
    beforeEach(() => {
      store = open();
    });
    afterEach(() => store.close());

    function create(id: string, process = 'job'): void {
      expect(store.append([appendOf(id, 0, [{ ...RunStarted, process }])], a)).toEqual(['committed']);
    }
    const due = (now = START, processes?: readonly string[], limit = 100): string[] =>
      store.work.takeDue(claimOf(OWNER_B, now), limit, processes).map(({ runId }) => runId);
    const rest = (id: string, wakeAt: number, more: { known?: string[]; awaited?: string[] } = {}): void =>
      store.releaseLease(id, 1, { wakeAt, known: new Set(more.known), awaited: more.awaited ?? [] });

    describe('runs that rest', () => {
      test('go on when their time comes, and belong to whoever took them', () => {
        create('r');
        expect(due()).toEqual([]);
        rest('r', START + 50);
        expect(store.getRun('r', START)).toMatchObject({ owner: null, wakeAt: START + 50 });
        expect(due(START + 49)).toEqual([]);
        expect(store.work.takeDue(claimOf(OWNER_B, START + 50), 9, undefined)).toEqual([
          { runId: 'r', epoch: 2 },
        ]);
        expect(due(START + 50)).toEqual([]);
        expect(store.getRun('r', START + 50)).toMatchObject({ owner: OWNER_B, wakeAt: null });
        const event = [appendOf('r', 1, [AttemptStarted], { epoch: 2 })];
        expect(store.append(event, b)).toEqual(['committed']);
        expect(store.append([appendOf('r', 2, [AttemptStarted])], a)).toEqual(['fenced']);
      });

      test('go on at once where they were given back as they are', () => {
        create('r');
        store.releaseLease('r', 1);
        expect(store.getRun('r', START)?.wakeAt).toBeNull();
        expect(due()).toEqual(['r']);
      });

      test('that have ended do not go on', () => {
        store.append([appendOf('r', 0, [RunStarted, RunSucceeded])], a);
        store.releaseLease('r', 1);
        expect(due(NEVER)).toEqual([]);
      });

      test('the one that waits longest is first, of the processes that are asked for', () => {
        for (const [id, process] of Object.entries({ r1: 'x', r2: 'y', r3: 'x', r4: 'x' }))
          create(id, process);
        for (const [id, at] of Object.entries({ r1: 3, r2: 2, r3: 1, r4: 90 })) rest(id, START + at);
        expect(due(START + 5, ['none'])).toEqual([]);
        expect(due(START + 5, ['x'], 1)).toEqual(['r3']);
        expect(due(START + 5)).toEqual(['r2', 'r1']);
        expect(due(START + 90, ['y', 'x'])).toEqual(['r4']);
      });

      test('a message wakes one, also one that came while it was being put down', () => {
        for (const id of ['r1', 'r2', 'r3']) create(id);
        const message = { kind: 'cancel', id: 'm', reason: 'x' } as const;
        rest('r1', NEVER);
        store.post('r1', message, START);
        store.post('r2', message, START);
        rest('r2', NEVER);
        store.post('r3', message, START);
        rest('r3', NEVER, { known: ['m'] });
        expect(due().toSorted()).toEqual(['r1', 'r2']);
        expect(store.getRun('r3', START)?.wakeAt).toBe(NEVER);
      });

      test('the end of a run that one waits for wakes it, also where it came before', () => {
        for (const id of ['p1', 'p2', 'c1', 'c2']) create(id);
        rest('p1', NEVER, { awaited: ['c1'] });
        expect(due()).toEqual([]);
        store.append([{ ...appendOf('c1', 1, [RunSucceeded]), wakes: 'p1' }], a);
        store.append([{ ...appendOf('c2', 1, [RunSucceeded]), wakes: 'p2' }], a);
        rest('p2', NEVER, { awaited: ['c2'] });
        expect(due().toSorted()).toEqual(['p1', 'p2']);
      });

      test('waking one that is driven, or not there, does nothing', () => {
        create('r');
        store.work.wake('r', START);
        store.work.wake('none', START);
        expect(due()).toEqual([]);
      });

      test('one whose lease is lost is not put down by who had it', () => {
        create('r');
        store.releaseLease('r', 1);
        expect(due()).toEqual(['r']);
        rest('r', NEVER);
        store.work.setBack({ runId: 'r', epoch: 1 }, START, 'late', 'error');
        expect(store.getRun('r', START)).toMatchObject({ owner: OWNER_B });
      });
    });

    describe('runs of owners that are gone', () => {
      test('whose time is up are free', () => {
        create('r');
        expect(store.work.reap(b)).toBe(0);
        expect(store.work.reap(claimOf(OWNER_A, START + 2 * TTL_MS))).toBe(0);
        expect(store.work.reap(claimOf(OWNER_B, START + TTL_MS))).toBe(1);
        expect(due(START + TTL_MS)).toEqual(['r']);
        expect(store.append([appendOf('r', 1, [AttemptStarted])], a)).toEqual(['fenced']);
        // What is freed is not given back a second time by who had it.
        rest('r', NEVER);
        expect(store.renewLease('r', 1, a)).toBe(false);
      });

      test('are tried ever more rarely where that happens again and again', () => {
        create('r');
        let now = START;
        const waits: number[] = [];
        for (let n = 0; n < 7; n += 1) {
          now += TTL_MS;
          store.work.reap(claimOf(n % 2 === 0 ? OWNER_B : OWNER_A, now));
          const at = store.getRun('r', now)?.wakeAt ?? now;
          waits.push(at - now);
          now = at;
          store.work.takeDue(claimOf(n % 2 === 0 ? OWNER_B : OWNER_A, now), 1, undefined);
        }
        expect(waits).toEqual([0, 0, 0, 10_000, 20_000, 40_000, 80_000]);
      });
    });

    describe('runs that could not go on', () => {
      test('are tried again later, and tell why', () => {
        create('r');
        store.work.setBack({ runId: 'r', epoch: 1 }, START, 'no module', 'error');
        expect(due()).toEqual([]);
        expect(store.work.setBackRuns(9)).toEqual([
          { runId: 'r', process: 'job', at: START + 10_000, setbacks: 1, problem: 'no module' },
        ]);
        expect(store.work.setBackRun('r')).toEqual(store.work.setBackRuns(9)[0]);
        expect(due(START + 10_000)).toEqual(['r']);
        // Somebody drives it by now.
        expect(store.work.setBackRun('r')).toBeUndefined();
        store.work.setBack({ runId: 'r', epoch: 2 }, START, 'no module', 'error');
        expect(store.work.setBackRuns(9)).toMatchObject([{ setbacks: 2, at: START + 20_000 }]);
        expect(due(START + 20_000)).toEqual(['r']);
        // It got on, and starts anew.
        store.releaseLease('r', 3);
        expect(store.work.setBackRuns(9)).toEqual([]);
        expect([store.work.setBackRun('r'), store.work.setBackRun('none')]).toEqual([undefined, undefined]);
      });
    });

    describe('starts', () => {
      const queue = (id: string, more: Partial<NewStart> = {}): unknown =>
        store.work.enqueue(startOf(id, more), START);
      const ready = (now = START, processes?: readonly string[], limit = 100): readonly QueuedStart[] =>
        store.work.readyStarts(now, limit, processes);
      const ids = (starts: readonly { runId: string }[]): string[] => starts.map(({ runId }) => runId);
      const begin = (id: string, now = START): string => {
        const start = store.work.queuedStart(id) ?? expect.fail(`no start ${id}`);
        const event = { ...RunStarted, process: start.process, inputsHash: start.inputsHash };
        return store.work.begin(start, event, claimOf(OWNER_A, now));
      };
      const end = (id: string): void => {
        expect(store.append([appendOf(id, 1, [RunSucceeded])], a)).toEqual(['committed']);
        store.releaseLease(id, 1);
      };

      test('one becomes a run that is ours, once', () => {
        expect(queue('r')).toEqual({ status: 'queued' });
        const [start] = ready();
        expect(start).toEqual({
          ...startOf('r'),
          queuedAt: START,
          isHeld: false,
          problem: null,
          isWhole: true,
        });
        expect(begin('r')).toBe('begun');
        expect(ready()).toEqual([]);
        expect(store.read('r', 0, 9).map(({ event }) => event.type)).toEqual(['RunStarted']);
        expect(store.getRun('r', START)).toMatchObject({ owner: OWNER_A, ownerAlive: true, lastSeq: 1 });
        expect(store.append([appendOf('r', 1, [AttemptStarted])], a)).toEqual(['committed']);
        const again = store.work.begin(start ?? expect.fail(), { ...RunStarted }, b);
        expect([again, store.read('r', 0, 9).length]).toEqual(['gone', 2]);
        expect(store.verify().damage).toEqual([]);
      });

      describe('and what is sent to one', () => {
        const signal = (id: string) => ({ kind: 'signal', id, name: 'm', payload: id }) as const;
        const mail = (runId: string): string[] => store.takeInbox(runId).map(({ id }) => id);

        test("is kept, once by its id, and is the run's in the order of its coming", () => {
          expect(store.post('r', signal('m1'), START)).toBe('unknown');
          queue('r');
          queue('other');
          for (const id of ['m2', 'm1', 'm3']) expect(store.post('r', signal(id), START)).toBe('posted');
          expect(store.post('r', signal('m1'), START)).toBe('duplicate');
          expect(store.post('other', signal('m1'), START)).toBe('posted');
          expect(mail('r')).toEqual([]);
          expect(begin('r')).toBe('begun');
          expect(store.post('r', signal('m4'), START)).toBe('posted');
          expect(store.takeInbox('r')).toEqual(['m2', 'm1', 'm3', 'm4'].map(signal));
          expect(store.post('r', signal('m2'), START)).toBe('duplicate');
          expect(mail('other')).toEqual([]);
        });

        test('is also that of a run that was started past the queue', () => {
          queue('r');
          store.post('r', signal('m1'), START);
          const mark = store.changeMark();
          create('r');
          // Who started it has to look.
          expect(store.changeMark()).not.toBe(mark);
          expect(mail('r')).toEqual(['m1']);
          expect(store.work.queuedStarts(9)).toEqual([]);
        });

        test('goes with a start that is removed, and stays with one that is debounced', () => {
          const debounce = { key: 'd', latestAt: START + 9 };
          queue('r', { debounce });
          store.post('r', signal('m1'), START);
          expect(queue('other', { debounce, inputsHash: 'new' })).toMatchObject({ status: 'debounced' });
          expect(store.post('r', signal('m1'), START)).toBe('duplicate');
          store.work.removeStart('r');
          expect(store.post('r', signal('m2'), START)).toBe('unknown');
          queue('r');
          begin('r');
          expect(mail('r')).toEqual([]);
        });

        test("has a key for secrets, which is the run's", () => {
          expect(store.keepKey('r', 'k1')).toEqual({ status: 'unknown' });
          queue('r');
          expect(store.keepKey('r', 'k1')).toEqual({ status: 'kept', key: 'k1' });
          expect(store.keepKey('r', 'k2')).toEqual({ status: 'kept', key: 'k1' });
          begin('r');
          expect(store.keyOf('r')).toBe('k1');
          end('r');
          expect(store.keyOf('r')).toBeUndefined();
        });
      });

      test('an id is one start, and one run', () => {
        queue('r');
        expect(queue('r')).toEqual({ status: 'duplicate' });
        const other = { status: 'other', process: 'job', inputsHash: 'hash of r' };
        expect(queue('r', { inputsHash: 'x' })).toEqual(other);
        expect(queue('r', { process: 'x' })).toEqual(other);
        begin('r');
        expect(queue('r')).toEqual({ status: 'duplicate' });
        expect(queue('r', { inputsHash: 'x' })).toEqual(other);
        end('r');
        expect(queue('r')).toEqual({ status: 'duplicate' });
        expect(ready(NEVER)).toEqual([]);
      });

      test('one whose id was started past the queue is gone', () => {
        queue('r', { at: START + 9 });
        const start = store.work.queuedStart('r') ?? expect.fail();
        create('r');
        // In the same transaction.
        expect(store.work.queuedStarts(9)).toEqual([]);
        expect(store.work.removeStart('r')).toBe(false);
        expect(store.work.begin(start, { ...RunStarted }, b)).toBe('gone');
        expect(store.read('r', 0, 9)).toHaveLength(1);
      });

      test('one that was started past the queue has its keys until its end', () => {
        const limit = { key: 'k', count: 1 };
        queue('r', { limit, singleton: 's' });
        queue('next', { limit });
        create('r');
        expect(queue('twin', { singleton: 's' })).toEqual({ status: 'exists', runId: 'r' });
        expect(begin('next')).toBe('held');
        end('r');
        expect(begin('next')).toBe('begun');
        expect(queue('twin', { singleton: 's' })).toEqual({ status: 'queued' });
      });

      test('the order is by priority, then time, then coming', () => {
        queue('late', { at: START + 5 });
        queue('first');
        queue('second');
        queue('low', { priority: -3 });
        queue('high', { priority: 7, process: 'other' });
        queue('high, later', { priority: 9, at: START + 1 });
        expect(ids(ready())).toEqual(['high', 'first', 'second', 'low']);
        expect(ids(ready(START + 5))).toEqual(['high, later', 'high', 'first', 'second', 'late', 'low']);
        expect(ids(ready(START, ['job']))).toEqual(['first', 'second', 'low']);
        expect(ids(ready(START, ['job', 'other'], 2))).toEqual(['high', 'first']);
      });

      test('at most so many runs of a key, and the next one with the end of one of them', () => {
        const limit = { key: 'k', count: 2 };
        for (const id of ['r1', 'r2', 'r3', 'r4']) queue(id, { limit });
        queue('r5', { limit, priority: 1, at: START + 10 });
        queue('free');
        expect([begin('r1'), begin('r2'), begin('r3'), begin('r4')]).toEqual([
          'begun',
          'begun',
          'held',
          'held',
        ]);
        expect(ids(ready())).toEqual(['free']);
        expect(begin('r5', START + 10)).toBe('held');
        end('r2');
        expect(ids(ready(START + 10))).toEqual(['r5', 'free']);
        expect([begin('r5', START + 10), ids(ready(START + 10))]).toEqual(['begun', ['free']]);
        end('r1');
        expect(begin('r3')).toBe('begun');
        end('r5');
        expect(ids(ready(START + 10))).toEqual(['r4', 'free']);
      });

      test('one with a place that is removed, or cannot be started, passes it on', () => {
        const limit = { key: 'k', count: 1 };
        for (const id of ['r1', 'r2', 'r3', 'r4']) queue(id, { limit });
        begin('r1');
        for (const id of ['r2', 'r3', 'r4']) expect(begin(id)).toBe('held');
        end('r1');
        expect(ids(ready())).toEqual(['r2']);
        expect(store.work.removeStart('r2')).toBe(true);
        expect(ids(ready())).toEqual(['r3']);
        store.work.setBackStart(store.work.queuedStart('r3') ?? expect.fail(), START, 'no module');
        expect(ids(ready())).toEqual(['r4']);
        expect(store.work.queuedStart('r3')).toMatchObject({ problem: 'no module', at: START + 1000 });
        expect(store.work.removeStart('none')).toBe(false);
      });

      test('a run that follows another has its place', () => {
        queue('r', { limit: { key: 'k', count: 1 }, singleton: 's' });
        begin('r');
        const successor = { runId: 'r~2', at: START, event: RunStarted };
        store.append([{ ...appendOf('r', 1, [RunContinued]), successor }], a);
        queue('next', { limit: { key: 'k', count: 1 } });
        expect(begin('next')).toBe('held');
        expect(queue('other', { singleton: 's' })).toEqual({ status: 'exists', runId: 'r~2' });
        end('r~2');
        expect(begin('next')).toBe('begun');
        expect(queue('other', { singleton: 's' })).toEqual({ status: 'queued' });
      });

      test('a singleton is one start or run of its key', () => {
        queue('r', { singleton: 's' });
        expect(queue('r2', { singleton: 's' })).toEqual({ status: 'exists', runId: 'r' });
        expect(queue('r3', { singleton: 'other' })).toEqual({ status: 'queued' });
        begin('r');
        expect(queue('r2', { singleton: 's' })).toEqual({ status: 'exists', runId: 'r' });
        expect(queue('r', { singleton: 's' })).toEqual({ status: 'duplicate' });
        end('r');
        expect(queue('r2', { singleton: 's' })).toEqual({ status: 'queued' });
      });

      test('a debounced one takes the newest inputs, and waits anew, but not for ever', () => {
        const debounce = { key: 'd', latestAt: START + 25 };
        queue('r', { debounce, at: START + 10 });
        const before = store.work.queuedStart('r') ?? expect.fail();
        const again = (n: number, at: number): unknown =>
          queue(`r${n}`, { debounce: { ...debounce, latestAt: NEVER }, inputs: n, inputsHash: `${n}`, at });
        expect(again(2, START + 18)).toEqual({ status: 'debounced', runId: 'r' });
        expect(store.work.begin(before, RunStarted, claimOf(OWNER_A, START + 10))).toBe('gone');
        expect(store.work.queuedStart('r')).toMatchObject({ inputs: 2, inputsHash: '2', at: START + 18 });
        again(3, START + 99);
        expect(store.work.queuedStart('r')).toMatchObject({ inputs: 3, at: START + 25, isWhole: true });
        expect(begin('r', START + 25)).toBe('begun');
        expect(again(4, START + 99)).toEqual({ status: 'queued' });
      });
    });

    describe('schedules', () => {
      test('are kept by name, and found when they are due', () => {
        const later = scheduleOf('b', { nextAt: START + 1, inputs: { deep: [1] }, module: null });
        expect(store.work.putSchedule(later, false)).toBe(true);
        expect(store.work.putSchedule(scheduleOf('a'), false)).toBe(true);
        expect(store.work.putSchedule(scheduleOf('a', { cron: 'x' }), false)).toBe(false);
        expect(store.work.schedules()).toEqual([scheduleOf('a'), later]);
        expect(store.work.dueSchedules(START - 1)).toEqual([]);
        expect(store.work.dueSchedules(START)).toEqual([scheduleOf('a')]);
        expect(store.work.putSchedule(scheduleOf('a', { nextAt: NEVER }), true)).toBe(true);
        expect(store.work.dueSchedules(START)).toEqual([]);
        expect([store.work.removeSchedule('a'), store.work.removeSchedule('a')]).toEqual([true, false]);
        expect(store.work.schedules()).toEqual([later]);
      });

      test('a firing happens once, with its starts or not at all', () => {
        store.work.putSchedule(scheduleOf('s'), false);
        const firing = { name: 's', expectedAt: START, nextAt: START + 100, lastAt: START };
        const starts = [startOf('s@1'), startOf('s@2')];
        expect(store.work.fire({ ...firing, starts }, START)).toEqual([
          { status: 'queued' },
          { status: 'queued' },
        ]);
        expect(store.work.fire({ ...firing, starts: [startOf('s@3')] }, START)).toBeUndefined();
        expect(store.work.queuedStarts(9)).toHaveLength(2);
        expect(store.work.schedules()).toMatchObject([{ nextAt: START + 100, lastAt: START }]);
      });

      test('a paused one does not fire', () => {
        store.work.putSchedule(scheduleOf('s'), false);
        expect(store.work.pauseSchedule('s', true, undefined)).toBe(true);
        expect(store.work.dueSchedules(NEVER)).toEqual([]);
        const firing = { name: 's', expectedAt: START, nextAt: START + 100, lastAt: START, starts: [] };
        expect(store.work.fire(firing, START)).toBeUndefined();
        expect(store.work.pauseSchedule('s', false, START + 7)).toBe(true);
        expect(store.work.dueSchedules(START + 7)).toMatchObject([{ nextAt: START + 7 }]);
        expect(store.work.pauseSchedule('none', true, undefined)).toBe(false);
      });
    });
  });
}
