import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { seededEntropy } from '../../src/testing.ts';
import { isTerminal } from '../../src/journal/event.ts';
import { effectsOf, freshFolder, inspect, Program, TORTURE, type Line } from './program.fixture.ts';

const ROUNDS = TORTURE ? 400 : 40;
/** They wait more than they work. */
const LANES = 4;
const LEASE_MS = 600;

/** A journal, and a program that takes runs of it over. */
interface Theatre {
  readonly path: string;
  readonly effects: string;
  readonly second: Program;
}

interface Stage extends Theatre {
  readonly first: Program;
  readonly id: string;
}

async function theatre(): Promise<Theatre> {
  const folder = freshFolder();
  const path = join(folder, 'journal.db');
  const effects = join(folder, 'effects');
  const second = new Program('runner-main.fixture.ts');
  await second.ask('open', { path, leaseMs: LEASE_MS }, effects);
  return { path, effects, second };
}

/** Two programs on one journal, the first one about to run. */
async function stage(place?: Theatre, id = 'r'): Promise<Stage> {
  const { path, effects, second } = place ?? (await theatre());
  const first = new Program('runner-main.fixture.ts');
  await first.ask('open', { path, leaseMs: LEASE_MS }, effects);
  await first.ask('leaveAtEnd');
  return { path, effects, first, second, id };
}

const isEnd = (line: Line): boolean => line.at === 'end';

/** Takes the run over as soon as its lease allows it; the code where that does not come to be. */
async function takeOver({ second, id }: Stage): Promise<Line | 'BUSY'> {
  for (;;) {
    const { code } = await second.ask('resume', id);
    if (code === undefined) return second.until((line) => isEnd(line) && line['id'] === id);
    if (code === 'BUSY') return 'BUSY';
    expect(code).toBe('RUN_LOCKED');
    await pause(20);
  }
}

/** What the first program did to the world and to the journal since the given moment. */
function since({ path, effects, first, id }: Stage): () => Promise<{ starts: number }> {
  const before = inspect(path, id);
  const done = effectsOf(effects).length;
  return async () => {
    expect(await first.ended, first.tail()).toEqual({ code: 6, signal: null });
    expect(first.lines.filter(isEnd)).toMatchObject([{ code: 'FENCED', exitCode: 6 }]);
    expect(first.stderr).toBe('');
    expect(inspect(path, id)).toEqual(before);
    return { starts: effectsOf(effects).length - done };
  };
}

/** @returns for each of its rounds whether the run was taken over */
async function overtake(lane: number): Promise<readonly boolean[]> {
  const { random } = seededEntropy(4 + lane);
  const overtaken: boolean[] = [];
  const place = await theatre();
  for (let round = lane; round < ROUNDS; round += LANES) {
    const id = `run-${round}`;
    const scene = await stage(place, id);
    const { first } = scene;
    first.send('start', 'slowSteps', { steps: 12, ms: 25 }, id);
    const step = Math.floor(random() * 9);
    await first.until((line) => line.at === 'started' && line['key'] === `${step}/1/0`);
    // Any moment of the step will do: which one is what is drawn.
    await pause(random() * 25);
    first.signal('SIGSTOP');
    // On a busy machine it may have come to its end before the signal was sent: nobody can overtake it then.
    if (inspect(scene.path, id).events.some(({ event }) => isTerminal(event))) {
      first.signal('SIGCONT');
      expect(await first.until(isEnd)).toHaveProperty('value');
      overtaken.push(false);
      continue;
    }
    const end = await takeOver(scene);
    const check = since(scene);
    first.signal('SIGCONT');
    overtaken.push(end !== 'BUSY');
    if (end === 'BUSY') {
      // It stood still in the middle of a commit: nobody can write, and it loses nothing.
      expect(await first.until(isEnd)).toHaveProperty('value');
      continue;
    }
    expect(end['value']).toHaveLength(12);
    // Law 10: stopped between a commit and the start that it recorded, one effect may slip.
    expect((await check()).starts).toBeLessThanOrEqual(1);
  }
  place.second.leave();
  await place.second.kill();
  return overtaken;
}

describe('a runner that was overtaken', () => {
  it(
    'after SIGSTOP past its lease and SIGCONT: writes nothing, starts nothing, ends with 6',
    { timeout: 60_000 + ROUNDS * 10_000 },
    async () => {
      const lanes = await Promise.all(Array.from({ length: LANES }, (_, lane) => overtake(lane)));
      const overtaken = lanes.flat().filter(Boolean).length;
      expect(overtaken).toBeGreaterThan(ROUNDS / 3);
    },
  );

  it.each([
    ['its process holds the event loop', 'stallingProcess', null],
    ['one of its tasks holds the event loop, and others wait behind it', 'stallingTask', null],
  ])('while %s: writes nothing, starts nothing, ends with 6', async (_, name, inputs) => {
    const scene = await stage();
    const { first } = scene;
    await first.ask('block', 3 * LEASE_MS);
    first.send('start', name, inputs, 'r');
    await first.until((line) => line.at === 'blocking');
    const end = await takeOver(scene);
    expect(end).toHaveProperty('value');
    // Else it was not overtaken while it stood still.
    expect(first.lines.some(({ at }) => at === 'unblocked')).toBe(false);
    const check = since(scene);
    await first.until((line) => line.at === 'unblocked');
    expect(await check()).toEqual({ starts: 0 });
  });

  it('while its process holds the event loop in a replay: writes nothing, starts nothing, ends with 6', async () => {
    const scene = await stage();
    const { first } = scene;
    // Begun by a third one, which is killed behind the place where this one will stand still.
    const third = new Program('runner-main.fixture.ts');
    await third.ask('open', { path: scene.path }, scene.effects);
    await third.ask('killAfter', 15);
    third.send('start', 'stallingProcess', null, 'r', true);
    await third.ended;
    expect(inspect(scene.path).events.length).toBeGreaterThanOrEqual(15);
    await first.ask('block', 3 * LEASE_MS);
    first.send('resume', 'r');
    await first.until((line) => line.at === 'blocking');
    const end = await takeOver(scene);
    expect(end).toHaveProperty('value');
    expect(first.lines.some(({ at }) => at === 'unblocked')).toBe(false);
    const check = since(scene);
    await first.until((line) => line.at === 'unblocked');
    expect(await check()).toEqual({ starts: 0 });
  });
});
