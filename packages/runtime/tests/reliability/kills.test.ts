import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isTerminal, type Recorded } from '../../src/journal/event.ts';
import { seededEntropy } from '../../src/testing.ts';
import {
  effectsOf,
  freshFolder,
  inFlightIn,
  inspect,
  Program,
  settledIn,
  TORTURE,
} from './program.fixture.ts';

/** Of programs whose run was under way. */
const KILLS = TORTURE ? 1000 : 50;
const KILLS_PER_RUN = 25;
const INPUTS = { floors: 10 };

interface Site {
  readonly path: string;
  readonly effects: string;
}

function freshSite(): Site {
  const folder = freshFolder();
  return { path: join(folder, 'journal.db'), effects: join(folder, 'effects') };
}

function runner({ path, effects }: Site): Program {
  const program = new Program('runner-main.fixture.ts');
  program.send('open', { path }, effects);
  program.send('leaveAtEnd');
  // A second start of the same id goes on with the run.
  program.send('start', 'tower', INPUTS, 'r');
  return program;
}

async function undisturbed(): Promise<unknown> {
  const program = runner(freshSite());
  const end = await program.until((line) => line.at === 'end');
  expect(await program.ended, program.tail()).toEqual({ code: 0, signal: null });
  return end['value'];
}

/** How a run stood when it was killed. */
interface Wreck {
  readonly events: readonly Recorded[];
  /** Lines of the effects file. */
  readonly effects: number;
}

/** Kills a program at a random moment: in its start, or some time after a random one of its tasks began. */
async function killSomewhen(site: Site, random: () => number): Promise<Program> {
  const program = runner(site);
  const tasks = Math.floor(random() * 7);
  const more = random() * 5;
  // The moment is what is drawn; nothing waits for this time to pass.
  const somewhat = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, more));
  let seen = 0;
  const isTime = program.until(
    (line) => line.at === 'end' || (line.at === 'started' && (seen += 1) >= tasks),
  );
  if (tasks === 0) await program.until((line) => line.at === 'ready');
  else await isTime;
  await somewhat();
  await program.kill();
  isTime.catch(() => undefined);
  return program;
}

function countBy(keys: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

function checkEffects(site: Site, wrecks: readonly Wreck[], events: readonly Recorded[]): void {
  const effects = effectsOf(site.effects);
  expect(new Set(effects.map(({ nonce }) => nonce)).size).toBe(effects.length);
  expect(new Set(effects.map(({ key, attempt }) => `${key} ${attempt}`)).size).toBe(effects.length);
  for (const wreck of wrecks) {
    const settled = settledIn(wreck.events);
    const again = effects.slice(wreck.effects).filter(({ key }) => settled.has(key));
    expect(again, 'calls that were settled and are started again').toEqual([]);
  }
  // Once, once for each failure, and once for each kill that it was under way in.
  const failures = countBy(
    events.flatMap(({ event }) => (event.type === 'AttemptFailed' ? [event.key] : [])),
  );
  const unknown = countBy(wrecks.flatMap((wreck) => [...inFlightIn(wreck.events)]));
  for (const [key, starts] of countBy(effects.map((effect) => effect.key)))
    expect(starts, `starts of ${key}`).toBeLessThanOrEqual(
      1 + (failures.get(key) ?? 0) + (unknown.get(key) ?? 0),
    );
}

function isUnderWay(events: readonly Recorded[]): boolean {
  return events.length > 0 && !events.some(({ event }) => isTerminal(event));
}

/** Kills one run's programs over and over, telling of each kill that found it under way; then lets it end. */
async function torture(
  seed: number,
  expected: unknown,
  enough: () => boolean,
  killed: () => void,
): Promise<void> {
  const { random } = seededEntropy(seed);
  const site = freshSite();
  const wrecks: Wreck[] = [];
  const where = `seed ${seed}`;
  for (let kill = 0; kill < KILLS_PER_RUN && !enough(); kill += 1) {
    const program = await killSomewhen(site, random);
    // A lease that had to be waited for, an error, a warning: each would be a line.
    const told = program.lines.filter(
      ({ at, code }) => at === 'warning' || at === 'text' || code !== undefined,
    );
    expect(told, `${where}\n${program.tail()}`).toEqual([]);
    const isThere = program.lines.some(({ to }) => to === 'open') || wrecks.length > 0;
    if (!isThere) continue;
    const { events, damage } = inspect(site.path);
    expect(damage, where).toEqual([]);
    const before = wrecks.at(-1)?.events ?? [];
    // As text: comparing values one by one takes longer than all the rest.
    expect(JSON.stringify(events.slice(0, before.length)), where).toBe(JSON.stringify(before));
    if (events.length > 0 && !isUnderWay(events)) break;
    wrecks.push({ events, effects: effectsOf(site.effects).length });
    if (isUnderWay(events)) killed();
  }
  const last = runner(site);
  const end = await last.until((line) => line.at === 'end');
  expect(end['value'], `${where}\n${last.tail()}`).toEqual(expected);
  expect(await last.ended).toEqual({ code: 0, signal: null });
  const { events, damage } = inspect(site.path);
  expect(damage, where).toEqual([]);
  checkEffects(site, wrecks, events);
}

describe('a runner that is killed at random moments', () => {
  it(
    `${KILLS} times: resumes at once, has the same result, and repeats nothing that was settled`,
    { timeout: TORTURE ? 3_600_000 : 120_000 },
    async () => {
      const expected = await undisturbed();
      const count = { kills: 0, runs: 0 };
      const isEnough = (): boolean => count.kills >= KILLS;
      const lane = async (): Promise<void> => {
        while (!isEnough()) {
          count.runs += 1;
          await torture(count.runs, expected, isEnough, () => (count.kills += 1));
        }
      };
      await Promise.all([lane(), lane()]);
      console.info(`${count.kills} kills of programs whose run was under way, over ${count.runs} runs`);
    },
  );
});
