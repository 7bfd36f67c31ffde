/** A journal at rest with a bit of everything, and what is in it. */
import { cpSync, existsSync } from 'node:fs';

import { openRuntime, type Recorded } from '@pawl/runtime';
import { seededEntropy } from '@pawl/runtime/testing';

import { messageOf, voyage, type Journey } from '../voyage.ts';

export const JOURNEY: Journey = { legs: 3, bytes: 700 };

/** The one that is under way: it waits for the message that ends its second leg. */
export const UNDER_WAY = 'middle';
export const RUNS: readonly string[] = ['left', UNDER_WAY, 'right'];

export interface BaseJournal {
  readonly path: string;
  /** The same journal with what is in its log not yet in the database: as of a killed program. */
  readonly withLog: string;
  /** By run. */
  readonly events: ReadonlyMap<string, readonly Recorded[]>;
}

export async function makeBaseJournal(folder: string): Promise<BaseJournal> {
  const path = `${folder}/base.db`;
  const withLog = `${folder}/with-log.db`;
  const runtime = await openRuntime({ path, processes: [voyage], entropy: seededEntropy(5) });
  const events = new Map<string, readonly Recorded[]>();
  for (const id of RUNS) {
    const handle = runtime.start(voyage, JOURNEY, { id });
    const ended = handle.result();
    // It is stopped below, and that is what it rejects with.
    ended.catch(() => undefined);
    const legs = id === UNDER_WAY ? 1 : JOURNEY.legs;
    for (let n = 0; n < legs; n += 1) {
      const { name, payload, id: messageId } = messageOf(n);
      await runtime.send(id, name, payload, { id: messageId });
    }
    if (id !== UNDER_WAY) await ended;
    else await secondWait(handle.events());
  }
  await runtime.enqueue(voyage, JOURNEY, { id: 'queued' });
  await runtime.schedules.add(voyage, JOURNEY, { name: 'nightly', cron: '0 3 * * *' });
  await runtime.stop(UNDER_WAY);
  for (const id of RUNS) events.set(id, runtime.store.read(id, 0, 100_000));
  for (const end of ['', '-wal']) if (existsSync(path + end)) cpSync(path + end, withLog + end);
  await runtime.close();
  return { path, withLog, events };
}

async function secondWait(events: AsyncIterable<Recorded>): Promise<void> {
  let waits = 0;
  for await (const { event } of events) {
    if (event.type === 'SignalAwaited') waits += 1;
    if (waits === 2) return;
  }
}
