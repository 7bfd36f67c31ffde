import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openJournal } from '@pawl/runtime';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { createUiApp } from '../../../cli/src/serve/ui-app.ts';
import { PageDoor } from '../../../cli/src/serve/page-door.ts';
import { fillJournal, type Filled } from './large-journal.ts';

/* What the server of the page asks SQLite for, each statement as it was sent, and how SQLite goes about it. */

const folder = mkdtempSync(join(tmpdir(), 'pawl-plans-'));
const path = join(folder, 'journal.db');
const TOKEN = 'a-token-for-tests';

/** Walks all of an index that has nothing but statuses: the counts beside them. */
const COUNTS = 'select status, count(*) as count from runs group by status';

const sent = new Set<string>();
type Method = (this: unknown, ...values: unknown[]) => unknown;
const prototype = Database.prototype as unknown as { prepare: Method };
const { prepare } = prototype;

let app: ReturnType<typeof createUiApp>;
let filled: Filled;
const reader = { close: (): void => undefined };

beforeAll(async () => {
  filled = await fillJournal(path, { runs: 120, events: 2400 }, () => undefined);
  prototype.prepare = function prepareNoted(source, ...more) {
    const statement = prepare.call(this, source, ...more) as Record<string, Method>;
    for (const name of ['get', 'all', 'iterate']) {
      const method = statement[name];
      if (method === undefined) continue;
      Object.defineProperty(statement, name, {
        value: (...values: unknown[]) => {
          sent.add(String(source));
          return method.apply(statement, values);
        },
      });
    }
    return statement;
  };
  const opened = openJournal({ path });
  reader.close = () => opened.close();
  app = createUiApp({
    reader: opened,
    runtime: undefined,
    closing: new AbortController().signal,
    cwd: folder,
    env: {},
    flags: [],
    journal: path,
    user: 'ada',
    hosts: ['localhost'],
    token: TOKEN,
    maxBodyBytes: 1000,
    page: new PageDoor("default-src 'none'", TOKEN),
  });
});

afterAll(() => {
  prototype.prepare = prepare;
  reader.close();
  rmSync(folder, { recursive: true, force: true });
});

async function ask(url: string): Promise<number> {
  const headers = { host: 'localhost', authorization: `Bearer ${TOKEN}` };
  return (await app.request(`http://localhost/api${url}`, { headers })).status;
}

function plansOf(sql: string): string[] {
  using db = Object.assign(new Database(path, { readonly: true }), {
    [Symbol.dispose](this: Database.Database) {
      this.close();
    },
  });
  const marks = Array.from({ length: sql.split('?').length - 1 }, () => 1);
  const names = Object.fromEntries([...sql.matchAll(/[@:$](\w+)/g)].map(([, name = '']) => [name, 1]));
  const statement = prepare.call(db, `explain query plan ${sql}`) as Database.Statement<unknown[]>;
  const rows = Object.keys(names).length > 0 ? statement.all(names) : statement.all(...marks);
  return (rows as { readonly detail: string }[]).map(({ detail }) => detail);
}

test('no view walks all runs or all events, but for the counts, which have an index of their own', async () => {
  const [run, deep] = ['run-0000001', filled.deep.id];
  const urls = [
    '/about',
    '/counts',
    '/runs?limit=50',
    '/runs?limit=50&before=run-0000060',
    '/runs?status=failed',
    '/runs?status=waiting&process=order',
    '/runs?text=nothing',
    '/waits',
    '/pools',
    '/queue',
    '/schedules',
    ...[run, deep, 'run-0000020'].flatMap((id) => [
      `/runs/${id}`,
      `/runs/${id}?all=1`,
      `/runs/${id}/events?after=5`,
      `/runs/${id}/events/3`,
      `/runs/${id}/call?key=0`,
      `/runs/${id}/value?part=input`,
      `/runs/${id}/plan?at=0`,
    ]),
  ];
  for (const url of urls) expect([url, await ask(url)]).toEqual([url, 200]);
  expect(sent.size).toBeGreaterThan(8);
  const walks = [...sent]
    .filter((sql) => /^\s*(select|with)/i.test(sql))
    .flatMap((sql) => plansOf(sql).map((detail) => ({ sql, detail })))
    .filter(({ detail }) => /^SCAN (runs|events|e|r)\b/.test(detail));
  expect(walks).toEqual([{ sql: COUNTS, detail: 'SCAN runs USING COVERING INDEX runs_by_status' }]);
});
