import { copyFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf, STEPS, until } from './pawl.fixture.ts';

// What doctor finds in journals to which something happened; each finding has the next command.

interface Check {
  readonly name: string;
  readonly level: string;
  readonly text: string;
  readonly hint?: string;
}

async function notes(folder: Folder, ...flags: readonly string[]): Promise<Check[]> {
  const { code, stdout } = await folder.pawl('doctor', '--json', ...flags);
  expect(code).toBe(0);
  const { checks } = documentOf(stdout) as { checks: Check[] };
  const found = checks.filter(({ level }) => level !== 'ok');
  for (const { hint } of found) expect(hint).toMatch(/\S/);
  return found;
}

test('a program that died, a clock that was set, and a long log', async () => {
  using folder = new Folder();
  folder.write('steps.ts', STEPS);
  const run = folder.start(['run', 'steps.ts', '--id', 'one']);
  await until(() => folder.effects().includes('start 2'));
  run.child.kill('SIGKILL');
  await run.ended;
  expect(await notes(folder)).toMatchObject([
    { name: 'leases', text: '1 run still claimed by programs that are gone', hint: 'pawl resume --all' },
    { name: 'runs', text: '1 run interrupted' },
  ]);
  folder.write('go', '');
  expect((await folder.pawl('resume', 'one')).code).toBe(0);
  expect((await folder.pawl('run', 'steps.ts', '--id', 'two')).code).toBe(0);
  expect(await notes(folder)).toEqual([]);

  const path = join(folder.path, '.pawl/journal.db');
  const change = (sql: string): void => {
    const db = new DatabaseSync(path);
    db.exec(sql);
    db.close();
  };
  change(`update runs set started_at = started_at - 7200000 where run_id = 'two'`);
  expect(await notes(folder)).toMatchObject([
    { name: 'clock', text: expect.stringContaining('between the starts of one and two') },
  ]);
  change(`update runs set updated_at = updated_at + 7200000 where run_id = 'two'`);
  expect(await notes(folder)).toMatchObject([
    { name: 'clock', text: expect.stringContaining('later than now') },
  ]);
  change(
    `update runs set updated_at = updated_at - 7200000, started_at = started_at + 7200000 where run_id = 'two'`,
  );

  writeFileSync(`${path}-wal`, '');
  truncateSync(`${path}-wal`, 70 * 1024 * 1024);
  expect(await notes(folder)).toMatchObject([{ name: 'log', text: expect.stringContaining('70.0 MB') }]);
});

test('a journal of an older format is told, and stays as it is', async () => {
  using folder = new Folder();
  copyFileSync(
    join(import.meta.dirname, '../../../journal-fixtures/0.1.0/journal.db'),
    join(folder.path, 'old.db'),
  );
  const found = await notes(folder, '--db', 'old.db');
  expect(found.map(({ name }) => name)).toContain('journal');
  expect(found.find(({ text }) => text.startsWith('its format is 8'))?.hint).toContain(
    'cp old.db old.db.old',
  );
});
