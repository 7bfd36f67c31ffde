import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';

import type { JournalEvent } from '@pawl/runtime';
import { afterAll } from 'vitest';

import { openSqliteStore } from '../../runtime/src/store/sqlite/sqlite-store.ts';
import { main } from '../src/main.ts';
import { Screen, type Io } from '../src/terminal.ts';

// The command line in this very process: a clock that stands, a terminal of any size, and journals of given events.

const folder = mkdtempSync(join(tmpdir(), 'pawl-here-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;

export function freshFolder(): string {
  count += 1;
  return mkdtempSync(join(folder, `${count}-`));
}

export interface Look {
  readonly cwd: string;
  readonly now: number;
  /** Columns of a terminal; undefined for a pipe. */
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Told of each write to stdout. */
  readonly onWrite?: () => void;
}

export interface Printed {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What the command prints. */
export async function printed(args: readonly string[], look: Look): Promise<Printed> {
  const { cwd, now, columns, rows = 24, env = {}, onWrite } = look;
  const texts = { out: '', err: '' };
  const screenOf = (name: keyof typeof texts): Screen => {
    const sink = new Writable({
      write: (chunk: Buffer, _, done) => {
        texts[name] += chunk.toString();
        if (name === 'out') onWrite?.();
        done();
      },
    });
    const terminal = columns === undefined ? {} : { isTTY: true, columns, rows };
    return new Screen(Object.assign(sink, terminal) as unknown as NodeJS.WriteStream, env);
  };
  const io: Io = {
    out: screenOf('out'),
    err: screenOf('err'),
    env,
    cwd,
    now: () => now,
    readStdin: () => Promise.resolve(''),
    unfinished: new Set(),
    exit: () => undefined,
  };
  const code = await main(args, io);
  await io.out.flushed();
  await io.err.flushed();
  return { code, ...texts };
}

/** An event, and how long after the start of its run it came. */
export type Timed = readonly [afterMs: number, event: JournalEvent];

/** Events in one transaction. */
const BATCH = 20_000;

/** Writes a run as a program would have that nobody drives now; of a hundred thousand events, too. */
export function writeRun(path: string, runId: string, start: number, events: Iterable<Timed>): void {
  const store = openSqliteStore({ path, durability: 'normal' });
  const claim = { owner: 'somebody', now: start, ttlMs: 1 };
  let afterSeq = 0;
  let batch: { at: number; event: JournalEvent }[] = [];
  const commit = (): void => {
    store.append([{ runId, epoch: 1, afterSeq, events: batch, consumed: [] }], claim);
    afterSeq += batch.length;
    batch = [];
  };
  for (const [afterMs, event] of events) {
    batch.push({ at: start + afterMs, event });
    if (batch.length === BATCH) commit();
  }
  if (batch.length > 0) commit();
  store.releaseLease(runId, 1);
  store.close();
}
