import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PoolStatus } from '../../src/index.ts';
import { openJournal } from '../../src/reader.ts';
import { freshFolder, inspect, Program } from './program.fixture.ts';

interface Site {
  readonly path: string;
  readonly log: string;
}

function freshSite(): Site {
  const folder = freshFolder();
  return { path: join(folder, 'journal.db'), log: join(folder, 'log') };
}

async function programOn({ path }: Site, more: object = {}): Promise<Program> {
  const program = new Program('runner-main.fixture.ts');
  await program.ask('open', { path, ...more });
  return program;
}

function poolIn({ path }: Site, name: string): PoolStatus {
  using journal = openJournal({ path });
  return journal.pools(10).find((pool) => pool.name === name) ?? expect.fail(`no pool ${name}`);
}

const starts = (program: Program): number => program.lines.filter(({ at }) => at === 'started').length;
const ends = (program: Program): Promise<unknown> => program.until(({ at }) => at === 'end');

describe('programs that share a pool', () => {
  it('C30 a killed program: what it held comes back to another one', async () => {
    const site = freshSite();
    const first = await programOn(site);
    await first.ask('start', 'holdsPool', { slots: 3 }, 'first');
    await first.until(() => starts(first) === 3);
    expect(poolIn(site, 'shared')).toMatchObject({ used: { slots: 3 }, available: { slots: 0 }, owners: 1 });

    const second = await programOn(site);
    await second.ask('start', 'holdsPool', { slots: 3 }, 'second');
    // It has told what it wants, and got nothing.
    while (poolIn(site, 'shared').queueLength < 3) await second.ask('list');
    expect(starts(second)).toBe(0);

    await first.kill();
    await second.until(() => starts(second) === 3);
    expect(poolIn(site, 'shared')).toMatchObject({ used: { slots: 3 }, owners: 1 });
    second.send('go', 'second', 'go');
    await ends(second);
    await second.ask('close');
    expect(poolIn(site, 'shared')).toMatchObject({
      used: { slots: 0 },
      active: 0,
      owners: 0,
      utilization: 0,
    });
    expect(inspect(site.path, 'second').damage).toEqual([]);
  });

  it('C30 a program that does not live and is not gone: what it held comes back with its time', async () => {
    const site = freshSite();
    const first = await programOn(site, { leaseMs: 1500 });
    await first.ask('start', 'holdsPool', { slots: 2 }, 'first');
    await first.until(() => starts(first) === 2);
    first.signal('SIGSTOP');
    const second = await programOn(site, { leaseMs: 1500 });
    await second.ask('start', 'holdsPool', { slots: 2 }, 'second');
    await second.until(() => starts(second) === 2);
    first.signal('SIGCONT');
    // What it has is more than there is now; it is told so, and neither of them starts anything more.
    first.send('go', 'first', 'go');
    second.send('go', 'second', 'go');
    await Promise.all([ends(first), ends(second)]);
    await Promise.all([first.ask('close'), second.ask('close')]);
    expect(poolIn(site, 'shared')).toMatchObject({ used: { slots: 0 }, active: 0 });
  });

  it('three programs: never more at once than the limit', async () => {
    const site = freshSite();
    const inputs = { tasks: 60, slots: 4, ms: 5, log: site.log };
    const programs = await Promise.all([programOn(site), programOn(site), programOn(site)]);
    for (const [i, program] of programs.entries()) program.send('start', 'crowd', inputs, `r${i}`);
    await Promise.all(programs.map(ends));
    await Promise.all(programs.map((program) => program.ask('close')));
    let now = 0;
    let most = 0;
    for (const sign of readFileSync(site.log, 'utf8')) most = Math.max(most, (now += sign === '+' ? 1 : -1));
    expect([now, most]).toEqual([0, 4]);
    expect(programs.map(starts)).toEqual([60, 60, 60]);
    expect(poolIn(site, 'crowd')).toMatchObject({ used: { slots: 0 }, stats: { completed: 180 } });
  });
});
