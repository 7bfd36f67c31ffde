/** What Pawl makes of a disk as a power cut left it. */
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { openRuntime, type Recorded, type Runtime } from '@pawl/runtime';
import Database from 'better-sqlite3';

import { expectedOf, messageOf, starts, voyage, type Journey } from './voyage.ts';
import type { DiskState } from './crash/disk.ts';
import { JOURNAL } from './journal-place.ts';
import type { Told } from './told.ts';

/** What is wrong: with the file itself, with what was acknowledged, or with how the run goes on. */
export interface Wrong {
  readonly kind: 'damaged' | 'lost' | 'astray';
  readonly what: string;
}

const MOST_EVENTS = 100_000;

export function layOut({ folders, files }: DiskState, root: string): void {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root);
  for (const folder of folders) if (folder !== '') mkdirSync(join(root, folder), { mode: 0o700 });
  for (const [path, bytes] of files) {
    // What is in memory that programs share is gone with the power.
    if (!path.endsWith('-shm')) writeFileSync(join(root, path), bytes, { mode: 0o600 });
  }
}

/** Two states of the same bytes are one. */
export function digestOf({ folders, files }: DiskState): string {
  const hash = createHash('sha1');
  for (const folder of folders) hash.update(`${folder}/\n`);
  for (const [path, bytes] of files) hash.update(`${path} ${bytes.length}\n`).update(bytes);
  return hash.digest('base64');
}

/**
 * @param told all that was acknowledged before the cut
 * @param known what journals hold that went on to the right end: another file that holds the same is not driven again
 */
export async function survey(
  root: string,
  told: readonly Told[],
  journey: Journey,
  known = new Set<string>(),
): Promise<Wrong | undefined> {
  const path = join(root, JOURNAL);
  let runtime: Runtime;
  try {
    // How this look itself syncs is not what is asked.
    runtime = await openRuntime({ path, durability: 'normal', processes: [voyage] });
  } catch (error) {
    return { kind: 'damaged', what: `it cannot be opened: ${wordsOf(error)}` };
  }
  try {
    const events = runtime.store.read('r', 0, MOST_EVENTS);
    const lost = lostOf(runtime, events, told);
    if (lost !== undefined) return lost;
    const held = heldBy(runtime, events, journey);
    if (known.has(held)) return undefined;
    const astray = await astrayOf(runtime, events, journey);
    if (astray === undefined) known.add(held);
    return astray;
  } catch (error) {
    return { kind: 'damaged', what: wordsOf(error) };
  } finally {
    await runtime.close();
    starts.told = () => undefined;
  }
}

/** All that a run goes on from. */
function heldBy({ store }: Runtime, events: readonly Recorded[], { legs }: Journey): string {
  const posted = Array.from({ length: legs }, (_, n) => store.isPosted('r', messageOf(n).id));
  const hash = createHash('sha1').update(JSON.stringify([events, posted, store.getRun('r', 0)]));
  return hash.digest('base64');
}

function lostOf({ store }: Runtime, events: readonly Recorded[], told: readonly Told[]): Wrong | undefined {
  const { damage } = store.verify();
  if (damage.length > 0)
    return { kind: 'damaged', what: `verify finds ${JSON.stringify(damage.slice(0, 3))}` };
  for (const each of told) {
    if (each.at === 'posted' && !store.isPosted('r', each.id))
      return { kind: 'lost', what: `message ${each.id} was taken, and is gone` };
    if (each.at !== 'committed') continue;
    const event = events[each.seq - 1]?.event;
    const key = event !== undefined && 'key' in event ? event.key : '';
    if (event?.type !== each.type || key !== each.key)
      return {
        kind: 'lost',
        what: `event ${each.seq} ${each.type} ${each.key} was acknowledged; there is ${event?.type ?? 'none'} ${key}`,
      };
  }
  return undefined;
}

/** Whether the run goes on to the right end, and does nothing again that is recorded as done. */
async function astrayOf(
  runtime: Runtime,
  events: readonly Recorded[],
  journey: Journey,
): Promise<Wrong | undefined> {
  const done = new Set(
    events.flatMap(({ event }) =>
      event.type === 'TaskSucceeded' || event.type === 'TaskFailed' || event.type === 'TaskCancelled'
        ? [event.key]
        : [],
    ),
  );
  const again: string[] = [];
  starts.told = (key) => {
    if (done.has(key)) again.push(key);
  };
  const handle = runtime.start(voyage, journey, { id: 'r' });
  const ended = handle.result();
  for (let n = 0; n < journey.legs; n += 1) {
    const { name, payload, id } = messageOf(n);
    await runtime.send('r', name, payload, { id });
  }
  const value = JSON.stringify(await ended);
  const expected = JSON.stringify(expectedOf(journey));
  if (again.length > 0) return { kind: 'astray', what: `done again: ${again.join(' ')}` };
  if (value !== expected) return { kind: 'astray', what: `it ended with ${value}, not with ${expected}` };
  return undefined;
}

/** What SQLite itself says of the file, once nobody has it open. */
export function integrityOf(root: string): Wrong | undefined {
  const db = new Database(join(root, JOURNAL), { readonly: true, fileMustExist: true });
  try {
    const said: unknown = db.pragma('integrity_check', { simple: true });
    return said === 'ok' ? undefined : { kind: 'damaged', what: `integrity_check: ${String(said)}` };
  } catch (error) {
    return { kind: 'damaged', what: wordsOf(error) };
  } finally {
    db.close();
  }
}

export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? `${String(error.code)}: ${error.message}` : `${error.name}: ${error.message}`;
}
