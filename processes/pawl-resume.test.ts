import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, execPath } from 'node:process';
import { createInterface } from 'node:readline';

import { afterEach, beforeEach, expect, test } from 'vitest';

const BIN = env['PAWL_BUILT'] === '1' ? 'dist/bin.js' : 'bin/pawl.js';
const PAWL = join(import.meta.dirname, '..', 'packages', 'cli', BIN);

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'pawl-resume-'));
  for (let i = 0; i < 20; i += 1) writeFileSync(join(root, `${i}.md`), `# ${i}\n`);
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

test(
  'as a user sees it: pawl run, kill -9, pawl resume; what was finished is not done again',
  { timeout: 60_000 },
  async () => {
    const here = { cwd: root, env: { ...env, PAWL_DB: join(root, '.pawl', 'journal.db') } };
    const module = join(import.meta.dirname, 'quality-gate.ts');
    const checks = {
      quick: 'echo quick >> effects.log',
      slow: 'for i in $(seq 600); do [ -e go ] && exit; sleep 0.05; done; exit 1',
    };
    const child = spawn(
      execPath,
      [PAWL, 'run', module, '--id', 'gate', '--input', JSON.stringify({ checks })],
      { ...here, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const killWhenSaid = (line: string): unknown => line.includes('/:quick/') && child.kill('SIGKILL');
    for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', killWhenSaid);
    const [, signal] = (await once(child, 'close')) as [number | null, string | null];
    expect(signal).toBe('SIGKILL');
    writeFileSync(join(root, 'go'), '');

    const resumed = execFileSync(execPath, [PAWL, 'resume', 'gate', '--json'], {
      ...here,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(JSON.parse(resumed)).toMatchObject({ output: { passed: true, failures: [] } });
    const effects = readFileSync(join(root, 'effects.log'), 'utf8').trim().split('\n');
    expect(effects).toEqual(['quick']);
  },
);
