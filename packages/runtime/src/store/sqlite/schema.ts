/**
 * The fingerprint of a journal's schema. A file that someone sent may hold triggers and views that
 * run at our own statements; it is refused before the first of them.
 */
import Database from 'better-sqlite3';

import { RuntimeError } from '../../errors.ts';
import { notAJournal } from './failure.ts';
import { sha256 } from '../sha256.ts';
import { MIGRATIONS, SCHEMA_DIGESTS, SCHEMA_VERSION } from './migrations/list.ts';

interface SchemaRow {
  readonly type: unknown;
  readonly name: unknown;
  readonly tbl_name: unknown;
  readonly sql: unknown;
}

/** More objects than this and nobody made the file for us. */
const MAX_OBJECTS = 200;

const SELECT = `select type, name, tbl_name, sql from sqlite_schema limit ${MAX_OBJECTS + 1}`;

/** A journal of an older format, which is only read, lacks what came later. */
export function hasTable(db: Database.Database, name: string): boolean {
  return db.prepare('select 1 from sqlite_schema where name = ?').get(name) !== undefined;
}

/** Names of users do not begin so: what later formats add does. */
export const RESERVED_PREFIX = 'pawl_';

type Schema = ReadonlyMap<string, SchemaRow>;

function schemaOf(db: Database.Database): Schema {
  const rows = db.prepare<[], SchemaRow>(SELECT).all();
  return new Map(rows.map((row) => [`${String(row.type)} ${String(row.name)}`, row]));
}

/** The same however the file came to its version. */
function digestOf(schema: Schema): string {
  const names = [...schema.keys()].toSorted();
  return sha256(
    JSON.stringify(
      names.map((name) => [name, schema.get(name)?.tbl_name ?? null, schema.get(name)?.sql ?? null]),
    ),
  );
}

/** What stands in `SCHEMA_DIGESTS`, as the migrations make it. */
export function expectedDigest(version: number): string {
  return digestOf(expectedSchema(version));
}

/** Tables of ours in a file of that version. */
export function tablesOf(version: number): readonly string[] {
  const names = [...expectedSchema(version).values()].filter(({ type }) => type === 'table');
  return names.map(({ name }) => String(name));
}

const expected = new Map<number, Schema>();

/** What the migrations up to `version` make, found by running them: it cannot fall behind. */
function expectedSchema(version: number): Schema {
  let schema = expected.get(version);
  if (schema === undefined) {
    const db = new Database(':memory:');
    for (const sql of MIGRATIONS.slice(0, version)) db.exec(sql);
    schema = schemaOf(db);
    db.close();
    expected.set(version, schema);
  }
  return schema;
}

/**
 * Tables that others keep beside ours (Litestream does) are let be; nothing that could act on ours is.
 *
 * @throws RuntimeError CORRUPT
 */
export function checkSchema(db: Database.Database, version: number, path: string): void {
  const actual = schemaOf(db);
  // Nearly all files: to make what is expected takes longer than all the rest of opening one.
  if (digestOf(actual) === SCHEMA_DIGESTS[version - 1]) return;
  const ours = expectedSchema(version);
  for (const [name, { sql, tbl_name }] of ours) {
    const found = actual.get(name);
    if (found === undefined) throw notAJournal(path, `it has no ${name}`);
    if (found.sql !== sql || found.tbl_name !== tbl_name) throw notAJournal(path, `its ${name} was changed`);
  }
  if (actual.size > MAX_OBJECTS) throw notAJournal(path, `it holds more than ${MAX_OBJECTS} tables`);
  const tables = new Set([...ours.values()].map((row) => row.tbl_name));
  for (const [name, { type, tbl_name, sql }] of actual) {
    if (ours.has(name)) continue;
    const isHarmless = type === 'table' ? !isVirtual(sql) : type === 'index' && !tables.has(tbl_name);
    if (!isHarmless) throw notAJournal(path, `it holds a foreign ${name}`);
  }
}

/** A table that the file is too old to have, as an empty one in `temp`. */
export function laterTable(name: string, as: string): string {
  const sql = String(expectedSchema(SCHEMA_VERSION).get(`table ${name}`)?.sql);
  return sql.replace(/^create table \w+/i, `create temp table ${as}`);
}

let ownNames: ReadonlySet<string> | undefined;

/** Whether a table, or the table of an index, is a part of the journal; SQLite takes names in any case. */
export function isOwnObject(name: string): boolean {
  ownNames ??= new Set([...expectedSchema(SCHEMA_VERSION).values()].map(({ name: own }) => String(own)));
  return ownNames.has(name.toLowerCase());
}

/**
 * Why the next program could not open, or not migrate, a journal whose tables a user changed; undefined where it can.
 * Ends a sentence that says what the file is like.
 */
export function schemaProblem(db: Database.Database, path: string): string | undefined {
  try {
    checkSchema(db, SCHEMA_VERSION, path);
  } catch (error) {
    if (error instanceof RuntimeError) return `cannot be opened again (${error.message})`;
    throw error;
  }
  for (const { type, name } of schemaOf(db).values()) {
    const isTheirs = !isOwnObject(String(name));
    if (isTheirs && String(name).toLowerCase().startsWith(RESERVED_PREFIX))
      return `holds ${String(type)} ${String(name)}`;
  }
  const parents = db
    .prepare<[], { readonly child: string; readonly parent: string }>(
      `select t.name as child, f."table" as parent from sqlite_schema t, pragma_foreign_key_list(t.name) f
       where t.type = 'table'`,
    )
    .all();
  const wrong = parents.find(({ child, parent }) => !isOwnObject(child) && isOwnObject(parent));
  return wrong === undefined
    ? undefined
    : `holds a foreign key from ${wrong.child} to ${wrong.parent}, which is Pawl's`;
}

function isVirtual(sql: unknown): boolean {
  return typeof sql !== 'string' || !/^create table/i.test(sql);
}
