import { describe, expect, test, vi } from 'vitest';

import type { Figures } from '../part.ts';
import { shimProblem } from '../shim/shim.ts';
import { testTier } from '../tier.fixture.ts';
import { crashStates, tryStates } from './crash-states.ts';
import { Disk } from './disk.ts';
import type { Durable } from '../told.ts';

// A machine that is busy with other things takes many times what it takes alone.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const problem = shimProblem();

describe('a disk', () => {
  const bytesOf = (disk: Disk): string | undefined => disk.whole().files.get('a')?.toString();
  const all =
    (random: number): ((disk: Disk) => string | undefined) =>
    (disk) =>
      disk
        .afterPowerCut(() => random)
        .files.get('a')
        ?.toString();
  const none = all(0.2);

  test('holds for certain what was synced, under a name whose folder was', () => {
    const disk = new Disk();
    disk.apply({ type: 'create', path: 'a', file: 1 });
    disk.apply({ type: 'write', file: 1, offset: 0, data: Buffer.from('old') });
    disk.apply({ type: 'sync', file: 1 });
    expect(bytesOf(disk)).toBe('old');
    // The name is not certain: 0.2 draws "none" for everything.
    expect(none(disk)).toBeUndefined();
    disk.apply({ type: 'sync folder', path: '' });
    expect(none(disk)).toBe('old');
    disk.apply({ type: 'write', file: 1, offset: 0, data: Buffer.from('new') });
    expect(bytesOf(disk)).toBe('new');
    expect(none(disk)).toBe('old');
    disk.apply({ type: 'sync', file: 1 });
    expect(none(disk)).toBe('new');
    expect(disk.pending).toBe(0);
  });
});

testTier(crashStates, 'nothing that was acknowledged is missing, and the run goes on to its end');

describe.skipIf(problem !== undefined)('after the power went', () => {
  // What the states are worth is shown by what they find where there is something to be found.
  test.each<[Durable, readonly string[]]>([
    ['never', ['damaged', 'lost']],
    ['as the binding does', ['lost']],
    ['normal', ['lost']],
  ])('a journal that is synced "%s" is found %j', async (durable, kinds) => {
    const figures: Figures = new Map();
    const found = new Set<string>();
    const context = { seed: 8, rounds: 40, at: undefined, figures, violated: () => undefined };
    await tryStates(context, durable, (_, { kind }) => found.add(kind));
    expect([...found].toSorted()).toEqual(kinds);
  });
});
