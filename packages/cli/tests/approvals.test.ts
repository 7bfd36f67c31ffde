import { afterAll, beforeAll, expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf } from './pawl.fixture.ts';

/* People answer by the command line what runs ask them. */

const ASKS = `
import type { Context } from '@pawl/sdk';

export async function process(inputs: { many?: boolean } | null, ctx: Context) {
  const ask = (title: string) =>
    ctx.breakpoint(
      {
        title,
        question: \`\${title} to production?\`,
        context: { version: 7 },
        options: ['now', 'tonight'],
        strategy: 'quorum',
        quorum: 2,
        experts: ['ada', 'grace', 'lin'],
        tags: ['prod'],
      },
      { timeout: '2d', onTimeout: 'reject' },
    );
  if (inputs?.many !== true) return ask('Deploy');
  return (await ctx.parallel.all([() => ask('Deploy'), () => ask('Migrate')])).map(({ approved }) => approved);
}
`;

const HEARS = `
import { defineTask, type Context } from '@pawl/sdk';

const logIn = defineTask({ name: 'log-in', run: async (_: null, task) => 'with ' + (await task.receive('code')) });

export const process = (_: unknown, ctx: Context) => ctx.task(logIn, null);
`;

const CHAIN = `
import type { Context } from '@pawl/sdk';

export async function process(_: unknown, ctx: Context) {
  const staging = await ctx.breakpoint({ title: 'Delete staging', question: 'Delete staging?' });
  const prod = await ctx.breakpoint({ title: 'Delete prod', question: 'Delete prod?' });
  return [staging.approved, prod.approved];
}
`;

const folder = new Folder();
beforeAll(() => {
  folder.write('asks.ts', ASKS);
  folder.write('hears.ts', HEARS);
  folder.write('chain.ts', CHAIN);
});
afterAll(() => folder[Symbol.dispose]());

test('a run that waits for people says what it asks, and how to answer', async () => {
  const hook = ['--notify', 'cat >> told.jsonl'];
  const { code, stderr } = await folder.pawl('run', 'asks.ts', '--id', 'one', ...hook);
  expect(code).toBe(13);
  // Told before it left, and once.
  const env = { PAWL_NOTIFY: 'cat >> told.jsonl' };
  expect((await folder.start(['resume', 'one'], { env }).ended).code).toBe(13);
  expect(documentOf(folder.read('told.jsonl'))).toMatchObject({
    runId: 'one',
    process: 'asks',
    key: '0',
    prompt: 'Deploy to production?',
    breakpoint: { options: ['now', 'tonight'], experts: ['ada', 'grace', 'lin'] },
  });
  expect(stderr).toContain('Run one waits for an answer to: Deploy to production? (call 0)');
  expect(stderr).toContain('pawl approve one 0');
  const { stdout } = await folder.pawl('waiting');
  expect(stdout).toMatch(/^\? Deploy to production\?\n {2}run +one {2}asks\n {2}call +0 {2}Deploy\n/);
  expect(stdout).toMatch(/^ {2}for +ada, grace, lin · 2 have to approve$/m);
  expect(stdout).toMatch(/^ {2}options +now \| tonight$/m);
  expect(stdout).toMatch(/^ {2}gives up +in (1d|47h|2d)/m);
  expect(stdout).toMatch(/^ {2}context +\{ version: 7 \}$/m);
  expect(stdout).toMatch(/^ {2}answer +pawl approve one 0 {3}\(or pawl reject\)$/m);
  expect((await folder.pawl('list')).stdout).toContain('waiting');
});

test('answers: who may not, what is none, a second one, and the one that decides', async () => {
  const refused = await folder.pawl('approve', 'one', '--as', 'eve');
  expect([refused.code, refused.stdout]).toEqual([
    11,
    "'Deploy' of one: the answer was not taken: only these are asked: ada, grace, lin\n",
  ]);
  const bad = await folder.pawl('approve', 'one', '--as', 'ada', '--option', 'never', '--json');
  expect(bad.code).toBe(11);
  expect(documentOf(bad.stdout)).toMatchObject({ status: 'invalid', issues: [{ path: '$.option' }] });
  const first = await folder.pawl('reject', 'one', '0', '--as', 'lin', '--feedback', 'too late', '--json');
  expect(first.code).toBe(0);
  expect(documentOf(first.stdout)).toMatchObject({
    runId: 'one',
    key: '0',
    approved: false,
    by: 'lin',
    status: 'accepted',
    isDriven: false,
  });
  const again = await folder.pawl('approve', 'one', 'Deploy', '--as', 'lin');
  expect([again.code, again.stdout]).toEqual([
    0,
    "'Deploy' of one: lin has answered before, and that counts\n",
  ]);
  expect(again.stderr).toContain('go on with: pawl resume one');
  expect((await folder.pawl('resume', 'one')).code).toBe(13);
  expect(documentOf((await folder.pawl('waiting', '--json')).stdout)).toMatchObject({
    waits: [
      {
        runId: 'one',
        kind: 'breakpoint',
        key: '0',
        name: 'Deploy',
        breakpoint: { quorum: 2, answers: [{ by: 'lin', approved: false, feedback: 'too late' }] },
      },
    ],
  });
  const nothing = await folder.pawl('send', 'one', 'Deploy', 'true');
  expect(nothing.code).toBe(0);
  await folder.pawl('approve', 'one', '--as', 'ada', '-o', 'tonight', '--response', '{"at":21}');
  await folder.start(['approve', 'one', '-o', 'tonight'], { env: { USER: 'grace' } }).ended;
  const { code, stdout } = await folder.pawl('resume', 'one', '--json');
  expect(code).toBe(0);
  expect(documentOf(stdout)['output']).toEqual({
    approved: true,
    option: 'tonight',
    response: 'tonight',
    feedback: null,
    respondedBy: 'grace',
    allResponses: [
      { respondedBy: 'lin', approved: false, option: null, feedback: 'too late', response: 'too late' },
      { respondedBy: 'ada', approved: true, option: 'tonight', feedback: null, response: { at: 21 } },
      { respondedBy: 'grace', approved: true, option: 'tonight', feedback: null, response: 'tonight' },
    ],
  });
});

test('a run that has ended asks nothing any more, and one that asks several is asked which', async () => {
  const ended = await folder.pawl('approve', 'one');
  expect([ended.code, ended.stdout]).toEqual([
    11,
    "'Deploy' of one: it was decided before, or the run has ended; nothing was sent\n",
  ]);
  expect((await folder.pawl('approve', 'nobody')).code).toBe(4);
  expect((await folder.pawl('run', 'asks.ts', '--id', 'two', '-i', '{"many":true}')).code).toBe(13);
  const which = await folder.pawl('approve', 'two', '--as', 'ada');
  expect(which.code).toBe(2);
  expect(which.stderr).toContain('0/0/0 (Deploy), 0/1/0 (Migrate)');
  expect((await folder.pawl('approve', 'two', 'Nothing', '--as', 'ada')).code).toBe(4);
  for (const who of ['ada', 'lin'])
    for (const what of ['Deploy', '0/1/0'])
      expect(
        (await folder.pawl(what === 'Deploy' ? 'approve' : 'reject', 'two', what, '--as', who)).code,
      ).toBe(0);
  expect((await folder.pawl('resume', 'two')).stdout).toBe('[\n  true,\n  false\n]\n');
  expect((await folder.pawl('show', 'two')).stdout).toMatch(/rejected by lin/);
});

test('an answer that waits in the inbox decides: later ones are told so, and lists too', async () => {
  expect((await folder.pawl('run', 'chain.ts', '--id', 'r3')).code).toBe(13);
  expect((await folder.pawl('approve', 'r3', '--as', 'ada')).stdout).toContain('approved by ada');
  const late = await folder.pawl('reject', 'r3', '--as', 'bob', '--feedback', 'no', '--json');
  expect([late.code, documentOf(late.stdout)['status']]).toEqual([11, 'closed']);
  expect((await folder.pawl('approve', 'r3', '--as', 'ada')).stdout).toContain('ada has answered before');
  const waiting = (await folder.pawl('waiting', 'r3')).stdout;
  expect(waiting).toMatch(/^ {2}answered +ada approved: approved, its run takes it next$/m);
  expect(waiting).toMatch(/^ {2}go on +pawl resume r3$/m);
  expect(waiting).not.toContain('pawl approve');
  expect(documentOf((await folder.pawl('waiting', 'r3', '--json')).stdout)).toMatchObject({
    waits: [{ breakpoint: { decided: 'approved', answers: [{ by: 'ada', approved: true, at: null }] } }],
  });
  const shown = (await folder.pawl('show', 'r3')).stdout;
  expect(shown).toContain('answered: it goes on when it is resumed');
  expect(shown).not.toContain('pawl approve');

  // What ada said was to the first question, however often she says it.
  expect((await folder.pawl('resume', 'r3')).code).toBe(13);
  const again = await folder.pawl('approve', 'r3', '--as', 'ada');
  expect([again.code, again.stdout]).toEqual([2, '']);
  expect(again.stderr).toContain('Run r3 has asked before, so say what you answer: 1 (Delete prod)');
  expect(again.stderr).toContain('pawl approve r3 1');
  for (const named of ['0', 'Delete staging']) {
    const decided = await folder.pawl('reject', 'r3', named, '--as', 'bob');
    expect([decided.code, decided.stdout]).toEqual([11, expect.stringContaining('it was decided before')]);
  }
  expect((await folder.pawl('waiting', 'r3')).stdout).toContain('pawl approve r3 1');
  expect((await folder.pawl('reject', 'r3', '1', '--as', 'ada')).code).toBe(0);
  expect((await folder.pawl('resume', 'r3')).stdout).toBe('[\n  true,\n  false\n]\n');
});

test('a task that waits for a message is waited for like a person', async () => {
  const { code, stderr } = await folder.pawl('run', 'hears.ts', '--id', 'login');
  expect(code).toBe(13);
  expect(stderr).toContain("Run login waits for message 'code', which task 'log-in' wants (call 0)");
  expect((await folder.pawl('list', '-s', 'waiting', '-o', 'ids')).stdout).toBe('login\n');
  const { stdout } = await folder.pawl('waiting', 'login');
  expect(stdout).toMatch(/^\? a task waits for message 'code'\n/);
  expect(stdout).toMatch(/^ {2}answer +pawl send login code <json>$/m);
  expect((await folder.pawl('show', 'login')).stdout).toContain("waits for message 'code'");
  expect((await folder.pawl('send', 'login', 'code', '"0000"')).code).toBe(0);
  expect((await folder.pawl('resume', 'login')).stdout).toBe('with 0000\n');
  expect((await folder.pawl('waiting')).stdout).toBe('nothing waits\n');
});

test('the inbox wants a terminal', async () => {
  const { code, stderr } = await folder.pawl('inbox');
  expect(code).toBe(2);
  expect(stderr).toContain('pawl waiting');
});
