import { shellTask, type Process } from '@pawl/sdk';
import { expect, it } from 'vitest';
import { MemoryStore } from '../src/testing.ts';
import { journal, Lab } from './lab.fixture.ts';

const NOTHING = [process.execPath, '--eval', ''];

/** The most attempts of a run that were under way at once. */
function mostAtOnce(store: MemoryStore): number {
  let running = 0;
  let most = 0;
  for (const { event } of journal(store)) {
    if (event.type === 'AttemptStarted') running += 1;
    if (event.type === 'TaskSucceeded') running -= 1;
    most = Math.max(most, running);
  }
  return most;
}

function six(pool?: string): Process {
  const nothing = shellTask({ name: 'nothing', command: NOTHING, ...(pool === undefined ? {} : { pool }) });
  return (_, ctx) => ctx.parallel.all(Array.from({ length: 6 }, () => () => ctx.task(nothing)));
}

it('runs as many commands at once as limits.shells says', async () => {
  const store = new MemoryStore();
  const outcome = await new Lab().drive(store, six(), null, { limits: { shells: 2 } });
  expect(outcome).toHaveProperty('value.length', 6);
  expect(mostAtOnce(store)).toBe(2);
});

it('leaves commands of another pool to its slots', async () => {
  const store = new MemoryStore();
  await new Lab().drive(store, six('many'), null, { limits: { shells: 2 }, pools: { many: 5 } });
  expect(mostAtOnce(store)).toBe(5);
});
