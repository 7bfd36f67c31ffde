import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Ajv, type ValidateFunction } from 'ajv';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { findModule } from '../src/module-file.ts';
import { checkWorkflowFile } from '../src/workflow-file/load-workflow.ts';
import { Folder } from './here.fixture.ts';
import { documentOf, until } from './pawl.fixture.ts';

// Workflows in files: the real program, from the text to the exit code.

const TOOLS = `
import { appendFileSync, existsSync } from 'node:fs';
import { defineTask } from '@pawl/sdk';

export const fetchUsers = defineTask({
  name: 'fetch_users',
  run: async ({ count }: { count: number }) => {
    appendFileSync('effects.log', 'fetch\\n');
    return { rows: Array.from({ length: count }, (_, i) => ({ id: i + 1, name: \`user \${i + 1}\` })) };
  },
});

export const notify = defineTask({
  name: 'notify',
  run: async ({ to }: { to: string }, { signal }) => {
    appendFileSync('effects.log', \`start \${to}\\n\`);
    while (to === 'user 2' && !existsSync('go')) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      signal.throwIfAborted();
    }
    return \`told \${to}\`;
  },
});

export const failing = defineTask({ name: 'failing', run: (): void => { throw new TypeError('out of order'); } });
`;

const NEWSLETTER = `
$schema: ./workflow.schema.json
name: newsletter
description: tells each user
tools: ./tools.ts
parallelConfig: { maxConcurrent: 2 }
maxDuration: 5m
steps:
  - id: users
    toolName: fetch_users
    input: { count: "\${inputs.count + 1}" }
    retry: { attempts: 3, delay: 10ms }
  - id: title
    run: [printf, "%s", "for \${inputs.count + 1} users"]
    env: { LANG: C }
  - id: notify
    dependsOn: [users]
    when: size(results.users.rows) > 0
    parallelGroup:
      steps: \${results.users.rows}
      step: { toolName: notify, input: { to: "\${item.name}" } }
  - id: report
    dependsOn: [notify, title]
    run: cat
    stdin: "\${results.title.stdout}: \${size(results.notify.completed)}"
output:
  report: \${results.report.stdout}
  third: \${results.notify_3}
`;

const FALLBACKS = `
tools: ./tools.ts
steps:
  - id: a
    toolName: failing
    onError: { fallback: "fell back: \${error.message}" }
  - id: b
    toolName: failing
    onError: continue
  - id: c
    dependsOn: [b]
    runIf: succeeded
    run: [echo, never]
  - id: d
    dependsOn: [b, c]
    when: \${results.b == null && statuses.c == 'skipped'}
    run: [echo, "d ran"]
output: ["\${results.a}", "\${results.d.stdout}"]
`;

const folder = new Folder();

beforeAll(() => {
  folder.write('tools.ts', TOOLS);
  folder.write('newsletter.yaml', NEWSLETTER);
  folder.write('fallbacks.yml', FALLBACKS);
  folder.write(
    'flow.json',
    JSON.stringify({
      name: 'json',
      steps: [{ id: 'a', run: ['echo', '${inputs}'] }],
      output: '${results.a.stdout}',
    }),
  );
  folder.write(
    'module.ts',
    `
    import { defineWorkflow } from '@pawl/sdk';
    export const process = defineWorkflow({ name: 'in code', steps: [{ id: 'a', run: () => 1 }, { id: 'b', dependsOn: ['a'], run: () => 2 }] });
  `,
  );
  folder.write('plain.ts', 'export const process = async () => 1;\n');
});

const APPROVE = `
steps:
  - id: approval
    receive: { name: approval, prompt: "May \${inputs.who} go on?", data: { who: "\${inputs.who}" }, timeout: 2d }
  - { id: yes, dependsOn: [approval], when: results.approval.ok, run: [echo, go on] }
  - { id: no, dependsOn: [approval], when: "!results.approval.ok", run: [echo, stop] }
output: "\${statuses.yes == 'completed' ? results.yes.stdout : results.no.stdout}"
`;

afterAll(() => folder[Symbol.dispose]());

describe('run and resume', () => {
  test('a workflow goes on after a crash, and does nothing twice', async () => {
    const first = folder.start(['run', 'newsletter.yaml', '--id', 'n1', '-i', '{"count":2}']);
    await until(() => folder.effects().includes('start user 2'));
    await until(() => ['notify_1', 'notify_3'].every((done) => first.stderr.includes(done)));
    first.child.kill('SIGKILL');
    await first.ended;
    folder.write('go', '');
    const { code, stdout, stderr } = await folder.pawl('resume', 'n1', '--json');
    expect({ code, stderr: stderr.includes('error') }).toEqual({ code: 0, stderr: false });
    expect(documentOf(stdout)).toMatchObject({
      run: { process: 'newsletter', module: 'newsletter.yaml', status: 'succeeded' },
      output: { report: 'for 3 users: 3', third: 'told user 3' },
    });
    expect(folder.effects().toSorted()).toEqual([
      'fetch',
      'start user 1',
      'start user 2',
      'start user 2',
      'start user 3',
    ]);
  });

  test('what went wrong has a fallback, or is gone on after', async () => {
    const { code, stdout } = await folder.pawl('run', 'fallbacks.yml');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(['fell back: out of order', 'd ran\n']);
  });

  test('JSON, and a value as the argument of a command', async () => {
    const { code, stdout } = await folder.pawl('run', 'flow.json', '-i', '{"a": "; rm -rf /"}');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"a":"; rm -rf /"}\n\n' });
  });

  test('a step waits for an answer, and the next ones go by it', async () => {
    folder.write('approve.yaml', APPROVE);
    expect(await folder.pawl('run', 'approve.yaml', '--id', 'a1', '-i', '{"who":"Ann"}')).toMatchObject({
      code: 13,
    });
    expect((await folder.pawl('waiting')).stdout).toContain('May Ann go on?');
    expect(await folder.pawl('send', 'a1', 'approval', '{"ok":true}')).toMatchObject({ code: 0 });
    expect(await folder.pawl('resume', 'a1')).toMatchObject({ code: 0, stdout: 'go on\n\n' });
  });

  test('a step that fails fails the run', async () => {
    folder.write('fails.yaml', 'steps:\n  - id: a\n    run: [sh, -c, "exit 3"]\n');
    const { code, stderr } = await folder.pawl('run', 'fails.yaml');
    expect(code).toBe(3);
    expect(stderr).toContain('exit code 3');
  });

  test('an expression that finds nothing fails its step, and says what is missing', async () => {
    folder.write('missing.yaml', 'steps:\n  - id: a\n    run: [echo, "${inputs.nothing}"]\n');
    const { code, stderr } = await folder.pawl('run', 'missing.yaml', '-i', '{}');
    expect(code).toBe(3);
    expect(stderr).toContain('No such key: nothing');
  });

  test('a condition that is no truth fails its step', async () => {
    folder.write('truth.yaml', 'steps:\n  - id: a\n    when: inputs.n\n    run: [echo, a]\n');
    const { code, stderr } = await folder.pawl('run', 'truth.yaml', '-i', '{"n":1}');
    expect(code).toBe(3);
    expect(stderr).toContain("when: 'inputs.n' must give true or");
  });
});

describe('check', () => {
  test('a workflow in a file, in code, and a process', async () => {
    expect((await folder.pawl('check', 'newsletter.yaml')).stdout).toBe(
      '✓ newsletter.yaml: workflow newsletter, 5 steps\n',
    );
    expect((await folder.pawl('check', 'module.ts')).stdout).toBe('✓ module.ts: workflow in code, 2 steps\n');
    expect((await folder.pawl('check', 'plain.ts')).stdout).toBe('✓ plain.ts: process plain\n');
    expect(folder.has('.pawl/nothing')).toBe(false);
  });

  test('all problems at once, with line and column; run refuses with the same', async () => {
    folder.write('bad.yaml', BAD);
    const { code, stdout } = await folder.pawl('check', 'bad.yaml', '--json');
    expect(code).toBe(11);
    const document = documentOf(stdout);
    expect(document).toMatchObject({ file: 'bad.yaml', ok: false, process: null });
    const problems = (document['problems'] as { line: number; column: number; message: string }[]).map(
      ({ line, column, message }) => `${line}:${column} ${message}`,
    );
    expect(problems).toEqual(BAD_PROBLEMS);
    const refused = await folder.pawl('run', 'bad.yaml', '--json', '--db', 'other.db');
    expect(refused.code).toBe(11);
    expect(documentOf(refused.stderr)).toMatchObject({
      error: { code: 'REFUSED', data: { problems: document['problems'] } },
    });
    expect(folder.has('other.db')).toBe(false);
    const shown = await folder.pawl('check', 'bad.yaml');
    expect(shown.stdout).toContain('bad.yaml:4:5\n');
  });

  test.each<[name: string, text: string, line: string]>([
    ['indent.yaml', 'steps:\n  - id: a\n   run: x\n', 'indent.yaml:3:1'],
    ['twice.yaml', 'name: a\nname: b\nsteps: []\n', 'twice.yaml:2:1'],
    ['tag.yaml', 'steps: !!js/function "x"\n', 'tag.yaml:1:8'],
    ['broken.json', '{"steps": [}', 'broken.json:1:12'],
    [
      'bomb.yaml',
      `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`,
      'bomb.yaml:1:1',
    ],
    ['endless.yaml', 'steps: &s\n  - id: g\n    parallelGroup: { steps: *s }\n', 'endless.yaml:2:5'],
    ['empty.yaml', '', 'empty.yaml:1:1'],
    ['list.yaml', '- 1\n', 'list.yaml:1:1'],
    ['tools.yaml', 'tools: 5\nsteps: []\n', 'tools.yaml:1:1'],
    ['task.yaml', 'steps:\n  - id: a\n    task: x\n    run: [x]\n', 'task.yaml:3:5'],
    [
      'items.yaml',
      'steps:\n  - id: g\n    parallelGroup:\n      steps: all of them\n      step: { run: [x] }\n',
      'items.yaml:4:7',
    ],
  ])('%s', async (name, text, line) => {
    folder.write(name, text);
    const { code, stdout } = await folder.pawl('check', name);
    expect(code).toBe(11);
    expect(stdout).toContain(`${line}\n`);
  });

  test('tools that cannot be loaded', async () => {
    folder.write('no-tools.yaml', 'tools: ./nope.ts\nsteps: []\n');
    expect(await folder.pawl('check', 'no-tools.yaml')).toMatchObject({ code: 4 });
    folder.write('broken.ts', 'export const x = ;\n');
    folder.write('broken-tools.yaml', 'tools: ./broken.ts\nsteps: []\n');
    const { code, stderr } = await folder.pawl('check', 'broken-tools.yaml');
    expect(code).toBe(11);
    expect(stderr).toContain('./broken.ts has a syntax error');
  });

  test('usage', async () => {
    expect(await folder.pawl('check')).toMatchObject({ code: 2 });
    expect(await folder.pawl('graph', 'newsletter.yaml', '--format', 'svg')).toMatchObject({ code: 2 });
    expect(await folder.pawl('check', 'newslettr.yaml')).toMatchObject({ code: 4 });
    expect((await folder.pawl('run', 'newsletter')).stderr).toContain('Did you mean newsletter.yaml?');
  });
});

describe('graph', () => {
  test('of a file and of a module', async () => {
    const { code, stdout } = await folder.pawl('graph', 'newsletter.yaml');
    expect(code).toBe(0);
    expect(stdout.split('\n')).toContain('  s0 --> s2');
    expect((await folder.pawl('graph', 'module.ts', '-f', 'dot')).stdout).toContain('s0 -> s1;');
    const { stdout: json } = await folder.pawl('graph', 'module.ts', '--json');
    expect(documentOf(json)).toMatchObject({
      format: 'mermaid',
      graph: expect.stringContaining('flowchart TD'),
    });
  });

  test('of what has none', async () => {
    const { code, stderr } = await folder.pawl('graph', 'plain.ts');
    expect(code).toBe(11);
    expect(stderr).toContain('a process in code');
  });
});

const BAD = `name: bad
steps:
  - id: a
    toolName: nothing
    when: results.b.x +
  - id: a
    run: echo \${inputs.x}
    dependsOn: [nowhere]
  - id: c
    run: [echo, "\${results.zzz.y}", "\${unknown}"]
    dependsOn: [d]
  - id: d
    run: ""
    dependsOn: [c]
    timeout: soon
    retries: 3
  - id: e
    run: [echo, "\${results.c.stdout}"]
    cwd: /tmp
    input: x
  - id: g
    parallelGroup:
      steps: [a, nobody]
      maxConcurrent: 0
`;

const BAD_PROBLEMS = [
  "4:5 there is no tool 'nothing': the workflow has no tools",
  "5:5 the expression 'results.b.x +' is wrong: Unexpected token: EOF",
  "6:5 the id 'a' is used twice",
  `7:5 'run' as one text goes through the shell, where a value could be taken for code: give a list, run: [program, "\${…}"]`,
  "8:17 there is no step 'nowhere'",
  '9:5 steps wait for each other: c→d→c',
  "10:17 the expression looks at step 'zzz', and there is none",
  "10:37 the expression 'unknown' is wrong: Unknown variable: unknown",
  "13:5 'run' must be a command that is not empty",
  "15:5 Option 'timeout' must be a duration: milliseconds from 0 to 8640000000000, or a string such as '250ms', '30s', '5m', '2h', '7d'; it is 'soon'.",
  "16:5 'retries' is not known here: a step with 'task' takes id, description, dependsOn, when, runIf, onError, timeout, priority, retry, pool, cost, signal, onDemand, task, input, deadline",
  "18:17 the expression looks at step 'c', which 'e' does not wait for: add it to dependsOn",
  "20:5 'input' goes with toolName; a command has run and stdin",
  "23:18 there is no step 'nobody'",
  "24:7 'maxConcurrent' must be an integer >= 1, or Infinity",
];

describe('the published schema', () => {
  const schema: object = JSON.parse(
    readFileSync(join(import.meta.dirname, '..', 'workflow.schema.json'), 'utf8'),
  ) as object;
  const accepts: ValidateFunction = new Ajv({
    strict: true,
    strictRequired: false,
    strictTypes: false,
    allowUnionTypes: true,
    allErrors: true,
  }).compile(schema);

  test.each([
    ['newsletter', NEWSLETTER],
    ['fallbacks', FALLBACKS],
    ['approve', APPROVE],
    [
      'groups',
      `
steps:
  - { id: a, run: [echo, 1], onDemand: true, priority: background, deadline: 1h, pool: shell, cost: { gpu: 1 } }
  - parallelGroup: { id: g, steps: ["\${x}"], step: { run: [echo] }, keyBy: item.id, timeout: 5, waitStrategy: race }
  - { id: h, runIf: always, pool: x, cost: 2, retry: { attempts: 2 }, parallelGroup: { steps: [a, { id: b, run: "ls -l", okExitCodes: [0, 1] }], stepTimeout: 2.5s } }
`,
    ],
  ])('takes %s', (_, text) => {
    expect(accepts(parse(text)), JSON.stringify(accepts.errors)).toBe(true);
  });

  const step = (fields: object): object => ({ steps: [{ id: 'a', run: ['x'], ...fields }] });
  const group = (fields: object): object => ({
    steps: [{ id: 'g', parallelGroup: { steps: [], ...fields } }],
  });
  const bad: readonly object[] = [
    {},
    { steps: 5 },
    { steps: [], stepz: [] },
    { steps: [{ run: ['x'] }] },
    { steps: [{ id: 'a' }] },
    { steps: [], maxDuration: 'soon' },
    { steps: [], maxDuration: 0 },
    { steps: [], parallelConfig: { maxConcurrent: 0 } },
    { steps: [], parallelConfig: { waitStrategy: 'most' } },
    { steps: [], tools: 5 },
    step({ toolName: 'x' }),
    step({ id: '' }),
    step({ run: '' }),
    step({ run: 'echo ${x}' }),
    step({ run: [] }),
    step({ input: 5 }),
    step({ when: 5 }),
    step({ runIf: 'never' }),
    step({ onError: 'ignore' }),
    step({ onError: { fallback: 1, x: 2 } }),
    step({ timeout: -1 }),
    step({ retry: { attempts: 0 } }),
    step({ retry: { delay: 5 } }),
    step({ dependsOn: 'b' }),
    step({ dependson: ['b'] }),
    step({ priority: 'high' }),
    step({ onDemand: 'yes' }),
    { steps: [{ id: 'a', toolName: 'x', cwd: '/' }] },
    { steps: [{ id: 'g', deadline: 5, parallelGroup: { steps: [] } }] },
    { steps: [{ id: 'a', receive: {} }] },
    { steps: [{ id: 'a', receive: { name: 'x', when: 1 } }] },
    { steps: [{ id: 'a', receive: { name: 'x', timeout: 'soon' } }] },
    { steps: [{ id: 'a', receive: 'x', deadline: 5 }] },
    step({ receive: 'x' }),
    step({ cost: 0 }),
    step({ cost: {} }),
    step({ pool: '' }),
    { steps: [], parallelConfig: { retry: {} } },
    group({ steps: undefined }),
    group({ steps: [7] }),
    group({ steps: 'all' }),
    group({ keyBy: 'item' }),
    group({ maxConcurrent: 1.5 }),
    group({ steps: ['x'], step: { run: ['x'], onDemand: true } }),
    group({ steps: ['x'], step: {} }),
  ];

  test.each(bad)('refuses %j, as check does', async (definition) => {
    const plain: unknown = JSON.parse(JSON.stringify(definition));
    expect(accepts(plain)).toBe(false);
    folder.write('refused.json', JSON.stringify(plain));
    const file = findModule('refused.json', folder.path);
    const { problems } = await checkWorkflowFile(file, folder.path, async () => ({
      x: { build: () => 1, name: 'x' },
    }));
    expect(problems.length).toBeGreaterThan(0);
  });
});
