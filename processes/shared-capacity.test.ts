import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { env, execPath } from 'node:process';
import { text } from 'node:stream/consumers';

import { openJournal, openRuntime } from '@pawl/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { Servers } from './servers.fixture.ts';
import sharedCapacity from './shared-capacity.ts';

const BIN = env['PAWL_BUILT'] === '1' ? 'dist/bin.js' : 'bin/pawl.js';
const PAWL = join(import.meta.dirname, '..', 'packages', 'cli', BIN);
const PACKAGES = join(import.meta.dirname, '..', 'packages');
const CAPACITY = 30;
const PER_TEAM = 14;
const TEAMS = ['runtime', 'tests', 'cli'] as const;
const FOLDERS = { runtime: 'runtime/src', tests: 'runtime/tests', cli: 'cli/src' };

type Team = (typeof TEAMS)[number];

let folder: string;
let servers: Servers;
let store: Store;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pawl-capacity-'));
  for (const team of TEAMS) cpSync(join(PACKAGES, FOLDERS[team]), join(folder, team), { recursive: true });
  servers = new Servers();
  store = await Store.start();
});

afterEach(async () => {
  await servers[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Keeps the digest of what arrives. While it holds, it answers only what it is told to. */
class Store {
  readonly files = new Map<string, string>();
  readonly #held: (() => void)[] = [];
  #isHolding = true;
  url = '';

  static async start(): Promise<Store> {
    const made = new Store();
    made.url = await servers.start((request, reply) => {
      void made.#take(request, () => reply(201));
    });
    return made;
  }

  async #take(request: IncomingMessage, answer: () => void): Promise<void> {
    const digest = createHash('sha256');
    try {
      for await (const part of request as AsyncIterable<Buffer>) digest.update(part);
    } catch {
      return; // Its client was killed.
    }
    this.files.set(decodeURIComponent(request.url ?? ''), digest.digest('hex'));
    this.#held.push(answer);
    if (!this.#isHolding) this.answerAll();
    servers.changed();
  }

  /** Answers so many of those that it has held longest; those whose client is gone do not count. */
  async answer(count: number): Promise<void> {
    const target = servers.open() - count;
    while (servers.open() > target) {
      await servers.until(() => this.#held.length > 0);
      this.#held.shift()?.();
    }
  }

  answerAll(): void {
    this.#isHolding = false;
    for (const answer of this.#held.splice(0)) answer();
  }
}

function filesOf(team: Team): string[] {
  return readdirSync(join(folder, team), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
    .toSorted();
}

function inputsOf(team: Team): Parameters<typeof sharedCapacity.run>[0] {
  return { team, root: join(folder, team), store: store.url, capacity: CAPACITY, perTeam: PER_TEAM };
}

const openNow = (): number[] => TEAMS.map((team) => servers.open(`/${team}/`));

/** All of them have work: what comes free goes to who has least, until it is even. Others may take a while to hear of it. */
async function expectFairShares(): Promise<void> {
  const even = CAPACITY / TEAMS.length;
  const shares: number[][] = [];
  for (let round = 0; round < 9; round += 1) {
    await servers.until(() => servers.open() === CAPACITY);
    const now = openNow();
    shares.push(now);
    expect(Math.max(...now)).toBeLessThanOrEqual(PER_TEAM);
    if (now.every((share) => Math.abs(share - even) <= 1)) return;
    await store.answer(10);
  }
  expect.fail(`shares do not become even: ${shares.join(' | ')}`);
}

/** Never more than there was, at any moment that a server saw. */
function expectWithinCapacity(): void {
  expect(Math.max(...servers.seen.map(({ open }) => open))).toBe(CAPACITY);
}

function expectAllSent(): void {
  const sent = new Map(
    TEAMS.flatMap(filesOf).map((path) => [
      `/${path}`,
      createHash('sha256')
        .update(readFileSync(join(folder, path)))
        .digest('hex'),
    ]),
  );
  expect(store.files).toEqual(sent);
}

test(
  'three runs of one program: each up to its limit, then its share, and all finish',
  { timeout: 60_000 },
  async () => {
    await using runtime = await openRuntime({ path: join(folder, 'journal.db') });
    const start = (team: Team) => runtime.start(sharedCapacity, inputsOf(team), { id: team });
    const first = [start('runtime'), start('tests')];
    await servers.until(() => servers.open() === 2 * PER_TEAM);
    const handles = [...first, start('cli')];
    await expectFairShares();
    store.answerAll();
    const results = await Promise.all(handles.map((handle) => handle.result()));
    expect(results.map(({ files }) => files)).toEqual(TEAMS.map((team) => filesOf(team).length));
    expectWithinCapacity();
    expectAllSent();
    expect(servers.seen).toHaveLength(store.files.size);
  },
);

interface Program {
  readonly child: ChildProcess;
  readonly stdout: Promise<string>;
}

const programs: Program[] = [];

function pawl(...args: readonly string[]): Program {
  const child = spawn(execPath, [PAWL, ...args], {
    cwd: folder,
    env: { ...env, PAWL_DB: join(folder, 'journal.db') },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const program = { child, stdout: text(child.stdout) };
  programs.push(program);
  return program;
}

afterEach(() => {
  for (const { child } of programs.splice(0)) child.kill('SIGKILL');
});

function startProgram(team: Team): Program {
  const module = join(import.meta.dirname, 'shared-capacity.ts');
  return pawl('run', module, '--id', team, '--json', '--input', JSON.stringify(inputsOf(team)));
}

async function outputsOf(running: readonly Program[]): Promise<{ team: string; files: number }[]> {
  const texts = await Promise.all(running.map(({ stdout }) => stdout));
  return texts.map((json) => (JSON.parse(json) as { output: { team: string; files: number } }).output);
}

test('three programs on one file: the same', { timeout: 120_000 }, async () => {
  const first = [startProgram('runtime'), startProgram('tests')];
  await servers.until(() => servers.open() === 2 * PER_TEAM);
  const all = [...first, startProgram('cli')];
  await expectFairShares();
  store.answerAll();
  expect((await outputsOf(all)).map(({ files }) => files)).toEqual(TEAMS.map((team) => filesOf(team).length));
  expectWithinCapacity();
  expectAllSent();
  expect(servers.seen).toHaveLength(store.files.size);
});

test(
  'one of three programs is killed: the others use what it held, and it sends the rest when it is resumed',
  { timeout: 120_000 },
  async () => {
    const [runtime, tests, cli] = TEAMS.map(startProgram) as [Program, Program, Program];
    await servers.until(() => servers.open() === CAPACITY);
    await store.answer(20);
    await servers.until(() => servers.open() === CAPACITY);
    tests.child.kill('SIGKILL');
    await once(tests.child, 'close');
    await servers.until(() => servers.open('/runtime/') === PER_TEAM && servers.open('/cli/') === PER_TEAM);
    const settled = settledPaths('tests');

    const resumed = pawl('resume', 'tests', '--json');
    await servers.until(() => servers.open() === CAPACITY);
    store.answerAll();
    const outputs = await outputsOf([runtime, resumed, cli]);
    expect(outputs.map(({ files }) => files)).toEqual(TEAMS.map((team) => filesOf(team).length));
    expectWithinCapacity();
    expectAllSent();
    for (const path of settled) expect(servers.count(path), path).toBe(1);
    for (const path of store.files.keys()) expect(servers.count(path), path).toBeLessThanOrEqual(2);
  },
);

function settledPaths(runId: Team): string[] {
  using journal = openJournal({ path: join(folder, 'journal.db') });
  const paths = new Map<string, string>();
  return [...journal.events(runId)].flatMap(({ event }) => {
    if (event.type === 'TaskScheduled' && event.task === 'send-file')
      paths.set(event.key, `/${runId}/${(event.args as { path: string }).path}`);
    return event.type === 'TaskSucceeded' ? (paths.get(event.key) ?? []) : [];
  });
}
