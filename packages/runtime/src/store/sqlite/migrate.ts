import type { Database } from 'better-sqlite3';

import { RuntimeError } from '../../errors.ts';
import { hasNamedEventTypes, nameEventTypes } from './event-types.ts';
import { notAJournal } from './failure.ts';
import { MIGRATIONS, SCHEMA_VERSION } from './migrations/list.ts';
import { checkSchema } from './schema.ts';

/** 'Pawl', in the header of the file: what it is, for us and for file(1). */
export const APPLICATION_ID = 0x50_61_77_6c;

/**
 * Version of the journal in the file, 0 where there is none yet. Reads only, and one state of the
 * file: one that another program makes or migrates meanwhile would look like a foreign one.
 *
 * @throws RuntimeError CORRUPT where it is something else or its schema is not ours, NEWER
 */
export function identify(db: Database, path: string): number {
  return db.transaction(() => {
    const version = versionOf(db, path);
    if (version > 0) checkSchema(db, version, path);
    return version;
  })();
}

function versionOf(db: Database, path: string): number {
  const applicationId: unknown = db.pragma('application_id', { simple: true });
  const version: unknown = db.pragma('user_version', { simple: true });
  if (applicationId === APPLICATION_ID && typeof version === 'number' && version >= 1) {
    if (version <= SCHEMA_VERSION) return version;
    throw new RuntimeError(
      'NEWER',
      `The journal ${path} has format ${version}; this program knows formats up to ${SCHEMA_VERSION}. It was left as it is.`,
      { hint: 'Use the version of pawl that wrote it, or a newer one.', data: { path, version } },
    );
  }
  const objects: unknown = db.prepare('select count(*) from sqlite_schema').pluck().get();
  if (applicationId === 0 && version === 0 && objects === 0) return 0;
  throw notAJournal(path, 'it is a database of another program');
}

/** One transaction for all steps: a crash in it leaves the file as it was, and others wait for it. */
export function migrate(db: Database, path: string): void {
  if (identify(db, path) === SCHEMA_VERSION && hasNamedEventTypes(db)) return;
  db.exec('begin immediate');
  try {
    const version = identify(db, path);
    for (const sql of MIGRATIONS.slice(version)) db.exec(sql);
    nameEventTypes(db);
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
    db.exec('commit');
  } finally {
    if (db.inTransaction) db.exec('rollback');
  }
}
