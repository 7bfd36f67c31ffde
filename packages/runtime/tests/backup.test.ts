import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineTask, type Context } from '@pawl/sdk';
import { afterAll, afterEach, describe, expect, test } from 'vitest';

import { openJournal, openRuntime, type Runtime } from '../src/index.ts';
import { ManualClock } from '../src/testing.ts';
import { until } from './until.fixture.ts';

// The whole journal into another file, what is no longer wanted out of it, and its room back to the disk.

const folder = mkdtempSync(join(tmpdir(), 'pawl-backup-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const killed: (() => void)[] = [];
afterEach(() => {
  for (const kill of killed.splice(0)) kill();
});
let made = 0;

function fresh(): string {
  made += 1;
  return join(folder, `${made}.db`);
}

/** Another program that writes, until it is ended. */
async function writer(path: string): Promise<() => Promise<void>> {
  const main = join(import.meta.dirname, 'copies-main.fixture.ts');
  const program = spawn(process.execPath, ['--conditions=source', main, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  killed.push(() => program.kill('SIGKILL'));
  await once(program.stdout, 'data');
  return async () => {
    program.kill('SIGKILL');
    if (program.exitCode === null && program.signalCode === null) await once(program, 'exit');
  };
}

function seqOf(path: string): number {
  using journal = openJournal({ path });
  expect(journal.verify().damage).toEqual([]);
  return journal.get('writer').lastSeq;
}

describe('a backup', () => {
  test('while another program writes: each is sound, opens, and goes on', async () => {
    const path = fresh();
    const end = await writer(path);
    const copies: string[] = [];
    using journal = openJournal({ path });
    for (let i = 0; i < 8; i += 1) {
      const copy = fresh();
      expect(journal.backup(copy)).toBe(statSync(copy).size);
      copies.push(copy);
    }
    expect(() => journal.backup(path)).toThrow(/is the journal itself/);
    await end();
    const seqs = copies.map(seqOf);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    expect(new Set(seqs).size).toBeGreaterThan(1);
    expect(statSync(copies[0] ?? '').mode & 0o777).toBe(0o600);
    // Nobody owns its runs: no file says that their owner lives.
    const runtime = await openRuntime({ path: copies[0] ?? '' });
    const steps: number[] = [];
    const step = defineTask({ name: 'step', run: (n: number) => steps.push(n) });
    const handle = runtime.resume('writer', {
      name: 'writer',
      run: async (_: null, ctx: Context) => {
        for (let n = 0; ; n += 1) await ctx.task(step, n);
      },
    });
    handle.result().catch(() => undefined);
    await until(() => steps.length > 3);
    expect(steps[0]).toBeGreaterThan(0);
    await runtime.close();
  });

  test('a file that is there stays as it is, unless it is to be replaced', async () => {
    const path = fresh();
    await openRuntime({ path }).then((runtime) => runtime.close());
    using journal = openJournal({ path });
    const there = fresh();
    writeFileSync(there, 'mine');
    expect(() => journal.backup(there)).toThrow(/is there already/);
    expect(statSync(there).size).toBe(4);
    journal.backup(there, { replace: true });
    expect(openJournal({ path: there }).verify().damage).toEqual([]);
    // A log beside it would be put into what replaces it.
    writeFileSync(`${there}-wal`, 'a log');
    expect(() => journal.backup(there, { replace: true })).toThrow(/has a log beside it/);
    expect(() => journal.backup(join(folder, 'none', 'x.db'))).toThrow(/cannot be written/);
    for (const end of ['-wal', '-shm', '-journal', '-owner-0123456789abcdef'])
      expect(() => journal.backup(path + end, { replace: true })).toThrow(/used beside a journal/);
    expect(() => journal.backup(`${there}-shm`, { replace: true })).toThrow(/used beside a journal/);
    for (const end of ['-copy', '-journal-2026.db', '.db-wal'])
      expect(journal.backup(path + end)).toBeGreaterThan(0);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(journal.verify().damage).toEqual([]);
  });
});

const DAY = 86_400_000;
const double = defineTask({ name: 'double', run: (n: number) => n * 2 });
const child = { name: 'child', run: async (n: number, ctx: Context) => ctx.task(double, n) };
const parent = {
  name: 'parent',
  run: async (
    { round, fails = false }: { round: number; fails?: boolean },
    ctx: Context,
  ): Promise<unknown> => {
    const sum = await ctx.run(child, round, { id: `${ctx.runId}-child` });
    if (fails) throw new RangeError('it fails');
    return round === 0 ? ctx.continueAsNew({ round: 1 }) : sum;
  },
};
const waits = { name: 'waits', run: async (_: null, ctx: Context) => ctx.receive('word') };

describe('pruning', () => {
  async function filled(work: (runtime: Runtime, clock: ManualClock) => Promise<void>): Promise<string[]> {
    const path = fresh();
    const clock = new ManualClock(Date.UTC(2030, 0, 1));
    const runtime = await openRuntime({ path, clock, processes: [parent, child, waits] });
    await work(runtime, clock);
    expect(runtime.store.verify().damage).toEqual([]);
    const left = runtime.list({ limit: 100 }).map(({ runId }) => runId);
    await runtime.close();
    return left.toSorted();
  }

  const start = async (runtime: Runtime, id: string, fails = false): Promise<void> => {
    await runtime
      .start(parent, { round: fails ? 1 : 0, fails }, { id })
      .result()
      .catch(() => undefined);
  };
  const newest = async (runtime: Runtime): Promise<void> => {
    await runtime.start(child, 1, { id: 'newest' }).result();
  };

  test('takes families as a whole: what follows and what was started, and nothing else', async () => {
    const left = await filled(async (runtime, clock) => {
      await start(runtime, 'old');
      await start(runtime, 'bad', true);
      await clock.advance(40 * DAY);
      await start(runtime, 'young');
      await newest(runtime);
      const would = await runtime.copies.prune({ olderThan: '30d', dryRun: true });
      expect(would).toMatchObject({ runs: 6 });
      expect(would.families.map(({ runs, status }) => [runs[0]?.runId, runs.length, status])).toEqual([
        ['old', 4, 'succeeded'],
        ['bad', 2, 'failed'],
      ]);
      const kept = await runtime.copies.prune({ olderThan: '30d', statuses: ['succeeded', 'cancelled'] });
      expect(kept.families.map(({ runs }) => runs[0]?.runId)).toEqual(['old']);
      expect((await runtime.copies.prune({ olderThan: '30d' })).families).toHaveLength(1);
      expect(await runtime.copies.prune({ olderThan: '30d' })).toMatchObject({ runs: 0, events: 0 });
      await start(runtime, 'old');
    });
    // Of what was pruned nothing is left, and its name is free.
    const families = 'old old-child old~2 old~2-child young young-child young~2 young~2-child';
    expect(left).toEqual(['newest', ...families.split(' ')]);
  });

  test('never what has not ended, nor what belongs to it', async () => {
    const left = await filled(async (runtime, clock) => {
      const detaching = {
        name: 'detaching',
        run: async (_: null, ctx: Context) => ctx.run(waits, null, { id: 'open', detached: true }),
      };
      await runtime.start(detaching, null, { id: 'done' }).result();
      await newest(runtime);
      await runtime.stop('open');
      await clock.advance(40 * DAY);
      expect(await runtime.copies.prune({ olderThan: '1d' })).toMatchObject({ runs: 0 });
    });
    expect(left).toEqual(['done', 'newest', 'open']);
  });

  test('never what a fork needs that stays; with the fork it goes', async () => {
    const left = await filled(async (runtime, clock) => {
      const steps = {
        name: 'steps',
        run: async (_: null, ctx: Context) => [await ctx.task(double, 1), await ctx.task(double, 2)],
      };
      await runtime.start(steps, null, { id: 'p' }).result();
      await clock.advance(40 * DAY);
      const fork = await runtime.fork('p', { id: 'f', at: '1', process: steps });
      expect(await fork.result()).toEqual([2, 4]);
      await newest(runtime);
      expect(await runtime.copies.prune({ olderThan: '30d' })).toMatchObject({ runs: 0 });
      await clock.advance(40 * DAY);
      expect(await runtime.copies.prune({ olderThan: '30d' })).toMatchObject({ runs: 2 });
    });
    expect(left).toEqual(['newest']);
  });

  test('one that was changed since it was looked at stays', async () => {
    await filled(async (runtime, clock) => {
      await start(runtime, 'p');
      await newest(runtime);
      await clock.advance(40 * DAY);
      const { copies } = runtime.store;
      const families = copies?.prunable({ endedBefore: clock.now(), statuses: undefined }) ?? [];
      const changed = families.map((family) => ({
        ...family,
        runs: family.runs.map((run) => ({ ...run, lastSeq: run.lastSeq - 1 })),
      }));
      expect(copies?.prune(changed)).toEqual([]);
      expect(copies?.prune(families)).toHaveLength(1);
    });
  });
});

describe('giving room back', () => {
  test('the file is as small as what is in it; another program that drives runs is not made to wait', async () => {
    const path = fresh();
    const clock = new ManualClock(Date.UTC(2030, 0, 1));
    const runtime = await openRuntime({ path, clock });
    const big = { name: 'big', run: async () => 'x'.repeat(200_000) };
    for (let i = 0; i < 10; i += 1) await runtime.start(big, null, { id: `big-${i}` }).result();
    await runtime.start(child, 1, { id: 'newest' }).result();
    await clock.advance(40 * DAY);
    const pruned = await runtime.copies.prune({ olderThan: '30d' });
    expect(pruned.runs).toBe(10);
    expect(pruned.freeBytes).toBeGreaterThan(1_900_000);
    const { before, after } = runtime.copies.shrink();
    expect(before - after).toBeGreaterThanOrEqual(pruned.freeBytes);
    expect(statSync(path).size).toBe(after);
    expect(runtime.store.verify()).toMatchObject({ runs: 1, damage: [] });
    await runtime.start(child, 2, { id: 'later' }).result();
    await runtime.close();

    const end = await writer(path);
    const other = await openRuntime({ path });
    expect(() => other.copies.shrink()).toThrow(
      expect.objectContaining({ code: 'BUSY', hint: expect.stringContaining('pawl compact') }),
    );
    await end();
    expect(other.copies.shrink().after).toBeGreaterThan(0);
    await other.close();
  });
});
