/**
 * Owns: when the write-ahead log goes back into the database. Talks to: the connection.
 *
 * SQLite's own checkpoints are off: they ignore what their fsync answers, and try again later, when
 * the kernel has forgotten the pages that it could not write. Ours report, and end the connection.
 */
import { statSync } from 'node:fs';

import type { Database } from 'better-sqlite3';

import { ONE_TRY_MS } from './patience.ts';

const PAGE_BYTES = 4096;
/** Pages of the runs table, of the last events and of their index. */
const PAGES_PER_RUN = 3;
const CHECKPOINT_PAGES = 1000;
/** A log that grew to this beside busy readers or writers is worth waiting a moment for. */
const LONG_LOG_PAGES = 2000;
/** What is put back into the database while nobody may write takes half a second at most. */
const MOST_LEFT_PAGES = 16_000;
/** The longer it is, the longer: 100 ms at first. Where processors are short, a reader of a page needs as long. */
const WAIT_MS_PER_PAGE = 1 / 20;
const LONGEST_WAIT_MS = 500;
/** Waiting in vain takes a tenth of the time at most. */
const REST_FOR_WAIT = 10;
const IDLE_MS = 1000;

interface Checkpoint {
  readonly busy: number;
  /** Pages in the log. */
  readonly log: number;
  readonly checkpointed: number;
}

export class WalKeeper {
  readonly #db: Database;
  readonly #onFailure: (error: unknown) => void;
  #pages = 0;
  /** How far the log was in the database when it was waited for in vain: while it gets no farther, a reader stays. */
  #stuckAt = -1;
  #waitsFromMs = 0;
  #lastWriteMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(db: Database, onFailure: (error: unknown) => void) {
    this.#db = db;
    this.#onFailure = onFailure;
  }

  /** After a commit. It never throws: what was committed is committed. */
  afterWrite(runs: number, bytes: number): void {
    this.#pages += runs * PAGES_PER_RUN + Math.ceil(bytes / PAGE_BYTES);
    this.#lastWriteMs = performance.now();
    this.#timer ??= setTimeout(() => this.#whenIdle(), IDLE_MS).unref();
    if (this.#pages < CHECKPOINT_PAGES) return;
    this.#pages = 0;
    this.#guarded(() => this.#checkpoint());
  }

  /**
   * What an earlier process left in the log goes into the database before anything is added. A log
   * whose last fsync failed may hold pages that only the cache has.
   */
  onOpen(path: string): void {
    const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
    if (log !== undefined && log.size > 0) this.#run('PASSIVE');
  }

  /** @throws SqliteError */
  onClose(): void {
    clearTimeout(this.#timer);
    this.#run('TRUNCATE');
  }

  /** All of it into the database, and nothing left in the log. */
  empty(): boolean {
    return this.#run('TRUNCATE').busy === 0;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #checkpoint(): void {
    if (this.#run('PASSIVE').log < LONG_LOG_PAGES) return;
    // Its answer does not count what others wrote meanwhile.
    const { log, checkpointed } = this.#run('NOOP');
    const start = performance.now();
    if (checkpointed === this.#stuckAt || log - checkpointed > MOST_LEFT_PAGES || start < this.#waitsFromMs)
      return;
    const isNew = this.#restart(Math.min(LONGEST_WAIT_MS, Math.round(log * WAIT_MS_PER_PAGE)));
    const end = performance.now();
    this.#stuckAt = isNew ? -1 : checkpointed;
    this.#waitsFromMs = isNew ? 0 : end + REST_FOR_WAIT * (end - start);
  }

  /**
   * Has the next writer begin the log anew, which needs a moment in which nobody reads from it. Nobody writes while it is
   * waited for: so all of it is in the database soon, who then begins to read needs nothing of the log, and only those are
   * waited for that read already.
   */
  #restart(waitMs: number): boolean {
    this.#db.pragma(`busy_timeout = ${waitMs}`);
    try {
      return this.#run('RESTART').busy === 0;
    } finally {
      this.#db.pragma(`busy_timeout = ${ONE_TRY_MS}`);
    }
  }

  #whenIdle(): void {
    this.#timer = undefined;
    const idleMs = performance.now() - this.#lastWriteMs;
    if (idleMs < IDLE_MS / 2) {
      this.#timer = setTimeout(() => this.#whenIdle(), IDLE_MS).unref();
      return;
    }
    this.#pages = 0;
    this.#guarded(() => this.#run('TRUNCATE'));
  }

  #guarded(work: () => unknown): void {
    try {
      work();
    } catch (error) {
      this.#onFailure(error);
    }
  }

  #run(mode: 'NOOP' | 'PASSIVE' | 'RESTART' | 'TRUNCATE'): Checkpoint {
    const rows = this.#db.pragma(`wal_checkpoint(${mode})`) as readonly Checkpoint[];
    return rows[0] ?? { busy: 0, log: 0, checkpointed: 0 };
  }
}
