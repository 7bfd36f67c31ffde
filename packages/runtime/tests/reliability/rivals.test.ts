import { join } from 'node:path';
import { RunLockedError, type Process } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { MemoryStore, seededEntropy } from '../../src/testing.ts';
import { Lab } from '../lab.fixture.ts';
import { effectsOf, freshFolder, inspect, type Line, LONG_MS, Program, TORTURE } from './program.fixture.ts';

const ROUNDS = TORTURE ? 500 : 15;
const RIVALS = 3;

const isEnd = (id: string) => (line: Line) => line.at === 'end' && line['id'] === id;

describe('several programs resume one run at once', () => {
  it(
    'one owns it, the others are refused with RUN_LOCKED, and each value has one start',
    { timeout: LONG_MS },
    async () => {
      const folder = freshFolder();
      const path = join(folder, 'journal.db');
      const rivals = Array.from({ length: RIVALS }, () => new Program('runner-main.fixture.ts'));
      await Promise.all(rivals.map((rival) => rival.ask('open', { path }, join(folder, 'effects'))));
      const wins = rivals.map(() => 0);
      for (let round = 0; round < ROUNDS; round += 1) {
        const id = `run-${round}`;
        // Begun by one that then lets go of it, in the midst of a task.
        const first = rivals[round % RIVALS];
        const from = first?.lines.length;
        await first?.ask('start', 'gatedSteps', null, id);
        await first?.until((line) => line.at === 'started' && line['key'] === '1', from);
        expect(await first?.ask('stop', id)).not.toHaveProperty('code');

        // Whoever is asked first has a start of some microseconds.
        const inTurn = rivals.map((_, i) => (i + round) % RIVALS);
        const asked = inTurn.map((i) => [i, rivals[i]?.ask('resume', id)] as const).toSorted();
        const answers = await Promise.all(asked.map(([, answer]) => answer));
        const codes = answers.map((answer) => answer?.['code'] ?? 'owner');
        expect(codes.toSorted()).toEqual([
          ...Array.from({ length: RIVALS - 1 }, () => 'RUN_LOCKED'),
          'owner',
        ]);
        expect(answers.flatMap((answer) => answer?.['exitCode'] ?? [])).toEqual([5, 5]);
        const winner = codes.indexOf('owner');
        wins[winner] = (wins[winner] ?? 0) + 1;
        // To all: only the owner has a task that waits for it.
        for (const rival of rivals) rival.send('go', id, 'go');
        const end = await rivals[winner]?.until((line) => isEnd(id)(line) && line['code'] !== 'STOPPED');
        checkValues(path, id, join(folder, 'effects'), end?.['value']);
      }
      for (const rival of rivals) rival.send('close');
      expect(inspect(path, 'run-0').damage).toEqual([]);
      console.info(`rounds won by each: ${wins.join(', ')}`);
    },
  );

  it(
    'of two that start one id at once one runs it, and the other starts nothing',
    { timeout: LONG_MS },
    async () => {
      const folder = freshFolder();
      const path = join(folder, 'journal.db');
      const rivals = [new Program('runner-main.fixture.ts'), new Program('runner-main.fixture.ts')];
      await Promise.all(rivals.map((rival) => rival.ask('open', { path }, join(folder, 'effects'))));
      for (let round = 0; round < ROUNDS; round += 1) {
        const id = `run-${round}`;
        const answers = await Promise.all(
          rivals.map((rival) => rival.ask('start', 'steps', { steps: 3 }, id)),
        );
        const ends = await Promise.all(
          rivals.map((rival, i) =>
            answers[i]?.['code'] === undefined ? rival.until(isEnd(id)) : answers[i],
          ),
        );
        const values = ends.flatMap((end) => (end !== undefined && 'value' in end ? [end['value']] : []));
        expect(values.length).toBeGreaterThan(0);
        for (const value of values) checkValues(path, id, join(folder, 'effects'), value);
        const refused = ends.flatMap((end) => end?.['code'] ?? []);
        for (const code of refused) expect(['RUN_LOCKED', 'FENCED']).toContain(code);
      }
    },
  );
});

describe('a lease', () => {
  it.each([50, 200, 600, 30_000])('of %i ms is renewed in time while its owner waits', async (leaseMs) => {
    const lab = new Lab();
    const store = new MemoryStore();
    const process: Process = (_, ctx) => ctx.task(lab.work, { ms: 100_000, value: 1 });
    await using owner = await lab.open(store, { leaseMs });
    await using rival = await lab.open(store, { leaseMs, entropy: seededEntropy(2) });
    const handle = owner.start(process, null as never, { id: 'r' });
    for (let i = 0; i < 20; i += 1) {
      await lab.clock.advance(leaseMs / 7);
      expect(() => rival.resume('r', process), `after ${i + 1} sevenths`).toThrow(RunLockedError);
    }
    await lab.clock.advance(100_000);
    expect(await handle.result()).toBe(1);
  });
});

/** The result is made of nonces: each of the run's keys was started for one of them only. */
function checkValues(path: string, id: string, effects: string, value: unknown): void {
  const { events } = inspect(path, id);
  const outputs = new Map(
    events.flatMap(({ event }) =>
      event.type === 'TaskSucceeded' ? [[event.key, event.output] as const] : [],
    ),
  );
  expect(value).toSatisfy((nonces) => Array.isArray(nonces));
  expect([...outputs.values()].toSorted()).toEqual([...(value as string[])].toSorted());
  const nonces = new Set<unknown>(outputs.values());
  expect(nonces.size).toBe(outputs.size);
  const counted = effectsOf(effects).filter(({ nonce }) => nonces.has(nonce));
  expect(counted.map(({ key }) => key).toSorted()).toEqual([...outputs.keys()].toSorted());
  const ended = events.filter(({ event }) => event.type === 'RunSucceeded');
  expect(ended).toHaveLength(1);
}
