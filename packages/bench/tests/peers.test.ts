import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, execPath, kill } from 'node:process';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

// What peers share, with a fake one; and that each peer says what it is. The real ones are measured by hand and by
// `pnpm bench --peers`: they are not installed here.

const PEERS = join(import.meta.dirname, '../peers');
const FAKE = join(import.meta.dirname, 'fake-peer.fixture.mjs');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pawl-peer-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function start(args: readonly string[], more: Readonly<Record<string, string>> = {}): ChildProcess {
  return spawn(execPath, [FAKE, ...args], {
    env: { ...env, BENCH_DIR: folder, ...more },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

async function lineOf(
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const child = start(args, more);
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = await once(child, 'close');
  const text = Buffer.concat(chunks).toString();
  return code === 0 ? JSON.parse(text) : { code, text };
}

function isAlive(pid: number): boolean {
  try {
    kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const pidIn = (name: string): number => Number(readFileSync(join(folder, `${name}.pid`), 'utf8'));

describe('the frame around a peer', () => {
  test.each([
    ['sequential', 4],
    ['fanOut', 4],
    ['runs', 12],
  ])('prints one line for %s', async (name, steps) => {
    expect(await lineOf([name, '4'])).toEqual({
      ms: expect.any(Number),
      steps,
      rssBytes: expect.any(Number),
      diskBytes: expect.any(Number),
      walBytes: 0,
      durability: 'none',
      note: expect.stringMatching(/^a fake; server /),
    });
    expect(isAlive(pidIn('server'))).toBe(false);
  });

  test('does as much as ends in sensible time, and says so', async () => {
    const line = await lineOf(['payload', '40']);
    expect(line).toMatchObject({ steps: 3, note: expect.stringMatching(/^3 instead of 40/) });
  });

  test('resume: the first program dies at the new step, and the second does that step alone', async () => {
    expect(await lineOf(['resume', '4'])).toMatchObject({ steps: 1, diskBytes: null, walBytes: null });
    const names = readFileSync(join(folder, 'journal'), 'utf8').split('\n').filter(Boolean);
    expect(names.map((line) => String(JSON.parse(line)))).toEqual([
      'step-0,0',
      'step-1,1',
      'step-2,2',
      'step-3,3',
      'new,new',
    ]);
  });

  test('a step that gives something else is no figure', async () => {
    expect(await lineOf(['sequential', '4'], { FAKE: 'lies' })).toEqual({ code: 1, text: '' });
  });

  test('a program that takes too long is ended, and its server', async () => {
    const line = await lineOf(['sequential', '4'], { FAKE: 'hangs', PEER_LIMIT_S: '1' });
    expect(line).toEqual({ skipped: 'took longer than 1 s' });
    expect(isAlive(pidIn('server'))).toBe(false);
    // On a busy machine it may have ended before it came to write its pid.
    if (existsSync(join(folder, 'program.pid'))) expect(isAlive(pidIn('program'))).toBe(false);
  });

  test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)('nothing outlives it after %s', async (signal) => {
    const supervisor = start(['sequential', '4'], { FAKE: 'hangs' });
    await vi.waitFor(() => expect(existsSync(join(folder, 'program.pid'))).toBe(true), { timeout: 30_000 });
    supervisor.kill(signal);
    await once(supervisor, 'close');
    await vi.waitFor(
      () => {
        for (const name of ['server', 'program']) expect(isAlive(pidIn(name))).toBe(false);
      },
      { timeout: 30_000 },
    );
  });

  test('refuses what is no case', async () => {
    expect(await lineOf(['sideways', '4'])).toEqual({ code: 2, text: '' });
    expect(await lineOf(['sequential', 'many'])).toEqual({ code: 2, text: '' });
  });
});

describe('each peer', () => {
  const names = readdirSync(PEERS).filter((name) => existsSync(join(PEERS, name, 'main.mjs')));
  const readme = readFileSync(join(PEERS, 'README.md'), 'utf8');

  test('there are seven', () => {
    expect(names).toHaveLength(7);
  });

  test.each(names)('%s has exact versions, told in the README', (name) => {
    const manifest: unknown = JSON.parse(readFileSync(join(PEERS, name, 'package.json'), 'utf8'));
    const { dependencies } = manifest as { dependencies: Record<string, string> };
    for (const [dependency, version] of Object.entries(dependencies)) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
      expect(readme).toContain(`\`${dependency}\` ${version}`);
    }
  });
});
