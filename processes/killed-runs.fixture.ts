import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { env, execPath } from 'node:process';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

import { openJournal, type Encoded } from '@pawl/runtime';

import type { Example } from './examples.fixture.ts';

export interface Killed {
  /** Effects of tasks that had settled when a child was killed, and that were done again after it. */
  readonly repeated: readonly string[];
  /** How many of the tasks that count had settled at each kill; null where the run had ended, too late to kill it. */
  readonly settled: readonly (number | null)[];
  readonly result: unknown;
}

interface RunOptions {
  readonly process: Example;
  readonly inputs: object;
  /** The children's working folder; the journal lies in it too. */
  readonly folder: string;
  /** The first child dies when so many tasks have settled, the second one at the second number, and so on. */
  readonly killAt: readonly number[];
  /** What a task does, in the words of count-effects.fixture.ts. */
  readonly effectOf: (task: string, args: Readonly<Record<string, string>>) => string | undefined;
}

/** Runs a process in children that are killed one after the other, then to its end in a last one. */
export async function runKilled(options: RunOptions): Promise<Killed> {
  const { folder, killAt, effectOf } = options;
  const journal = join(folder, 'killed.db');
  const effects = join(folder, 'effects.log');
  const before: ReadonlyMap<string, number>[] = [];
  const settled: (number | null)[] = [];
  for (const count of killAt) {
    await runChild(options, journal, effects, String(count));
    const { done, hasEnded } = settledEffects(journal, effectOf);
    const counts = countLines(effects);
    settled.push(hasEnded ? null : done.length);
    before.push(new Map(done.map((effect) => [effect, counts.get(effect) ?? 0])));
  }
  const result = await runChild(options, journal, effects, 'never');
  const after = countLines(effects);
  const repeated = before.flatMap((counts) =>
    [...counts]
      .filter(([effect, count]) => count === 0 || after.get(effect) !== count)
      .map(([effect]) => effect),
  );
  return { repeated, settled, result: JSON.parse(result) };
}

/** What was just built starts in a fraction of the time. */
const SOURCES = env['PAWL_BUILT'] === '1' ? [] : ['--conditions=source'];

function runChild(
  { process, inputs, folder }: RunOptions,
  journal: string,
  effects: string,
  killAt: string,
): Promise<string> {
  const main = join(import.meta.dirname, 'runner-main.fixture.ts');
  const counter = pathToFileURL(join(import.meta.dirname, 'count-effects.fixture.ts')).href;
  const args = [...SOURCES, main, process, journal, JSON.stringify(inputs), killAt];
  const child = spawn(execPath, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...env, PAWL_EFFECTS: effects, NODE_OPTIONS: `--import=${counter}` },
  });
  return text(child.stdout);
}

function settledEffects(
  path: string,
  effectOf: RunOptions['effectOf'],
): { readonly done: readonly string[]; readonly hasEnded: boolean } {
  using journal = openJournal({ path });
  const scheduled = new Map<string, { readonly task: string; readonly args: Encoded }>();
  const done: string[] = [];
  for (const { event } of journal.events('killed')) {
    if (event.type === 'TaskScheduled') scheduled.set(event.key, event);
    if (event.type !== 'TaskSucceeded' && event.type !== 'TaskFailed') continue;
    const call = scheduled.get(event.key);
    // The tasks whose effects are counted take an object of texts.
    const effect = call && effectOf(call.task, call.args as Readonly<Record<string, string>>);
    if (effect !== undefined) done.push(effect);
  }
  return { done, hasEnded: journal.get('killed').status !== 'running' };
}

function countLines(file: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  if (!existsSync(file)) return counts;
  for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) {
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return counts;
}
