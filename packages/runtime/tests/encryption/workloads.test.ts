import { expect, test } from 'vitest';

import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, Lab, type Outcome } from '../lab.fixture.ts';
import { workloads } from '../workloads.fixture.ts';
import { freshPath } from './sealed.fixture.ts';

function told(outcome: Outcome): unknown {
  return 'error' in outcome ? { error: outcome.error.message } : outcome;
}

/** Events without what depends on how, or how fast, the program came to a place. */
const OF_PLACE: ReadonlySet<string> = new Set(['stack', 'at', 'dueAt', 'retryAt']);

function events(store: MemoryStore): unknown {
  const text = JSON.stringify(journal(store), (name, value: unknown) =>
    OF_PLACE.has(name) ? undefined : value,
  );
  return JSON.parse(text);
}

// What is above the store does not know that anything is encrypted.
test.each(Object.entries(workloads))(
  '%s is the same run, and replays, where it is encrypted',
  async (name, workload) => {
    const path = freshPath();
    const open = (): MemoryStore =>
      openSqliteStore({
        path,
        durability: 'normal',
        master: () => Buffer.alloc(32, 3),
      }) as unknown as MemoryStore;
    const [plain, sealed] = [new Lab(), new Lab()];
    const memory = new MemoryStore();
    const expected = told(await plain.drive(memory, workload(plain)));
    expect(told(await sealed.drive(open(), workload(sealed)))).toEqual(expected);
    const runtime = await sealed.open(open());
    // What is awaited outside ctx comes when it comes.
    if (name !== 'rawWaits') expect(events(runtime.store as MemoryStore)).toEqual(events(memory));
    const stop = sealed.clock.run(() => runtime.isIdle);
    expect(await runtime.replay('r', workload(sealed))).toMatchObject({ reached: 'end' });
    stop();
    expect(runtime.store.verify().damage).toEqual([]);
    expect(runtime.store.sealing?.status().events).toMatchObject({ clear: 0 });
    await runtime.close();
  },
);
