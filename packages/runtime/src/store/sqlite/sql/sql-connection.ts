/** A connection on which people query: it sees the views, and can neither write nor open another file. */
import type { Database } from 'better-sqlite3';

import { parseEvent } from '../../../journal/stored-event.ts';
import { connect } from '../connect.ts';
import { EVENT_TYPES, typeOf } from '../event-types.ts';
import { OwnerLocks } from '../liveness.ts';
import { placeJournal } from '../place.ts';
import { hasTable, laterTable } from '../schema.ts';
import { Sealing } from '../sealing.ts';
import type { MasterKeySource } from '../../../ports/sealing-store.ts';
import type { SqlPlace } from './view-text.ts';
import { eventRows, LINEAGE, OPENED, VIEWS, viewSql } from './views.ts';

const BUSY_TIMEOUT_MS = 5000;

/** @throws RuntimeError NOT_FOUND, STORAGE, CORRUPT, NEWER; SqliteError */
export function connectForSql(given: string, master?: MasterKeySource): Database {
  const path = placeJournal(given, true);
  const db = connect({ path, durability: 'full', busyTimeoutMs: BUSY_TIMEOUT_MS, readOnly: true, master });
  try {
    // The file itself was opened to be read only: this is about `temp`.
    db.pragma('query_only = off');
    const sealing = new Sealing(db, path, master);
    registerFunctions(db, path);
    if (sealing.isOn) registerOpening(db, sealing);
    makeViews(db, sealing.isOn);
    db.pragma('query_only = on');
    db.defaultSafeIntegers(true);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function registerFunctions(db: Database, path: string): void {
  const owners = new OwnerLocks(path, false);
  const known = new Map<string, number>();
  db.function('pawl_is_dead', { deterministic: false, directOnly: false }, (owner: unknown) => {
    const name = String(owner);
    const isDead = known.get(name) ?? Number(owners.isDead(name));
    known.set(name, isDead);
    return isDead;
  });
  db.function('pawl_payload', { deterministic: true }, wholePayload);
}

/** What was sealed, opened while it is looked at: what SQLite keeps of it meanwhile stays in memory. */
function registerOpening(db: Database, sealing: Sealing): void {
  db.pragma('temp_store = memory');
  db.function('pawl_row', { deterministic: true }, (runId, seq, at, code, version, payload) => {
    if (typeof payload !== 'string') return payload;
    const row = { seq: Number(seq), at: Number(at), type: typeOf(code), version: Number(version), payload };
    return sealing.whole(String(runId), row, 'mark').payload;
  });
  db.function('pawl_value', { deterministic: true }, (place, value) => {
    if (typeof value !== 'string') return value;
    const names = JSON.parse(String(place)) as readonly (string | number)[];
    const [kind, id] = names;
    if (kind === 'message') return sealing.wholeMessageOrMark(String(id), value);
    const isText = kind === 'run error' || kind === 'log line';
    return isText ? sealing.wholeText(names, value) : sealing.wholeJson(names, value);
  });
}

/** What no program can have written is shown as it is: whoever looks for damage wants to see it. */
function wholePayload(code: unknown, version: unknown, payload: unknown): unknown {
  if (typeof payload !== 'string') return null;
  try {
    const { type: _, ...fields } = parseEvent({ type: typeOf(code), version: Number(version), payload });
    return JSON.stringify(fields);
  } catch {
    return payload;
  }
}

function makeViews(db: Database, isSealed: boolean): void {
  db.exec('create temp table pawl_types (code integer primary key, name text)');
  const addType = db.prepare('insert into temp.pawl_types values (?, ?)');
  for (const [name, code] of EVENT_TYPES) addType.run(code, name);
  const place = placeOf(db, isSealed);
  if (isSealed) db.exec(OPENED);
  if (place.hasForks) db.exec(LINEAGE);
  db.exec(eventRows(place));
  for (const view of VIEWS) db.exec(viewSql(view, place));
}

function placeOf(db: Database, isSealed: boolean): SqlPlace {
  const tables = new Map<string, string>();
  const table = (name: string): string => {
    let found = tables.get(name);
    if (found === undefined) {
      found = hasTable(db, name) ? `main.${name}` : `temp.pawl_later_${name}`;
      tables.set(name, found);
      if (found.startsWith('temp.')) db.exec(laterTable(name, `pawl_later_${name}`));
    }
    return found;
  };
  const hasForks =
    hasTable(db, 'pawl_forks') && db.prepare('select 1 from main.pawl_forks').get() !== undefined;
  const events = isSealed ? 'temp.pawl_opened' : 'main.events';
  const opened: SqlPlace['opened'] = (names, column) =>
    isSealed ? `pawl_value(json_array(${names.join(', ')}), ${column})` : column;
  return { table, hasForks, events, opened };
}
