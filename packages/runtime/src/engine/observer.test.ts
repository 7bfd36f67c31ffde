import { describe, expect, it } from 'vitest';
import type { JournalEvent, Recorded } from '../journal/event.ts';
import type { AppendRun } from '../ports/journal-store.ts';
import { MemoryStore } from '../testing.ts';
import { RUN_STARTED } from '../kernel/given.fixture.ts';
import type { RuntimeEvent } from './observer.ts';
import { Observers } from './observers.ts';

const CLAIM = { owner: 'o', now: 0, ttlMs: 1000 };

/** A store, and what commits to it and tells of it. */
class Desk {
  readonly store = new MemoryStore();
  readonly observers = new Observers(this.store);
  readonly #seqs = new Map<string, number>();

  commit(runId: string, count: number): void {
    const afterSeq = this.#seqs.get(runId) ?? 0;
    const events = Array.from({ length: count }, (_, index): Recorded => {
      const seq = afterSeq + index + 1;
      const event: JournalEvent =
        seq === 1
          ? RUN_STARTED
          : { type: 'TimerStarted', key: String(seq), timer: 'sleep', dueAt: 1, durationMs: 1 };
      return { seq, at: seq, event };
    });
    this.#seqs.set(runId, afterSeq + count);
    const batch: AppendRun = { runId, epoch: 1, afterSeq, events, consumed: [] };
    this.store.append([batch], CLAIM);
    this.observers.committed(runId, events);
  }

  progress(runId: string, value: number): void {
    this.observers.progress({ runId, key: '0', attempt: 1, value });
  }
}

function brief(event: RuntimeEvent | undefined): string {
  switch (event?.type) {
    case 'event':
      return `${event.runId}${event.seq}`;
    case 'progress':
      return `${event.runId}:${String(event.value)}`;
    case 'log':
      return `log ${event.values.join(' ')}`;
    case 'dropped':
      return `dropped ${event.count}`;
    default:
      return 'end';
  }
}

async function take(events: AsyncIterator<RuntimeEvent, undefined>, count: number): Promise<string[]> {
  const list: string[] = [];
  for (let i = 0; i < count; i += 1) list.push(brief((await events.next()).value));
  return list;
}

describe('runtime.events()', () => {
  it('tells in order, from now on', async () => {
    const desk = new Desk();
    desk.commit('a', 2);
    const events = desk.observers.observe({});
    desk.commit('a', 1);
    desk.progress('a', 5);
    desk.observers.log({
      runId: 'a',
      process: 'p',
      key: null,
      task: null,
      attempt: null,
      level: 'info',
      values: ['hi', 1],
    });
    desk.commit('b', 1);
    expect(await take(events, 4)).toEqual(['a3', 'a:5', 'log hi 1', 'b1']);
  });

  it('wakes who waits, first come first served', async () => {
    const desk = new Desk();
    const events = desk.observers.observe({});
    const both = Promise.all([events.next(), events.next()]);
    desk.commit('a', 2);
    expect((await both).map(({ value }) => brief(value))).toEqual(['a1', 'a2']);
  });

  it('a slow consumer loses progress, with a count, and no event', async () => {
    const desk = new Desk();
    const events = desk.observers.observe({ buffer: 3 });
    desk.commit('a', 1);
    for (let n = 0; n < 10; n += 1) desk.progress('a', n);
    desk.commit('a', 1);
    expect(await take(events, 4)).toEqual(['dropped 9', 'a1', 'a:9', 'a2']);
  });

  it('progress goes before log output, and log output before an event is let go of', async () => {
    const desk = new Desk();
    const events = desk.observers.observe({ buffer: 2 });
    desk.progress('a', 1);
    desk.observers.log({
      runId: 'a',
      process: 'p',
      key: null,
      task: null,
      attempt: null,
      level: 'info',
      values: ['one'],
    });
    desk.commit('a', 1);
    expect(await take(events, 3)).toEqual(['dropped 1', 'log one', 'a1']);
    desk.observers.log({
      runId: 'a',
      process: 'p',
      key: null,
      task: null,
      attempt: null,
      level: 'info',
      values: ['two'],
    });
    desk.commit('a', 2);
    expect(await take(events, 3)).toEqual(['dropped 1', 'a2', 'a3']);
  });

  it('what it does not hold is read again, of each run in its order, and what comes meanwhile follows', async () => {
    const desk = new Desk();
    const events = desk.observers.observe({ buffer: 5 });
    for (let n = 0; n < 4; n += 1) {
      desk.commit('a', 400);
      desk.commit('b', 1);
    }
    expect(await take(events, 1)).toEqual(['a1']);
    desk.commit('a', 1);
    const rest = await take(events, 1604);
    const seqs = (runId: string): number[] =>
      rest.flatMap((text) => (text.startsWith(runId) ? [Number(text.slice(1))] : []));
    expect(seqs('a')).toEqual(Array.from({ length: 1600 }, (_, index) => index + 2));
    expect(seqs('b')).toEqual([1, 2, 3, 4]);
  });

  it('ends when the runtime closes, after what is held', async () => {
    const desk = new Desk();
    const events = desk.observers.observe({});
    desk.commit('a', 1);
    desk.observers.close();
    expect(await take(events, 2)).toEqual(['a1', 'end']);
    const waiting = desk.observers.observe({}).next();
    desk.observers.close();
    expect((await waiting).done).toBe(true);
  });

  it('a consumer that leaves is forgotten', async () => {
    const desk = new Desk();
    const events = desk.observers.observe({});
    await events.return?.();
    desk.commit('a', 1);
    expect(await take(events, 1)).toEqual(['end']);
  });

  it.each([0, -1, 1.5, NaN, Infinity])('refuses a buffer of %s', (buffer) => {
    expect(() => new Desk().observers.observe({ buffer })).toThrow(/Option 'buffer'/);
  });
});
