/** What every store does with forks: `describeForks` is called by the test of each adapter. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { JournalEvent } from '../journal/event.ts';
import type { RunId, Seq } from '../journal/ids.ts';
import { SAMPLE_EVENTS } from '../journal/sample-events.fixture.ts';
import type { AppendRun, JournalStore } from '../ports/journal-store.ts';
import {
  appendOf,
  claimOf,
  largeEvents,
  OWNER_A,
  OWNER_B,
  someEvents,
  START,
} from './store-conformance.fixture.ts';

const { RunStarted, RunSucceeded, StateSet, TaskScheduled, AttemptStarted, TaskSucceeded } = SAMPLE_EVENTS;

export function describeForks(name: string, open: () => JournalStore): void {
  describe(`forks in ${name}`, () => {
    let store: JournalStore;
    beforeEach(() => {
      store = open();
    });
    afterEach(() => {
      store.close();
    });

    function forkOf(parent: RunId, id: RunId, seq: Seq, more: readonly JournalEvent[] = []): AppendRun {
      const { offers: _, ...event } = SAMPLE_EVENTS.RunForked;
      const forked = { ...event, parentRunId: parent, parentSeq: seq };
      return { ...appendOf(id, seq, [forked, ...more]), forkOf: parent };
    }
    const append = (...batch: readonly AppendRun[]): readonly string[] =>
      store.append(batch, claimOf(OWNER_A));
    const readAll = (id: RunId): readonly JournalEvent[] =>
      store.read(id, 0, 10_000).map(({ event }) => event);
    function create(id: RunId, events: readonly JournalEvent[]): void {
      expect(append(appendOf(id, 0, events))).toEqual(['committed']);
    }

    test('a fork has the events of its parent up to a place, then its own; the parent stays as it is', () => {
      const events = [...someEvents(31), RunSucceeded];
      create('p', events);
      const before = store.getRun('p', START);
      expect(append(forkOf('p', 'f', 13))).toEqual(['committed']);
      expect(append(appendOf('f', 14, [{ ...TaskScheduled, key: 'new' }]))).toEqual(['committed']);
      expect(readAll('f').slice(0, 13)).toEqual(events.slice(0, 13));
      expect(readAll('f').slice(13)).toMatchObject([{ type: 'RunForked' }, { key: 'new' }]);
      expect(store.read('f', 0, 100).map(({ seq }) => seq)).toEqual(
        Array.from({ length: 15 }, (_, i) => i + 1),
      );
      expect(readAll('p')).toEqual(events);
      expect(store.getRun('p', START)).toEqual(before);
      expect(store.getRun('f', START)).toMatchObject({
        status: 'running',
        lastSeq: 15,
        process: RunStarted.process,
        module: 'edited.ts',
        inputsHash: 'cafe',
        tasksSettled: 4,
        owner: OWNER_A,
      });
      expect(store.verify().damage).toEqual([]);
      expect([store.forksOf('p'), store.forksOf('f'), store.forksOf('none')]).toEqual([['f'], [], []]);
    });

    test('pages of any size go over the place where it begins', () => {
      create('p', someEvents(25));
      append(forkOf('p', 'f', 10), appendOf('f', 11, someEvents(9).slice(1)));
      append(appendOf('f', 11, someEvents(9).slice(1)));
      for (const size of [1, 3, 7, 10, 11, 100]) {
        const seen: Seq[] = [];
        for (
          let after = 0, page = store.read('f', 0, size);
          page.length > 0;
          page = store.read('f', after, size)
        ) {
          seen.push(...page.map(({ seq }) => seq));
          after = seen.at(-1) ?? after;
        }
        expect(seen, `by ${size}`).toEqual(Array.from({ length: 19 }, (_, i) => i + 1));
      }
    });

    test('a page that is full of what is shared goes on with it, not with what is its own', () => {
      create('p', largeEvents(9));
      append(forkOf('p', 'f', 8, someEvents(3).slice(1)));
      const pages = [0, 7, 11].map((after) => store.read('f', after, 100).map(({ seq }) => seq));
      expect(pages).toEqual([[1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 11], []]);
    });

    test('forks of forks, from what is their own and from what is shared', () => {
      create('p', someEvents(20));
      append(forkOf('p', 'f', 10, someEvents(9).slice(1)));
      append(forkOf('f', 'own', 14));
      append(forkOf('f', 'shared', 7));
      append(forkOf('own', 'deep', 15));
      expect(readAll('own').slice(0, 14)).toEqual(readAll('f').slice(0, 14));
      expect(readAll('shared').slice(0, 7)).toEqual(readAll('p').slice(0, 7));
      expect(readAll('deep').slice(0, 15)).toEqual(readAll('own').slice(0, 15));
      expect(store.verify().damage).toEqual([]);
      expect(append(appendOf('p', 20, [RunSucceeded]))).toEqual(['committed']);
      expect(store.verify().damage).toEqual([]);
    });

    test('there is none of a run that is not there, behind its end, or under an id that is taken', () => {
      create('p', someEvents(5));
      create('q', someEvents(5));
      expect(append(forkOf('none', 'f', 3))).toEqual(['fenced']);
      expect(append(forkOf('p', 'f', 6))).toEqual(['fenced']);
      expect(append(forkOf('p', 'q', 3), appendOf('p', 5, [AttemptStarted]))).toEqual([
        'fenced',
        'committed',
      ]);
      expect(store.getRun('f', START)).toBeUndefined();
      expect(store.forksOf('p')).toEqual([]);
      expect(readAll('q')).toHaveLength(5);
    });

    test('it says of itself what its shared events say, and its key opens what was sealed before', () => {
      create('p', [RunStarted, { ...StateSet, name: 'a', value: 1 }, { ...StateSet, name: 'a', value: 2 }]);
      store.keepKey('p', 'sealed key');
      append(forkOf('p', 'f', 2));
      expect([store.stateOf('p'), store.stateOf('f')]).toEqual([{ a: 2 }, { a: 1 }]);
      append(appendOf('p', 3, [RunSucceeded]));
      expect([store.keyOf('p'), store.keyOf('f')]).toEqual([undefined, 'sealed key']);
      expect(store.verify().damage).toEqual([]);
    });

    test('what is shared stays when the parent removes rows, and its own are removed as those of any run', () => {
      const opened = { ...SAMPLE_EVENTS.ScopeOpened, key: '1', mode: 'reduce', width: null } as const;
      const items = (from: number, to: number): readonly JournalEvent[] => [
        ...Array.from({ length: to - from }, (_, i) => {
          const key = `1/${from + i}/0`;
          return [
            { ...TaskScheduled, key },
            { ...AttemptStarted, key },
            { ...TaskSucceeded, key },
          ];
        }).flat(),
        { type: 'Folded', key: '1', n: to, state: to, source: null },
      ];
      create('p', [RunStarted, opened, ...items(0, 4), ...items(4, 8)]);
      append(forkOf('p', 'f', 15, items(4, 8)));
      const before = readAll('f');
      const compact = (runId: RunId, beforeSeq: Seq): unknown =>
        store.compact(
          { runId, epoch: 1, key: '1', source: null, fromSeq: 3, beforeSeq, limit: 1000 },
          claimOf(OWNER_A),
        );
      expect(compact('p', 28)).toMatchObject({ status: 'committed' });
      expect(readAll('f')).toEqual(before);
      expect(store.verify().damage).toEqual([]);
      const parent = readAll('p');
      expect(compact('f', 29)).toMatchObject({ status: 'committed' });
      expect(readAll('p')).toEqual(parent);
      expect(readAll('f').map(({ type }) => type)).toContain('RunForked');
      expect(store.verify().damage).toEqual([]);
      expect(append(appendOf('f', 29, [RunSucceeded]))).toEqual(['committed']);
      expect(store.verify().damage).toEqual([]);
    });

    test('its lease is its own', () => {
      create('p', someEvents(5));
      append(forkOf('p', 'f', 3));
      expect(store.acquireLease('f', claimOf(OWNER_B)).status).toBe('busy');
      store.releaseLease('f', 1);
      expect(store.acquireLease('f', claimOf(OWNER_B)).status).toBe('acquired');
      expect(append(appendOf('f', 4, [AttemptStarted]))).toEqual(['fenced']);
      expect(append(appendOf('p', 5, [AttemptStarted]))).toEqual(['committed']);
    });
  });
}
