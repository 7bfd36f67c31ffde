import { expect, test, vi } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf } from './pawl.fixture.ts';

vi.setConfig({ testTimeout: 600_000 });

/**
 * A process in the shape that coding agents drive: plan, then rounds of parallel work, review and repair until it is
 * good, an approval, and a release in steps. 32 external tasks of four kinds, and nothing of it runs in the program.
 */
const SHIP = `
import { defineTask, externalTask, type Context } from '@pawl/sdk';

const agent = defineTask<{ role: string; what: string }, any>('agent', ({ role, what }, task) => ({
  kind: 'agent',
  title: role + ': ' + what,
  labels: task.labels,
  agent: { name: role, prompt: { role, task: what }, outputSchema: { type: 'object' } },
  io: { inputJsonPath: 'tasks/' + task.effectId + '/input.json' },
}));
const shell = defineTask<{ command: string }, { stdout: string }>('shell', ({ command }) => ({
  kind: 'shell',
  title: command,
  shell: { command },
}));
const sign = externalTask<{ what: string }, { approved: boolean; feedback?: string }>({
  name: 'sign',
  kind: 'breakpoint',
  title: ({ what }) => 'Approve ' + what,
});

export async function process({ parts }: { parts: string[] }, ctx: Context) {
  const plan = await ctx.task(agent, { role: 'planner', what: parts.join(' ') }, { labels: ['plan'] });
  const log: string[] = [];
  for (let round = 1; ; round += 1) {
    const built = await ctx.parallel.map(plan.parts as string[], async (part) => {
      const code = await ctx.task(agent, { role: 'coder', what: part + '@' + round });
      const tested = await ctx.task(shell, { command: 'test ' + part });
      return code.text + '/' + tested.stdout;
    });
    const [quality, security] = await ctx.parallel.all([
      () => ctx.task(agent, { role: 'reviewer', what: 'round ' + round }),
      () => ctx.task(agent, { role: 'security', what: 'round ' + round }),
    ]);
    log.push(built.join(',') + ':' + quality.score + security.score);
    if (quality.score + security.score >= 9) break;
  }
  let asked = 0;
  for (;;) {
    const said = await ctx.task(sign, { what: 'release ' + ++asked });
    if (said.approved) break;
    await ctx.task(agent, { role: 'writer', what: said.feedback ?? '' });
  }
  const released = await ctx.parallel.race([
    () => ctx.task(shell, { command: 'release fast' }),
    () => ctx.task(shell, { command: 'release slow' }),
  ]);
  return { log, asked, released: released.stdout };
}
`;

interface Task {
  readonly id: string;
  readonly key: string;
  readonly kind: string;
  readonly status: string;
  readonly description: { readonly title: string };
}

/** What the agent outside makes of a task; undefined for one that it never does. */
function answerTo({ description: { title } }: Task): unknown {
  const round = Number(/round (\d)/.exec(title)?.[1] ?? 0);
  if (title.startsWith('planner')) return { parts: ['a', 'b', 'c'] };
  if (title.startsWith('coder')) return { text: title.slice('coder: '.length) };
  if (title.startsWith('reviewer')) return { score: round * 2 };
  if (title.startsWith('security')) return { score: round };
  if (title.startsWith('Approve'))
    return title.endsWith('3') ? { approved: true } : { approved: false, feedback: 'more' };
  if (title.startsWith('writer')) return {};
  if (title === 'release slow') return undefined;
  return { stdout: title };
}

const EXPECTED = {
  log: [1, 2, 3].map(
    (round) =>
      `${['a', 'b', 'c'].map((part) => `${part}@${round}/test ${part}`).join(',')}:${round * 2}${round}`,
  ),
  asked: 3,
  released: 'release fast',
};

/** Repeatable: which command dies, and when, is drawn from it. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('an agent outside drives 32 tasks by commands alone, of which any may be killed at any moment', async () => {
  using folder = new Folder();
  folder.write('ship.ts', SHIP);
  const random = randomFrom(20_261_128);
  let kills = 0;

  /** Runs a command, or kills it somewhere on its way: whoever drives it tries the same again. */
  const command = async (
    ...args: readonly string[]
  ): Promise<{ code: number | null; stdout: string } | undefined> => {
    const pawl = folder.start(args);
    if (random() < 0.3) {
      const after = random() * 500;
      const timer = setTimeout(() => pawl.child.kill('SIGKILL'), after);
      const { signal, code, stdout } = await pawl.ended;
      clearTimeout(timer);
      if (signal === null) return { code, stdout };
      kills += 1;
      return undefined;
    }
    return await pawl.ended;
  };
  const insist = async (...args: readonly string[]): Promise<{ code: number | null; stdout: string }> => {
    for (;;) {
      const ended = await command(...args);
      if (ended !== undefined) return ended;
    }
  };

  const start = ['run', 'ship.ts', '--id', 'ship', '-i', '{"parts":["x"]}', '--external', '--json'];
  let drive = await insist(...start);
  const answered = new Set<string>();
  for (let step = 0; drive.code === 13; step += 1) {
    expect(step).toBeLessThan(60);
    const listed = await folder.pawl('tasks', 'ship', '--pending', '--json');
    const pending = (documentOf(listed.stdout)['tasks'] as Task[]).filter(({ status }) => status === 'open');
    const doing = pending.filter((task) => answerTo(task) !== undefined);
    expect(doing.length).toBeGreaterThan(0);
    for (const task of doing) {
      answered.add(task.id);
      const answer = JSON.stringify(answerTo(task));
      // The same key again after a kill: it counts once, whether or not the first one got through.
      const done = await insist(
        'task',
        'complete',
        task.id,
        '-v',
        answer,
        '--idempotency-key',
        `k-${step}`,
        '--json',
      );
      expect(documentOf(done.stdout)['status']).toMatch(/accepted|duplicate/);
      // Now and then the run goes on before all of them are answered.
      if (random() < 0.1) break;
    }
    drive = await insist('resume', 'ship', '--external', '--json');
  }
  expect(drive.code, drive.stdout).toBe(0);
  expect(documentOf(drive.stdout)['output']).toEqual(EXPECTED);
  const all = documentOf((await folder.pawl('tasks', 'ship', '--json')).stdout)['tasks'] as Task[];
  expect(all.map(({ status }) => status).toSorted()).toEqual([
    'cancelled',
    ...all.slice(1).map(() => 'succeeded'),
  ]);
  expect(answered.size).toBe(all.length - 1);
  expect(all.length).toBe(32);
  expect(kills).toBeGreaterThan(0);
  expect((await folder.pawl('verify')).code).toBe(0);
});
