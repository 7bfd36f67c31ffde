import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openJournal, openRuntime } from '@pawl/runtime';
import { defineProcess, externalTask } from '@pawl/sdk';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { createUiApp } from '../../../cli/src/serve/ui-app.ts';
import { PageDoor } from '../../../cli/src/serve/page-door.ts';
import { fillJournal } from './large-journal.ts';

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
const reader = { close: (): void => undefined };

beforeAll(async () => {
  await fillJournal(path, { runs: 120, events: 2400 }, () => undefined);
  await askSomebody();
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

/** A run that waits for what somebody else does. */
async function askSomebody(): Promise<void> {
  const review = externalTask({ name: 'review', kind: 'agent' });
  const reviewed = defineProcess({ name: 'reviewed', run: (_: null, ctx) => ctx.task(review) });
  await using runtime = await openRuntime({ path, durability: 'normal' });
  const handle = runtime.start(reviewed, null, { id: 'reviewed' });
  handle.result().catch(() => undefined);
  while (runtime.tasks.list({}).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

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

/**
 * All that is ever walked, or sorted, and why that stays small: each is what is there now, or ends after so many
 * rows, and no more of it comes with what has run.
 */
const WALKED: Readonly<Record<string, string>> = {
  'SCAN runs USING COVERING INDEX runs_by_status': 'the counts: statuses side by side, and no row of a run',
  'SCAN (subquery-1)': 'of at most so many runs: how far down they reach',
  'SCAN CONSTANT ROW': 'no table',
  'SCAN sqlite_schema': 'tables and indexes',
  'SCAN pawl_data_keys': 'keys: one, and one more with each rotation',
  'SCAN pools': 'what code declares',
  'SCAN pool_leases': 'what living programs have of them',
  'SCAN starts': 'in the order of its key, up to a limit',
  'SCAN schedules USING INDEX sqlite_autoindex_schedules_1': 'in the order of its key, up to a limit',
  'SCAN kinds': 'kinds of external tasks, each found by its index',
};

/** Sorted, or walked in one of several ways, of which the plan does not say that it is a minimum. */
const SORTED: readonly (readonly [of: RegExp, why: string])[] = [
  [/from runs where owner is not null group by owner/, 'owners of what is under way'],
  [/from pawl_forks f .* where f\.parent =/, 'forks of one run'],
  [/from offers .* where run =/, 'what is open in one run'],
];

const NAMED = ['run-0000001', 'run-0000020', 'deep'];
const URLS = [
  '/about',
  '/counts',
  '/runs?limit=50',
  '/runs?limit=50&before=run-0000060',
  '/runs?status=failed',
  '/runs?status=waiting',
  '/runs?status=waiting&process=order',
  '/runs?text=nothing',
  '/runs?text=run-0000003',
  '/runs?within=1h&to=2100-01-01',
  '/runs?process=order&where=region=region-1',
  '/runs?where=region=region-1&status=failed',
  '/processes',
  '/waits',
  '/workers',
  '/pools',
  '/queue',
  '/schedules',
  '/graph?process=order',
  '/runs/run-0000001/compare/run-0000002',
  '/runs/reviewed',
  ...NAMED.flatMap((id) => [
    `/runs/${id}`,
    `/runs/${id}?all=1`,
    `/runs/${id}/events?after=5`,
    `/runs/${id}/events/3`,
    `/runs/${id}/call?key=0`,
    `/runs/${id}/value?part=input`,
    `/runs/${id}/value?part=output&key=0/0/0`,
    `/runs/${id}/logs`,
    `/runs/${id}/lineage`,
    `/runs/${id}/plan?at=0`,
    `/runs/${id}/page.html`,
  ]),
];

test('each statement of the server looks something up: all that is walked or sorted is named, and stays small', async () => {
  for (const url of URLS) expect([url, await ask(url)]).toEqual([url, 200]);
  const plans = [...sent]
    .filter((sql) => /^\s*(select|with)/i.test(sql))
    .map((sql) => ({ sql: sql.replaceAll(/\s+/g, ' '), plan: plansOf(sql) }));
  expect(plans.length).toBeGreaterThan(25);
  const walked = new Set(plans.flatMap(({ plan }) => plan.filter((detail) => detail.startsWith('SCAN '))));
  expect([...walked].toSorted()).toEqual(Object.keys(WALKED).toSorted());
  const sorts = plans.filter(
    ({ sql, plan }) =>
      plan.some((detail) => detail.startsWith('USE TEMP B-TREE')) && !SORTED.some(([of]) => of.test(sql)),
  );
  expect(sorts).toEqual([]);
  // What is looked up by a number that grows with the journal stands in an index.
  const events = plans.flatMap(({ plan }) => plan.filter((detail) => /\bevents\b/.test(detail)));
  expect(new Set(events.map((detail) => detail.replace(/ \(.*/, '')))).toEqual(
    new Set(['SEARCH events USING INDEX sqlite_autoindex_events_1']),
  );
  expect(
    plans.filter(({ plan }) => plan.includes('SCAN runs USING COVERING INDEX runs_by_status')),
  ).toMatchObject([{ sql: COUNTS }]);
});
