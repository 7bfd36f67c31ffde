/** The real command line over random processes, killed when so many tasks have begun, and gone on with by `pawl resume`. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { env, execPath } from 'node:process';

import { openJournal, type Recorded } from '@pawl/runtime';
import { seededEntropy } from '@pawl/runtime/testing';

import { Folder } from '../folder.ts';
import { count, type Part, type PartContext } from '../part.ts';
import { randomModule } from './random-module.ts';

const CLI = join(import.meta.dirname, '../../../cli');
const MOST_KILLS = 4;

interface Line {
  readonly key: string;
  readonly attempt: number;
}

export const kills: Part = {
  name: 'kills',
  what: 'the real command line, killed when its tasks have begun, over random processes, and resumed',
  rounds: { ci: 15, night: 300 },
  budgetSeconds: { ci: 150, night: 2400 },
  floors: { 'kills of a run under way': 1, 'runs that went on': 0.7 },
  run: async (context) => {
    for (let round = 0; round < context.rounds; round += 1) {
      if (context.at === undefined || context.at === round) await killAndResume(round, context);
    }
  },
};

function binary(): string {
  const built = join(CLI, 'dist/bin.js');
  return env['PAWL_BUILT'] === '1' && existsSync(built) ? built : join(CLI, 'bin/pawl.js');
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `pawl`, and kills it once the ledger has so many lines; undefined: lets it end. */
function pawl(cwd: string, args: readonly string[], killAt: number | undefined): Promise<Ended> {
  const child = spawn(execPath, [binary(), ...args], {
    cwd,
    env: { PATH: env['PATH'], NODE_COMPILE_CACHE: env['NODE_COMPILE_CACHE'] ?? join(cwd, '../compiled') },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ledger = join(cwd, 'ledger');
  const watcher = watch(ledger, () => {
    if (killAt !== undefined && linesOf(ledger).length >= killAt) child.kill('SIGKILL');
  });
  return new Promise((resolve) => {
    child.once('close', (code, signal) => {
      watcher.close();
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/** A last line that is cut off was not synced. */
function linesOf(ledger: string): readonly Line[] {
  return readFileSync(ledger, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}

function eventsOf(cwd: string): readonly Recorded[] {
  const path = join(cwd, '.pawl/journal.db');
  if (!existsSync(path)) return [];
  using journal = openJournal({ path });
  const { damage } = journal.verify();
  if (damage.length > 0) throw new TypeError(`verify finds ${JSON.stringify(damage[0])}`);
  return journal.list({ limit: 1 }).length === 0 ? [] : [...journal.events('r')];
}

async function killAndResume(round: number, { seed, figures, violated }: PartContext): Promise<void> {
  using folder = new Folder('kills');
  const cwd = folder.fresh();
  const { random } = seededEntropy(seed * 1_000_003 + round);
  const { text, expected } = randomModule(random);
  writeFileSync(join(cwd, 'drawn.mjs'), text);
  writeFileSync(join(cwd, 'ledger'), '');
  const done = new Set<string>();
  let before: readonly Recorded[] = [];
  let args = ['run', 'drawn.mjs', '--id', 'r', '--json'];
  for (let kill = 0; kill <= MOST_KILLS; kill += 1) {
    const seen = linesOf(join(cwd, 'ledger')).length;
    const killAt = kill === MOST_KILLS ? undefined : seen + 1 + Math.floor(random() * 6);
    const ended = await pawl(cwd, args, killAt);
    const events = eventsOf(cwd);
    // What was recorded stays, event by event.
    if (JSON.stringify(events.slice(0, before.length)) !== JSON.stringify(before)) {
      violated(round, 'what was recorded before the kill is not what is recorded after it');
      return;
    }
    const again = linesOf(join(cwd, 'ledger'))
      .slice(seen)
      .filter(({ key }) => done.has(key));
    if (again.length > 0) {
      violated(round, `done again: ${again.map(({ key }) => key).join(' ')}`);
      return;
    }
    for (const { event } of events)
      if (event.type === 'TaskSucceeded' || event.type === 'TaskFailed') done.add(event.key);
    before = events;
    if (ended.signal === 'SIGKILL') {
      count(figures, 'kills of a run under way');
      if (events.length > 0) args = ['resume', 'r', '--json'];
      continue;
    }
    const output = outputOf(ended.stdout);
    if (ended.code !== 0 || JSON.stringify(output) !== JSON.stringify(expected))
      violated(
        round,
        `it ended with ${ended.code}, ${JSON.stringify(output)}, not ${JSON.stringify(expected)}\n${ended.stderr}`,
      );
    if (kill > 0) count(figures, 'runs that went on');
    return;
  }
}

function outputOf(stdout: string): unknown {
  try {
    return (JSON.parse(stdout) as { readonly output?: unknown }).output;
  } catch {
    return stdout;
  }
}
