import { afterAll, beforeAll, expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf, HELLO, until } from './pawl.fixture.ts';

const folder = new Folder();

beforeAll(async () => {
  folder.write('hello.ts', HELLO);
  expect((await folder.pawl('run', 'hello.ts', '--id', 'one', '-i', '{"name":"A, \\"B\\""}')).code).toBe(0);
  expect((await folder.pawl('run', 'hello.ts', '--id', 'two', '-i', '{"name":""}')).code).toBe(0);
});

afterAll(() => folder[Symbol.dispose]());

const QUERY = 'select run_id, input as in_, error, last_seq from runs order by run_id';

test('a table, CSV and JSON', async () => {
  expect((await folder.pawl('sql', QUERY)).stdout.split('\n').map((line) => line.trimEnd())).toEqual([
    'run_id  in_                  error  last_seq',
    'one     {"name":"A, \\"B\\""}  -             5',
    'two     {"name":""}          -             5',
    '',
  ]);
  expect(
    (await folder.pawl('sql', `select 1 as a, '' as b, null as c, 'x"y' || char(10) as d`, '--csv')).stdout,
  ).toBe('a,b,c,d\r\n1,"",,"x""y\n"\r\n');
  expect(documentOf((await folder.pawl('sql', 'select 1 as a, 2 as a', '--json')).stdout)).toEqual({
    version: 1,
    columns: ['a', 'a:2'],
    rows: [{ a: 1, 'a:2': 2 }],
    hasMore: false,
  });
  const cut = await folder.pawl('sql', 'select seq from events', '-n', '2', '--csv');
  expect(cut.stdout).toBe('seq\r\n1\r\n2\r\n');
  expect(cut.stderr).toContain('more with --rows 20');
});

test('what is wrong is shown in the text, and nothing runs for ever', async () => {
  const wrong = await folder.start(['sql', '-'], { stdin: 'select run_id,\n  statsu from runs' }).ended;
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain(
    'no such column: statsu.\n      statsu from runs\n      ^^^^^^\n  → Did you mean status or state?',
  );
  expect((await folder.pawl('sql', 'delete from main.events')).code).toBe(2);
  const endless = 'with recursive c(n) as (select 1 union all select n + 1 from c) select count(*) from c';
  const late = await folder.pawl('sql', endless, '--timeout', '200ms', '--json');
  expect(late.code).toBe(11);
  expect(documentOf(late.stderr)).toMatchObject({ error: { code: 'REFUSED' } });
});

test('watched: it is asked again, and sees what came', async () => {
  const watch = folder.start(['sql', 'select count(*) as n from runs', '--json', '--watch', '100ms']);
  await until(() => watch.stdout.split('\n').length > 2);
  expect((await folder.pawl('run', 'hello.ts', '--id', 'three', '-i', '{"name":"x"}')).code).toBe(0);
  await until(() => watch.stdout.includes('[{"n":3}]'));
  watch.child.kill('SIGTERM');
  expect(watch.stdout).toMatch(/^\{"version":1,"columns":\["n"\],"rows":\[\{"n":2\}\],"hasMore":false\}\n/);
});
