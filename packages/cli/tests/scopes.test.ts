import { expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf } from './pawl.fixture.ts';

const MODULE = `
import { appendFileSync } from 'node:fs';
import { defineTask, type Context } from '@pawl/sdk';

const note = defineTask({ name: 'note', run: (text: string) => appendFileSync('effects.log', text + '\\n') });

export const process = async (_: null, ctx: Context) =>
  ctx.scope(async (scope) => {
    scope.onExit(note, 'closed');
    scope.compensate(note, 'taken back');
    await ctx.task(note, 'done');
    return await ctx.receive('answer');
  });
`;

async function waiting(): Promise<Folder> {
  const folder = new Folder();
  folder.write('scoped.ts', MODULE);
  expect(await folder.pawl('run', 'scoped.ts', '-i', 'null', '--id', 'one')).toMatchObject({ code: 13 });
  return folder;
}

test('a run that nobody drives and that has to clean up: pawl cancel says so, and pawl resume does it', async () => {
  using folder = await waiting();
  const cancelled = await folder.pawl('cancel', 'one', '-r', 'no more');
  expect(cancelled).toMatchObject({
    code: 0,
    stdout: 'one was asked to stop: its scopes have to be cleaned up, which takes its code\n',
    stderr: 'do it with: pawl resume one\n',
  });
  expect(folder.effects()).toEqual(['done']);
  const { stdout: shown } = await folder.pawl('show', 'one');
  expect(shown).toContain('cancel asked for');
  expect(shown).toMatch(/pawl resume one +cleans up, and ends it/);
  expect(shown).not.toContain('pawl send');
  const { runs } = documentOf((await folder.pawl('list', '--status', 'cancelling', '--json')).stdout);
  expect(runs).toMatchObject([{ id: 'one', status: 'cancelling' }]);
  expect((await folder.pawl('waiting')).stdout).not.toContain('one');
  const resumed = await folder.pawl('resume', 'one');
  expect(resumed).toMatchObject({ code: 12 });
  expect(resumed.stderr).toContain('no more');
  expect(folder.effects()).toEqual(['done', 'taken back', 'closed']);
  const { run } = documentOf((await folder.pawl('show', 'one', '--json')).stdout) as {
    run: { calls: unknown[] };
  };
  expect(run.calls).toMatchObject([
    {
      kind: 'group',
      mode: 'scope',
      branches: [
        { calls: [{ key: '0/0/2' }, { kind: 'wait', status: 'cancelled' }] },
        { path: '0/exit', calls: [{ key: '0/exit/0', status: 'succeeded' }, { key: '0/exit/1' }] },
      ],
    },
  ]);
  expect((await folder.pawl('show', 'one')).stdout).toContain('at its end');
});

test('by force it is cancelled at once, and nothing is cleaned up', async () => {
  using folder = await waiting();
  const cancelled = await folder.pawl('cancel', 'one', '--force', '--json');
  expect(documentOf(cancelled.stdout)).toMatchObject({ result: 'cancelled' });
  expect(folder.effects()).toEqual(['done']);
  expect((await folder.pawl('events', 'one')).stdout).toContain('CancelForced');
  expect((await folder.pawl('verify')).code).toBe(0);
});
