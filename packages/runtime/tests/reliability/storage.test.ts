import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Child } from '../../src/store/sqlite/child.fixture.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { effectsOf, freshFolder, inspect, type Line, LONG_MS, Program, TORTURE } from './program.fixture.ts';

const INPUTS = { tasks: 240, bytes: 6000 };
const RESULT = INPUTS.tasks * INPUTS.bytes;
const isEnd = (line: Line): boolean => line.at === 'end';

/** A program that runs, or goes on with, a run that needs some space, and tells of each commit. */
function bulk(path: string, shell?: string): Program {
  const program = new Program('runner-main.fixture.ts', shell === undefined ? {} : { shell });
  program.send('open', { path });
  program.send('leaveAtEnd');
  program.send('start', 'bulk', INPUTS, 'r', true);
  return program;
}

/** What was told as committed is in the journal, as it was told. */
function checkAcknowledged(path: string, programs: readonly Program[]): number {
  const told = programs.flatMap((program) => program.lines.filter(({ at }) => at === 'committed'));
  // There may be no journal yet.
  if (told.length === 0) return 0;
  const { events, damage } = inspect(path);
  expect(damage).toEqual([]);
  for (const { seq, type } of told) expect(events[Number(seq) - 1]?.event.type).toBe(type);
  return told.length;
}

/** The program ends with exit code 10 and a typed error, and the journal stays as good as it was told. */
async function endsByStorage(program: Program, path: string): Promise<void> {
  const opened = await program.until(({ to }) => to === 'open');
  // Not even that: then there is no run that could end.
  if (opened['code'] !== undefined) {
    expect(opened).toMatchObject({ code: 'STORAGE', exitCode: 10 });
    await program.kill();
    return;
  }
  expect(await program.ended, program.tail()).toEqual({ code: 10, signal: null });
  expect(program.stderr).toBe('');
  expect(program.lines.find(isEnd)).toMatchObject({
    code: 'STORAGE',
    message: expect.stringContaining(path),
  });
}

async function finishes(path: string, before: readonly Program[]): Promise<void> {
  const last = bulk(path);
  expect(await last.until(isEnd), last.tail()).toMatchObject({ value: RESULT });
  expect(await last.ended, last.tail()).toEqual({ code: 0, signal: null });
  checkAcknowledged(path, [...before, last]);
}

describe('a disk that is full', () => {
  const mounted: string[] = [];
  afterEach(() => {
    for (const folder of mounted.splice(0)) execFileSync('umount', ['-l', folder]);
  });

  function mount(size: string): string | undefined {
    const folder = freshFolder();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'ignore' });
    } catch {
      return undefined;
    }
    mounted.push(folder);
    return folder;
  }

  const sizes = TORTURE
    ? Array.from({ length: 60 }, (_, i) => `${60 + 24 * i}k`)
    : ['120k', '200k', '500k', '1100k'];

  it.for(sizes)(
    'of %s: ends with 10, can be read, and goes on when there is space',
    async (size, { skip }) => {
      const folder = mount(size);
      if (folder === undefined) {
        skip('a small disk can be mounted by root only');
        return;
      }
      const path = join(folder, 'journal.db');
      const programs = [bulk(path)];
      await endsByStorage(programs[0] as Program, folder);
      const acknowledged = checkAcknowledged(path, programs);
      // Still full: the same again, and no harm.
      const again = bulk(path);
      const refused = again.until((line) => line.at === 'answer' && line['code'] !== undefined);
      const ended = again.until(isEnd);
      const how = await Promise.any([refused, ended]);
      expect(how['code'], again.tail()).toBe('STORAGE');
      await again.kill();
      refused.catch(() => undefined);
      ended.catch(() => undefined);
      programs.push(again);
      expect(checkAcknowledged(path, programs)).toBeGreaterThanOrEqual(acknowledged);

      execFileSync('mount', ['-o', 'remount,size=64m', folder]);
      await finishes(path, programs);
    },
  );

  it.each([200, 700])('or a file that may not pass %i KiB: the same', async (kib) => {
    const path = join(freshFolder(), 'journal.db');
    const program = bulk(path, `trap "" XFSZ; ulimit -f ${kib}; exec "$@"`);
    await endsByStorage(program, path);
    expect(checkAcknowledged(path, [program])).toBeGreaterThan(0);
    await finishes(path, [program]);
  });
});

describe('a journal that is not where it was', () => {
  const harms: Readonly<Record<string, (path: string) => () => void>> = {
    'was moved away': (path) => {
      renameSync(path, `${path}.aside`);
      return () => renameSync(`${path}.aside`, path);
    },
    'was replaced by another file': (path) => {
      renameSync(path, `${path}.aside`);
      writeFileSync(path, readFileSync(`${path}.aside`));
      return () => renameSync(`${path}.aside`, path);
    },
    'was moved with its folder': (path) => {
      const folder = join(path, '..');
      renameSync(folder, `${folder}-aside`);
      return () => {
        rmSync(folder, { recursive: true, force: true });
        renameSync(`${folder}-aside`, folder);
      };
    },
    'lost its log': (path) => {
      unlinkSync(`${path}-wal`);
      return () => undefined;
    },
  };

  it.each(Object.entries(harms))(
    'since it %s: ends with 10, and goes on when it is back',
    async (_, harm) => {
      const folder = join(freshFolder(), 'home');
      mkdirSync(folder);
      const path = join(folder, 'journal.db');
      const program = bulk(path);
      await program.until((line) => line.at === 'committed' && line['seq'] === 100);
      const undo = harm(path);
      await endsByStorage(program, path);
      undo();
      expect(checkAcknowledged(path, [program])).toBeGreaterThan(50);
      await finishes(path, [program]);
    },
  );
});

describe('another program that holds the write lock', () => {
  // The store waits for five seconds at each try, and the engine tries again.
  it.each(TORTURE ? [3000, 12_000] : [3000])('for %i ms: is waited for, and nothing is lost', async (ms) => {
    const folder = freshFolder();
    const path = join(folder, 'journal.db');
    const effects = join(folder, 'effects');
    const holder = new Child();
    await holder.tell('nothing');
    const program = new Program('runner-main.fixture.ts');
    program.send('open', { path }, effects);
    program.send('leaveAtEnd');
    program.send('start', 'slowSteps', { steps: 8, ms: 30 }, 'r', true);
    await program.until((line) => line.at === 'started' && line['key'] === '2/1/0');
    await holder.tell('lock', path);
    const before = inspect(path).events.length;
    await holder.tell('unlockAfter', ms);
    expect(await program.until(isEnd), program.tail()).toHaveProperty('value.length', 8);
    expect(await program.ended).toEqual({ code: 0, signal: null });
    const { events, damage } = inspect(path);
    expect(damage).toEqual([]);
    // Else it was not waited for.
    expect(events.length).toBeGreaterThan(before);
    expect(events.at(-1)?.event.type).toBe('RunSucceeded');
    const keys = effectsOf(effects).map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('readers beside writers', () => {
  const READERS = TORTURE ? 8 : 5;
  const WRITERS = TORTURE ? 8 : 3;
  const tasks = TORTURE ? 20_000 : 300;

  it(
    `${READERS} that list and verify all the time, ${WRITERS} that write: no failure, and a short log`,
    { timeout: LONG_MS },
    async () => {
      const path = join(freshFolder(), 'journal.db');
      const writers = Array.from({ length: WRITERS }, () => new Program('runner-main.fixture.ts'));
      await Promise.all(writers.map((writer) => writer.ask('open', { path })));
      writers.forEach((writer, i) => {
        writer.send('leaveAtEnd');
        writer.send('start', 'bulk', { tasks, bytes: 2000 }, `run-${i}`, true);
      });
      const readers = Array.from(
        { length: READERS },
        () => new Program('reader-main.fixture.ts', { args: [path] }),
      );
      let longest = 0;
      const measured = Promise.all(
        writers.map((writer) =>
          writer.until((line) => {
            longest = Math.max(longest, statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0);
            return isEnd(line);
          }),
        ),
      );
      for (const end of await measured) expect(end).toHaveProperty('value', tasks * 2000);
      for (const reader of readers) {
        await reader.until(({ at }) => at === 'reading');
        reader.leave();
      }
      const rounds: number[] = [];
      for (const reader of readers) {
        expect(await reader.ended, reader.tail()).toEqual({ code: 0, signal: null });
        expect(reader.lines.filter(({ at }) => at === 'failure')).toEqual([]);
        rounds.push(Number(reader.lines.at(-1)?.['rounds']));
      }
      for (const writer of writers)
        expect(await writer.ended, writer.tail()).toEqual({ code: 0, signal: null });
      console.info(`longest log ${longest} bytes; rounds of the readers: ${rounds.join(', ')}`);
      expect(longest).toBeLessThan(64 * 1024 * 1024);
      // The last writer may have left while a reader read: whoever comes next empties the log.
      openSqliteStore({ path, durability: 'full' }).close();
      expect(statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0).toBeLessThan(8 * 1024 * 1024);
      expect(inspect(path, 'run-0').damage).toEqual([]);
    },
  );
});
