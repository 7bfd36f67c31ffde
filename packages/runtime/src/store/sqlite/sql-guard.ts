/**
 * What a user's statement may do in the journal's file. It is judged by the program that SQLite makes of it, which
 * names every table and index that it opens, also by foreign keys; the text only says what kind of statement it is,
 * since some pragmas act as soon as they are compiled.
 */
import type { Database } from 'better-sqlite3';

import { RuntimeError } from '../../errors.ts';
import { isOwnObject, RESERVED_PREFIX } from './schema.ts';

/** All that is not among them is refused: also what a later SQLite brings. */
const KINDS: ReadonlySet<string> = new Set([
  'SELECT',
  'WITH',
  'VALUES',
  'INSERT',
  'REPLACE',
  'UPDATE',
  'DELETE',
  'CREATE',
  'ALTER',
  'DROP',
]);
const SCHEMA_KINDS: ReadonlySet<string> = new Set(['CREATE', 'ALTER', 'DROP']);
/**
 * A pragma that writes, and can be read from like a table: it counts our tables and keeps that for the planner. It is
 * looked for in the whole text: a name cannot be written otherwise, and a string that holds it can be a parameter.
 */
const WRITING_PRAGMA = 'pragma_optimize';
/** How much of a statement a message shows. */
const SHOWN = 120;
/** Root page of sqlite_schema. */
const SCHEMA_ROOT = 1;
/** The page's number is in a register: it is of a table that the program itself makes. */
const IS_REGISTER = 0x10;
/** Of a constraint: the whole transaction is rolled back. */
const ROLLS_BACK = 1;

const TOKEN =
  /(?:\s+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|("(?:[^"]|"")*"|'(?:[^']|'')*'|`(?:[^`]|``)*`|\[[^\]]*\]|[\p{L}_][\p{L}\p{N}_$]*|[\s\S])/gu;

/** A row of EXPLAIN. */
interface Operation {
  readonly opcode: string;
  readonly p1: number;
  readonly p2: number;
  readonly p3: number;
  readonly p5: number;
}

export interface StatementKind {
  readonly changesSchema: boolean;
  /** It looks at the schema of temporary tables, too. */
  readonly alters: boolean;
}

function refusal(sql: string, why: string, hint: string): RuntimeError {
  const shown = sql.trim().replaceAll(/\s+/g, ' ');
  const text = shown.length > SHOWN ? `${shown.slice(0, SHOWN - 1)}…` : shown;
  return new RuntimeError('REFUSED', `A transaction task may not run this statement: ${why}: ${text}`, {
    hint,
  });
}

/** The first words and names, upper case where they are not quoted; names as they are. */
function headOf(sql: string): string[] {
  const head: string[] = [];
  for (const [, token] of sql.matchAll(TOKEN)) {
    if (token === undefined) continue;
    head.push(token);
    if (head.length === 6) break;
  }
  return head;
}

function unquoted(token: string): string {
  const first = token[0] ?? '';
  if (first === '[') return token.slice(1, -1);
  return first === '"' || first === "'" || first === '`'
    ? token.slice(1, -1).replaceAll(first + first, first)
    : token;
}

/**
 * Before the statement is even compiled.
 * @throws RuntimeError REFUSED
 */
export function checkKind(sql: string): StatementKind {
  const head = headOf(sql);
  const [kind = '', second = '', third = ''] = head.map((token) => token.toUpperCase());
  if (!KINDS.has(kind))
    throw refusal(
      sql,
      'it neither reads nor changes rows or tables',
      `It takes ${[...KINDS].join(', ').toLowerCase()}; the transaction itself begins and ends with the body`,
    );
  if (sql.toLowerCase().includes(WRITING_PRAGMA))
    throw refusal(sql, `${WRITING_PRAGMA} writes, also about Pawl's tables`, 'Leave it out');
  if (!SCHEMA_KINDS.has(kind)) return { changesSchema: false, alters: false };
  const isIndex = second === 'INDEX' || (kind === 'CREATE' && second === 'UNIQUE' && third === 'INDEX');
  if (second !== 'TABLE' && (!isIndex || kind === 'ALTER'))
    throw refusal(sql, 'it is not about a table or an index', 'A journal holds tables and indexes only');
  // Its program changes the schema's text, and opens no page of the table itself.
  if (kind === 'ALTER') refuseAltered(sql, head);
  return { changesSchema: true, alters: kind === 'ALTER' };
}

function refuseAltered(sql: string, head: readonly string[]): void {
  const name = unquoted(head[3] === '.' ? (head[4] ?? '') : (head[2] ?? ''));
  if (isOwnObject(name)) throw touches(sql, name);
}

function touches(sql: string, name: string): RuntimeError {
  return refusal(
    sql,
    `it touches '${name}', which is Pawl's`,
    'Read a journal by openJournal, runtime.query or pawl events; keep what is yours in tables of your own',
  );
}

/**
 * What the statement, which compiles, would do. `params` are what it is to be run with: EXPLAIN wants as many.
 * @throws RuntimeError REFUSED; what SQLite throws
 */
export function checkProgram(
  db: Database,
  sql: string,
  params: readonly unknown[],
  kind: StatementKind,
): void {
  const program = db.prepare<unknown[], Operation>(`explain ${sql}`).all(...params);
  for (const operation of program) {
    const { opcode, p1, p2, p3, p5 } = operation;
    switch (opcode) {
      case 'OpenRead':
      case 'OpenWrite':
      case 'ReopenIdx':
        if ((p5 & IS_REGISTER) === 0) checkPage(db, sql, p2, p3, kind);
        break;
      case 'Clear':
        checkPage(db, sql, p1, p2, kind);
        break;
      case 'Destroy':
        checkPage(db, sql, p1, p3, kind);
        break;
      case 'VUpdate':
        throw refusal(sql, 'it writes to a virtual table', 'Use a table of your own');
      case 'Halt':
      case 'HaltIfNull':
        if (p1 !== 0 && p2 === ROLLS_BACK)
          throw refusal(
            sql,
            'ON CONFLICT ROLLBACK would undo what others commit with it',
            'Throw in the body instead',
          );
        break;
      case 'FkCounter':
      case 'FkIfZero':
        if (p1 !== 0)
          throw refusal(
            sql,
            'a foreign key of it is checked at the commit',
            'Declare the key without DEFERRED',
          );
        break;
    }
  }
}

function checkPage(db: Database, sql: string, root: number, database: number, kind: StatementKind): void {
  if (database !== 0 && !(kind.alters && root === SCHEMA_ROOT))
    throw refusal(sql, 'it is about another database', 'Use a table of the journal, which is not TEMP');
  if (root === SCHEMA_ROOT) return;
  const table = db
    .prepare<[number], string>('select tbl_name from sqlite_schema where rootpage = ?')
    .pluck()
    .get(root);
  if (table !== undefined && isOwnObject(table)) throw touches(sql, table);
}

/** What a body made of the schema, where it can no longer be refused before. @throws RuntimeError REFUSED */
export function refuseSchema(what: string): RuntimeError {
  return new RuntimeError('REFUSED', `A transaction task left the journal's file so that it ${what}.`, {
    hint: `Make tables and indexes only, whose names do not begin with ${RESERVED_PREFIX}`,
  });
}
