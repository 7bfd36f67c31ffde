import { expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf, until } from './pawl.fixture.ts';

// External tasks from the command line: the loop of an agent outside, responders, and executors of the project.

const REVIEW = `
import { defineTask, externalTask, type Context } from '@pawl/sdk';

const review = defineTask<{ pr: number }, { ok: boolean }>('review', ({ pr }, task) => ({
  kind: 'agent',
  title: 'Review pull request ' + pr,
  labels: ['review', ...task.labels],
  agent: {
    name: 'reviewer',
    prompt: { task: 'Say whether it is good', context: { pr } },
    outputSchema: { type: 'object', required: ['ok'], properties: { ok: { type: 'boolean' } } },
  },
  io: { outputJsonPath: 'tasks/' + task.effectId + '/output.json' },
}));

export async function process({ prs }: { prs: number[] }, ctx: Context): Promise<number> {
  const said = await ctx.parallel.map(prs, (pr) => ctx.task(review, { pr }));
  return said.filter(({ ok }) => ok).length;
}
`;

interface Listed {
  readonly id: string;
  readonly key: string;
  readonly kind: string;
  readonly status: string;
  readonly description: { readonly title: string };
}

async function tasks(folder: Folder, ...args: readonly string[]): Promise<readonly Listed[]> {
  const { code, stdout } = await folder.pawl('tasks', ...args, '--json');
  expect(code).toBe(0);
  return documentOf(stdout)['tasks'] as readonly Listed[];
}

test('the loop of an agent outside: run, list, claim, answer, resume', async () => {
  using folder = new Folder();
  folder.write('review.ts', REVIEW);
  const run = ['run', 'review.ts', '--id', 'r', '-i', '{"prs":[1,2]}', '--external'];
  const first = await folder.pawl(...run);
  expect(first.code).toBe(13);
  expect(first.stderr).toContain("Run r waits for task 'review' (call 0/0/0), which agent does, and 1 more.");
  expect(first.stderr).toContain('pawl tasks r --pending');

  expect((await folder.pawl('waiting')).stdout).toBe(
    'external tasks that are open: 2. See them: pawl tasks\n',
  );
  const [one, two] = await tasks(folder, 'r', '--pending');
  expect(one).toMatchObject({
    kind: 'agent',
    status: 'open',
    key: '0/0/0',
    description: { title: 'Review pull request 1', labels: ['review'] },
  });
  const claimed = await folder.pawl('task', 'claim', one?.id ?? '', '--as', 'ada', '--json');
  expect(documentOf(claimed.stdout)).toMatchObject({
    status: 'claimed',
    worker: 'ada',
    task: { id: one?.id },
  });
  expect((await folder.pawl('task', 'claim', one?.id ?? '', '--as', 'bob')).code).toBe(5);
  expect(
    (await folder.pawl('task', 'complete', one?.id ?? '', '--as', 'bob', '-v', '{"ok":true}')).code,
  ).toBe(5);

  const bad = await folder.pawl(
    'task',
    'complete',
    one?.id ?? '',
    '--as',
    'ada',
    '-v',
    '{"ok":"yes"}',
    '--json',
  );
  expect(bad.code).toBe(11);
  expect(documentOf(bad.stdout)).toMatchObject({ status: 'invalid', issues: [{ path: '$.ok' }] });
  expect((await tasks(folder, 'r', '--pending')).map(({ status }) => status)).toEqual(['claimed', 'open']);

  folder.write('answer.json', '{"ok":true}');
  const answer = [
    'task',
    'complete',
    one?.id ?? '',
    '--as',
    'ada',
    '-v',
    '@answer.json',
    '--idempotency-key',
    'k',
  ];
  const taken = await folder.pawl(...answer);
  expect(taken).toMatchObject({ code: 0, stdout: `task ${one?.id}: the answer was taken\n` });
  expect(taken.stderr).toContain('go on with: pawl resume r');
  expect((await folder.pawl(...answer)).stdout).toContain('answered so before');
  expect((await folder.pawl('task', 'cancel', one?.id ?? '')).code).toBe(11);
  expect((await folder.pawl('task', 'complete', 'r.0000000000000000')).code).toBe(4);

  // With the key of the call, and what the work printed.
  folder.write('out.txt', 'looks bad\n');
  const second = await folder.pawl(
    'task',
    'complete',
    '0/1/0',
    '--run',
    'r',
    '-v',
    '{"ok":false}',
    '--stdout',
    '@out.txt',
  );
  expect(second.stdout).toContain(two?.id);
  const end = await folder.pawl('resume', 'r', '--external');
  expect(end).toMatchObject({ code: 0, stdout: '1\n' });
  expect((await tasks(folder, 'r')).map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
  expect(await tasks(folder, 'r', '--pending')).toEqual([]);
  expect((await folder.pawl('task', 'complete', one?.id ?? '')).code).toBe(11);
  expect((await folder.pawl('show', 'r')).stdout).toContain('by ada');
  expect((await folder.pawl('verify')).code).toBe(0);
});

test('a command responds: description in, answer out; what fails says why', async () => {
  using folder = new Folder();
  folder.write('review.ts', REVIEW);
  folder.write(
    'agent.js',
    `let text = '';
process.stdin.on('data', (chunk) => (text += chunk)).on('end', () => {
  const { title } = JSON.parse(text);
  const pr = Number(/\\d+$/.exec(title)[0]);
  if (pr === 3) {
    console.error('reading it\\nno such pull request');
    process.exit(1);
  }
  console.log(JSON.stringify({ ok: pr % 2 === 1, task: process.env.PAWL_TASK, schema: JSON.parse(process.env.PAWL_OUTPUT_SCHEMA).type }));
});`,
  );
  expect(
    (await folder.pawl('run', 'review.ts', '--id', 'a', '-i', '{"prs":[1,2,5]}', '--external')).code,
  ).toBe(13);
  expect((await folder.pawl('run', 'review.ts', '--id', 'b', '-i', '{"prs":[3]}', '--external')).code).toBe(
    13,
  );
  const responded = await folder.pawl(
    'respond',
    'agent',
    '--until-idle',
    '-c',
    '2',
    '--',
    process.execPath,
    'agent.js',
  );
  // One of them failed.
  expect(responded.code).toBe(3);
  expect(responded.stderr.match(/✓ review/g)).toHaveLength(3);
  expect(responded.stderr).toContain('no such pull request (exit code 1)');
  expect(await folder.pawl('resume', 'a')).toMatchObject({ code: 0, stdout: '2\n' });
  const failed = await folder.pawl('resume', 'b');
  expect(failed.code).toBe(3);
  expect(failed.stderr).toContain('no such pull request');
  const [task] = (await tasks(folder, 'a')) as readonly (Listed & {
    output: { task: string; schema: string };
  })[];
  expect(task?.output).toMatchObject({ task: task?.id, schema: 'object' });
});

test('a command that cannot be run fails no task, and says so', async () => {
  using folder = new Folder();
  folder.write('review.ts', REVIEW);
  folder.write('plain.txt', 'no program');
  const run = ['run', 'review.ts', '-i', '{"prs":[1,2]}'];
  expect((await folder.pawl(...run, '--id', 'r', '--external')).code).toBe(13);
  const commands = [['nosuchcmd'], ['./plain.txt'], ['sh', '-c', 'nosuchcmd'], ['sh', '-c', './plain.txt']];
  for (const command of commands) {
    const { code, stderr } = await folder.pawl(
      'respond',
      'agent',
      '--until-idle',
      '-c',
      '2',
      '--',
      ...command,
    );
    expect({ command, code }).toEqual({ command, code: 11 });
    expect(stderr).toContain(`The command '${command[0]}' cannot be run: `);
    expect(stderr).not.toContain('✗ review');
  }
  expect((await tasks(folder, 'r')).map(({ status }) => status)).toEqual(['open', 'open']);

  // The same of an executor: a run that is driven here is left, a worker goes on with what it can do, and says it.
  folder.write('pawl.config.ts', "export default { executors: { agent: { command: ['nosuchcmd'] } } };");
  const driven = await folder.pawl(...run, '--id', 's');
  expect(driven.code).toBe(11);
  expect(driven.stderr).toContain("The command 'nosuchcmd' cannot be run");
  const worker = await folder.pawl('work', '--until-idle');
  expect(worker.code).toBe(11);
  expect(worker.stderr).toContain("agent: The command 'nosuchcmd' cannot be run");
  expect((await tasks(folder, 's')).map(({ status }) => status)).toEqual(['open', 'open']);

  const mistyped = await folder.pawl('respond', 'agnet', '--until-idle', '--', 'true');
  expect(mistyped).toMatchObject({ code: 0, stderr: "nothing of kind 'agnet' is open; there is: agent\n" });
});

test('what a command said of its failure is the error, and not the line that its runtime ends with', async () => {
  using folder = new Folder();
  folder.write('review.ts', REVIEW);
  folder.write('throws.js', "throw new TypeError('no such pull request');");
  await folder.pawl('run', 'review.ts', '--id', 'r', '-i', '{"prs":[1]}', '--external');
  const thrown = await folder.pawl('respond', 'agent', '--until-idle', '--', process.execPath, 'throws.js');
  expect(thrown.code).toBe(3);
  expect(thrown.stderr).toContain(': TypeError: no such pull request (exit code 1)');
  expect(thrown.stderr).not.toContain('Node.js v');
  await folder.pawl('run', 'review.ts', '--id', 's', '-i', '{"prs":[1]}', '--external');
  const said = ['sh', '-c', 'echo "one\ntwo\n\nthree\nfour" >&2; exit 9'];
  const ended = await folder.pawl('respond', 'agent', '--until-idle', '--', ...said);
  expect(ended.stderr).toContain(': two; three; four (exit code 9)');
});

test('two responders over one journal do each task once', async () => {
  using folder = new Folder();
  folder.write('review.ts', REVIEW);
  const prs = Array.from({ length: 12 }, (_, n) => n);
  const input = JSON.stringify({ prs });
  expect((await folder.pawl('run', 'review.ts', '--id', 'r', '-i', input, '--external')).code).toBe(13);
  const command = ['sh', '-c', `echo "$PAWL_TASK" >> effects.log; sleep 0.1; echo '{"ok":true}'`];
  const respond = ['respond', 'agent', '--until-idle', '-c', '2', '--', ...command];
  await Promise.all([folder.pawl(...respond), folder.pawl(...respond)]);
  expect(new Set(folder.effects()).size).toBe(12);
  expect(folder.effects()).toHaveLength(12);
  expect(await folder.pawl('resume', 'r')).toMatchObject({ code: 0, stdout: '12\n' });
});

test('a responder that is killed gives its task back after its lease', async () => {
  using folder = new Folder();
  folder.write('review.ts', REVIEW);
  expect((await folder.pawl('run', 'review.ts', '--id', 'r', '-i', '{"prs":[1]}', '--external')).code).toBe(
    13,
  );
  const slow = ['--', 'sh', '-c', 'echo > begun; sleep 60'];
  const killed = folder.start(['respond', 'agent', '--lease', '1s', ...slow]);
  await until(() => folder.has('begun'));
  killed.child.kill('SIGKILL');
  await killed.ended;
  const quick = ['--', 'sh', '-c', `echo '{"ok":true}'`];
  expect((await folder.pawl('respond', 'agent', '--until-idle', ...quick)).stderr).toContain('✓ review');
  expect(await folder.pawl('resume', 'r')).toMatchObject({ code: 0, stdout: '1\n' });
});

test('executors of pawl.config.ts do the tasks of the runs that are driven here', async () => {
  using folder = new Folder();
  folder.write('review.ts', REVIEW);
  folder.write(
    'pawl.config.ts',
    `import { defineConfig } from '@pawl/sdk';
export default defineConfig({
  executors: {
    agent: { concurrency: 2, respond: (task) => ({ ok: (task.description as { title: string }).title.endsWith('1') }) },
  },
});`,
  );
  const done = await folder.pawl('run', 'review.ts', '-i', '{"prs":[1,2,11]}');
  expect(done).toMatchObject({ code: 0, stdout: '2\n' });
  // Left to others where that is asked for, or where nobody here does them.
  expect((await folder.pawl('run', 'review.ts', '--id', 'x', '-i', '{"prs":[1]}', '--external')).code).toBe(
    13,
  );
  expect((await folder.pawl('respond', 'agent', '--until-idle')).code).toBe(0);
  expect(await folder.pawl('resume', 'x')).toMatchObject({ code: 0, stdout: '1\n' });
  expect((await folder.pawl('respond', 'person')).code).toBe(2);
  folder.write('pawl.config.ts', 'export default { executors: { agent: { concurrency: 0 } } };');
  expect((await folder.pawl('run', 'review.ts', '-i', '{"prs":[1]}')).code).toBe(11);
});

test('what is said wrongly is refused before anything is touched', async () => {
  using folder = new Folder();
  folder.write('review.ts', REVIEW);
  expect((await folder.pawl('run', 'review.ts', '--id', 'r', '-i', '{"prs":[1]}', '--external')).code).toBe(
    13,
  );
  const codes = [
    ['task', 'eat', 'r.1'],
    ['task', 'claim', '0/0/0', '--run', 'r', '-v', '1'],
    ['task', 'heartbeat', '0/0/0', '--run', 'r'],
    ['task', 'complete', '9', '--run', 'r'],
    ['task', 'complete', '0/0/0', '--run', 'nobody'],
    ['task', 'complete', '0/0/0', '--run', 'r', '-v', 'no json'],
    ['task', 'release', '0/0/0', '--run', 'r', '--as', 'ada'],
    ['resolve', 'r', '0/0/0', '--as', 'retry'],
    ['respond', 'agent'],
  ];
  const got = await Promise.all(codes.map(async (args) => (await folder.pawl(...args)).code));
  expect(got).toEqual([2, 2, 2, 4, 4, 11, 6, 11, 2]);
  expect((await tasks(folder, 'r', '--pending')).map(({ status }) => status)).toEqual(['open']);
});
