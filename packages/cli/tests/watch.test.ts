import { expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf, HELLO, STEPS, until } from './pawl.fixture.ts';

// Runs that are followed while another program drives them, or none yet.

test('show --watch in a pipe: where it stands, a line for each change, and the end', async () => {
  using folder = new Folder();
  folder.write('steps.ts', STEPS);
  const run = folder.start(['run', 'steps.ts', '--id', 'one']);
  await until(() => folder.effects().includes('start 2'));
  const watch = folder.start(['show', 'one', '--watch']);
  await until(() => watch.stdout.includes('\n'));
  folder.write('go', '');
  const { code, stdout, stderr } = await watch.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/[\d.]+m?s/, 'TIME')),
  ).toEqual([
    '● steps  running for TIME · tasks: 1 done, 1 under way  one',
    '✓ step (1) TIME',
    '✓ step (2) TIME',
    '✓ steps  succeeded after TIME · tasks: 3 done  one',
  ]);
  expect((await run.ended).code).toBe(0);
  // What has ended is shown as it always is.
  expect((await folder.pawl('show', 'one', '-w')).stdout).toBe((await folder.pawl('show', 'one')).stdout);
});

test('Ctrl-C ends the watching, and not the run', async () => {
  using folder = new Folder();
  folder.write('steps.ts', STEPS);
  const run = folder.start(['run', 'steps.ts', '--id', 'one']);
  await until(() => folder.effects().includes('start 2'));
  const watch = folder.start(['show', 'one', '--watch']);
  const events = folder.start(['events', 'one', '--follow', '--json']);
  await until(() => watch.stdout !== '' && events.stdout.includes('TaskSucceeded'));
  watch.child.kill('SIGINT');
  events.child.kill('SIGTERM');
  expect(await watch.ended).toMatchObject({ code: 130, signal: null, stderr: '' });
  const ended = await events.ended;
  expect(ended).toMatchObject({ code: 143, signal: null, stderr: '' });
  // No half line of it went out.
  for (const line of ended.stdout.trimEnd().split('\n')) documentOf(line);
  folder.write('go', '');
  expect(await run.ended).toMatchObject({ code: 0, stdout: '60\n' });
});

test('what has not begun is waited for, and a run is followed to the last that it continues as', async () => {
  using folder = new Folder();
  folder.write(
    'pages.ts',
    `export const process = async (page: number, ctx) =>
      page < 3 ? ctx.continueAsNew(page + 1) : page;`,
  );
  folder.write('hello.ts', HELLO);
  expect((await folder.pawl('enqueue', 'pages.ts', '--id', 'pages', '-i', '1')).code).toBe(0);
  const watch = folder.start(['show', 'pages', '--watch']);
  const events = folder.start(['events', 'pages', '--follow']);
  await until(() => watch.stdout.includes('waits for'));
  const work = folder.start(['work']);
  const { stdout } = await watch.ended;
  expect(stdout.match(/^✓ pages\n|^. pages +\S+/gm)?.at(-1)).toMatch(/✓ pages/);
  expect(stdout).toContain('pages~3');
  const told = (await events.ended).stdout.trimEnd().split('\n');
  expect(told.map((line) => /→ .*|RunContinued|RunSucceeded/.exec(line)?.[0]).filter(Boolean)).toEqual([
    'RunContinued',
    '→ pages~2',
    'RunContinued',
    '→ pages~3',
    'RunSucceeded',
  ]);
  work.child.kill('SIGTERM');
  await work.ended;
});
