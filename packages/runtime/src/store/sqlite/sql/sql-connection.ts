/** A connection on which people query: it sees the views, and can neither write nor open another file. */
import type { Database } from 'better-sqlite3';

import { parseEvent } from '../../../journal/stored-event.ts';
import { connect } from '../connect.ts';
import { EVENT_TYPES, typeOf } from '../event-types.ts';
import { OwnerLocks } from '../liveness.ts';
import { placeJournal } from '../place.ts';
import { hasTable, laterTable } from '../schema.ts';
import type { SqlPlace } from './view-text.ts';
import { eventRows, LINEAGE, VIEWS, viewSql } from './views.ts';

const BUSY_TIMEOUT_MS = 5000;

/** @throws RuntimeError NOT_FOUND, STORAGE, CORRUPT, NEWER; SqliteError */
export function connectForSql(given: string): Database {
  const path = placeJournal(given, true);
  const db = connect({ path, durability: 'full', busyTimeoutMs: BUSY_TIMEOUT_MS, readOnly: true });
  try {
    // The file itself was opened to be read only: this is about `temp`.
    db.pragma('query_only = off');
    registerFunctions(db, path);
    makeViews(db);
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

function makeViews(db: Database): void {
  db.exec('create temp table pawl_types (code integer primary key, name text)');
  const addType = db.prepare('insert into temp.pawl_types values (?, ?)');
  for (const [name, code] of EVENT_TYPES) addType.run(code, name);
  const place = placeOf(db);
  if (place.hasForks) db.exec(LINEAGE);
  db.exec(eventRows(place));
  for (const view of VIEWS) db.exec(viewSql(view, place));
}

function placeOf(db: Database): SqlPlace {
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
  return { table, hasForks };
}
