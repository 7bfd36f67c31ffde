/** The real command line over random processes, killed when so many tasks have begun, and gone on with by `pawl resume`. */
import { watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Recorded } from '@pawl/runtime';
import { seededEntropy } from '@pawl/runtime/testing';

import { Folder } from '../folder.ts';
import { count, type Part, type PartContext } from '../part.ts';
import { eventsIn, outputIn, startPawl, startsIn, type Ended } from '../pawl.ts';
import { randomModule } from './random-module.ts';

const MOST_KILLS = 4;

export const kills: Part = {
  name: 'kills',
  what: 'the real command line, killed when its tasks have begun, over random processes, and resumed',
  rounds: { ci: 150, night: 300 },
  share: 1 / 10,
  budgetSeconds: { ci: 500, night: 1800 },
  floors: { 'kills of a run under way': 1, 'runs that went on': 0.7 },
  run: async (context) => {
    for (let round = 0; round < context.rounds; round += 1) {
      if (context.at === undefined || context.at === round) await killAndResume(round, context);
    }
  },
};

/** Runs `pawl`, and kills it once the ledger has so many lines; undefined: lets it end. */
function pawl(cwd: string, args: readonly string[], killAt: number | undefined): Promise<Ended> {
  const { child, ended } = startPawl(cwd, args);
  const ledger = join(cwd, 'ledger');
  const watcher = watch(ledger, () => {
    if (killAt !== undefined && startsIn(ledger).length >= killAt) child.kill('SIGKILL');
  });
  return ended.finally(() => watcher.close());
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
    const seen = startsIn(join(cwd, 'ledger')).length;
    const killAt = kill === MOST_KILLS ? undefined : seen + 1 + Math.floor(random() * 6);
    const ended = await pawl(cwd, args, killAt);
    const events = eventsIn(cwd, 'r');
    // What was recorded stays, event by event.
    if (JSON.stringify(events.slice(0, before.length)) !== JSON.stringify(before)) {
      violated(round, 'what was recorded before the kill is not what is recorded after it');
      return;
    }
    const again = startsIn(join(cwd, 'ledger'))
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
    const output = outputIn(ended.stdout);
    if (ended.code !== 0 || JSON.stringify(output) !== JSON.stringify(expected))
      violated(
        round,
        `it ended with ${ended.code}, ${JSON.stringify(output)}, not ${JSON.stringify(expected)}\n${ended.stderr}`,
      );
    if (kill > 0) count(figures, 'runs that went on');
    return;
  }
}
