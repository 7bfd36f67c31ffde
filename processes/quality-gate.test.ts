import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openRuntime } from '@pawl/runtime';
import { MemoryStore } from '@pawl/runtime/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { runKilled } from './killed-runs.fixture.ts';
import qualityGate from './quality-gate.ts';

const ROOT = join(import.meta.dirname, '..');

let root: string;

// Real sources, and beside them what a gate has to leave out or may stumble over.
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'pawl-gate-'));
  cpSync(join(ROOT, 'packages', 'sdk', 'src'), join(root, 'src'), { recursive: true });
  for (const folder of ['node_modules/x', 'dist', '.hidden', 'odd']) {
    mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, folder, 'file.ts'), '// TODO\n');
  }
  writeFileSync(join(root, 'odd', 'no end, "quoted".md'), 'TODO: write this\nünïcödé, and FIXME');
  writeFileSync(join(root, 'odd', 'empty.json'), '');
  writeFileSync(join(root, 'odd', 'picture.png'), 'no source');
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

/** What a shell says about the same files. */
function byShell(pipe: string): number[] {
  const find = `find src odd -type f '(' -name '*.ts' -o -name '*.md' -o -name '*.json' ')' -print0`;
  const text = execFileSync('sh', ['-c', `${find} | ${pipe}`], { cwd: root, encoding: 'utf8' });
  return text.trim().split(/\s+/).map(Number);
}

type Result = { passed: boolean; failures: string[]; report: string };

async function run(inputs: object): Promise<Result> {
  const runtime = await openRuntime({ store: new MemoryStore() });
  try {
    return await runtime.start(qualityGate, { root, ...inputs }).result();
  } finally {
    await runtime.close();
  }
}

function report(): string {
  return readFileSync(join(root, '.pawl', 'quality-report.md'), 'utf8');
}

test('it counts what the shell counts', async () => {
  const result = await run({ checks: {} });
  const [lines, bytes] = byShell(`xargs -0 cat | wc -lc`);
  const [files] = byShell(`tr -cd '\\0' | wc -c`);
  const [todos] = byShell(`xargs -0 cat | grep -cE '\\b(TODO|FIXME)\\b'`);
  expect(result).toEqual({
    passed: true,
    failures: [],
    files,
    lines,
    bytes,
    todos,
    report: join(root, '.pawl/quality-report.md'),
  });
  expect(report()).toContain(`| all | ${files} | ${lines} | ${bytes} | ${todos} |`);
  const longest = execFileSync('sh', ['-c', 'wc -l src/* | sort -rn | sed -n 2p'], {
    cwd: root,
    encoding: 'utf8',
  });
  const [count, path] = longest.trim().split(' ');
  expect(report()).toContain(`| ${path} | ${count} |`);
});

test('files with the same content are named, by their digests', async () => {
  cpSync(join(root, 'src', 'json.ts'), join(root, 'odd', 'copy.ts'));
  await run({ checks: {} });
  const digests = execFileSync(
    'sh',
    ['-c', 'sha256sum src/json.ts odd/copy.ts | cut -d" " -f1 | uniq | wc -l'],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  expect(digests.trim()).toBe('1');
  expect(report()).toContain('- odd/copy.ts, src/json.ts');
});

test('a check that fails is told with the end of what it printed, and the run ends well', async () => {
  const result = await run({
    checks: {
      good: 'echo all is well',
      bad: 'for i in $(seq 100); do echo "line $i"; done; printf "\\033[31mtoo bad\\033[0m" >&2; exit 3',
      missing: ['no-such-program', '--version'],
    },
  });
  expect(result).toMatchObject({ passed: false, failures: ['bad', 'missing'] });
  const text = report();
  expect(text).toContain('# Quality report: FAILED');
  expect(text).toContain('| good | passed |\n| bad | **failed** |');
  expect(text).toContain('    line 100\n    \n    too bad\n');
  expect(text).not.toContain('line 10\n');
  expect(text).toContain('ended with exit code 3');
  expect(text).toContain("'no-such-program --version' could not be started");
});

test('it finds the tools of the project, as scripts of package.json do', async () => {
  mkdirSync(join(root, 'node_modules', '.bin'));
  writeFileSync(join(root, 'node_modules', '.bin', 'the-tool'), '#!/bin/sh\npwd; exit 1\n', { mode: 0o755 });
  expect(await run({ checks: { tool: ['the-tool'] } })).toMatchObject({ failures: ['tool'] });
  expect(report()).toMatch(/^ {4}.*pawl-gate-/m);
});

test('with strict a failing check fails the run, after the report is written', async () => {
  await expect(run({ strict: true, checks: { bad: 'exit 1' } })).rejects.toMatchObject({
    code: 'RUN_FAILED',
    message: expect.stringContaining('The gate is closed, failed: bad'),
  });
  expect(report()).toContain('| bad | **failed** |');
});

test(
  'killed three times and resumed, it does nothing again that was finished, with the same result',
  { timeout: 120_000 },
  async () => {
    for (let i = 0; i < 400; i += 1) writeFileSync(join(root, 'odd', `${i}.md`), `# ${i}\n`);
    const { result, repeated, settled } = await runKilled({
      process: 'quality-gate',
      inputs: {
        checks: { quick: 'echo quick >> effects.log', slow: 'sleep 0.2; echo slow >> effects.log; exit 1' },
      },
      folder: root,
      killAt: [1, 150, 410],
      effectOf: (task, args) => {
        if (task === 'read-source') return `read ${args['path']}`;
        return task === 'run-check' ? /echo (\w+)/.exec(String(args['command']))?.[1] : undefined;
      },
    });
    expect(repeated).toEqual([]);
    expect(settled).not.toContain(null);
    expect(settled.at(-1)).toBeGreaterThan(400);
    const { report: _, ...whole } = await run({ checks: { quick: 'true', slow: 'exit 1' } });
    expect(result).toEqual({ ...whole, report: '.pawl/quality-report.md' });
  },
);
