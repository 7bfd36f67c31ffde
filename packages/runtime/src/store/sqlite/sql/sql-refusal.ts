/** Where in the text of a query what SQLite says is, and what may have been meant. */
import type { Database } from 'better-sqlite3';

import { nearest } from '../../../views/nearest.ts';
import type { SqlRefusal } from './sql-answer.ts';
import { VIEWS } from './views.ts';

interface Token {
  readonly text: string;
  readonly offset: number;
}

const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|("(?:[^"]|"")*"|'(?:[^']|'')*'|`(?:[^`]|``)*`|\[[^\]]*\]|[\p{L}_][\p{L}\p{N}_$]*|[^\s])/gu;

/** Without comments and room. */
export function* tokensOf(sql: string): Generator<Token, void, void> {
  for (const match of sql.matchAll(TOKEN))
    if (match[1] !== undefined) yield { text: match[1], offset: match.index };
}

const NOWHERE = { offset: null, length: 0, nearest: [] } as const;

/** @param message what SQLite says of a statement that it does not compile */
export function refusalOf(db: Database, sql: string, message: string): SqlRefusal {
  const near = /^near "([\s\S]+)": syntax error$/.exec(message)?.[1];
  if (near !== undefined) return { ...NOWHERE, message, ...syntaxPlace(db, sql, near) };
  const [, what, name = ''] = /^no such (column|table|function): ([\s\S]+)$/.exec(message) ?? [];
  if (what === undefined)
    return message === 'incomplete input'
      ? {
          ...NOWHERE,
          message: 'the statement goes on, and the text ends here',
          offset: sql.trimEnd().length,
          length: 1,
        }
      : { ...NOWHERE, message };
  const known = what === 'table' ? VIEWS.map((view) => view.name) : what === 'column' ? columnsFor(sql) : [];
  const plain = name.slice(name.lastIndexOf('.') + 1);
  return { message, ...namePlace(sql, name), nearest: nearest(plain.toLowerCase(), known) };
}

/** The same word may stand there often: it is the first one with which the text as far as that is wrong already. */
function syntaxPlace(db: Database, sql: string, near: string): Pick<SqlRefusal, 'offset' | 'length'> {
  for (let at = sql.indexOf(near); at !== -1; at = sql.indexOf(near, at + 1)) {
    try {
      db.prepare(sql.slice(0, at + near.length));
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('near "'))
        return { offset: at, length: near.length };
    }
  }
  return NOWHERE;
}

function namePlace(sql: string, name: string): Pick<SqlRefusal, 'offset' | 'length'> {
  const parts = name.toLowerCase().split('.');
  const tokens = [...tokensOf(sql)];
  for (const [index, { offset }] of tokens.entries()) {
    const found = tokens.slice(index, index + parts.length * 2 - 1).map(({ text }) => bare(text));
    if (found.join('') === parts.join('.')) return { offset, length: name.length };
  }
  return NOWHERE;
}

function bare(token: string): string {
  const text = /^["`[]/.test(token) ? token.slice(1, -1) : token;
  return text.toLowerCase();
}

/** Of the views that the text names, or of all. */
function columnsFor(sql: string): readonly string[] {
  const words = new Set([...tokensOf(sql)].map(({ text }) => bare(text)));
  const named = VIEWS.filter(({ name }) => words.has(name));
  return [
    ...new Set(
      (named.length === 0 ? VIEWS : named).flatMap(({ columns }) => columns.map(({ name }) => name)),
    ),
  ];
}
