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
/** What is put back into the database while nobody may write: 64 MB, half a second's work of a disk that is fast enough. */
const MOST_LEFT_PAGES = 16_000;
/**
 * After so many commits the log is asked how long it is: of some nobody knows what they left in it, and others write, too.
 * These looks take 4 % of the time of all commits. With a quarter of them the log was 71 MB beside 8 programs that read
 * and 8 that write.
 */
const COMMITS_PER_LOOK = 16;
/** The longer it is, the longer: 100 ms at first. Where processors are short, a reader of a page needs as long. */
const WAIT_MS_PER_PAGE = 1 / 20;
const LONGEST_WAIT_MS = 500;
/** Waiting in vain takes a tenth of a program's time at most. */
const REST_FOR_WAIT = 10;
/** A disk or a program that stood still meanwhile is no longer wait for a reader. */
const LONGEST_COUNTED_MS = 2 * LONGEST_WAIT_MS;
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
  #commits = 0;
  /** How far the log was in the database when it was waited for in vain: while it gets no farther, a reader stays. */
  #stuckAt = -1;
  #waitsFromMs = 0;
  #lastWriteMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(db: Database, onFailure: (error: unknown) => void) {
    this.#db = db;
    this.#onFailure = onFailure;
  }

  /** After each commit. It never throws: what was committed is committed. */
  committed(): void {
    this.#lastWriteMs = performance.now();
    this.#timer ??= setTimeout(() => this.#whenIdle(), IDLE_MS).unref();
    this.#commits += 1;
    if (this.#commits % COMMITS_PER_LOOK === 0) this.#guarded(() => this.#look());
  }

  /** What a commit left in the log, where that is known. It never throws, either. */
  grew(runs: number, bytes: number): void {
    this.#pages += runs * PAGES_PER_RUN + Math.ceil(bytes / PAGE_BYTES);
    if (this.#pages >= CHECKPOINT_PAGES) this.#guarded(() => this.#checkpoint());
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
    this.#truncate();
  }

  /** All of it into the database, and nothing left in the log. */
  empty(): boolean {
    return this.#run('TRUNCATE').busy === 0;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #look(): void {
    const { log, checkpointed } = this.#run('NOOP');
    if (log - checkpointed >= CHECKPOINT_PAGES) this.#checkpoint();
  }

  #checkpoint(): void {
    this.#pages = 0;
    if (this.#run('PASSIVE').log < LONG_LOG_PAGES) return;
    // Its answer does not count what others wrote meanwhile.
    const { log, checkpointed } = this.#run('NOOP');
    const start = performance.now();
    if (log < LONG_LOG_PAGES || log - checkpointed > MOST_LEFT_PAGES) return;
    if (checkpointed === this.#stuckAt || start < this.#waitsFromMs) return;
    const restarted = this.#restart(Math.min(LONGEST_WAIT_MS, Math.round(log * WAIT_MS_PER_PAGE)));
    const isNew = restarted.busy === 0;
    const end = performance.now();
    this.#stuckAt = isNew ? -1 : restarted.checkpointed;
    this.#waitsFromMs = isNew ? 0 : end + REST_FOR_WAIT * Math.min(end - start, LONGEST_COUNTED_MS);
  }

  /** Nothing is left in the log, unless somebody reads from it; of a long one not while nobody may write. */
  #truncate(): void {
    this.#run('PASSIVE');
    const { log, checkpointed } = this.#run('NOOP');
    if (log - checkpointed <= MOST_LEFT_PAGES) this.#run('TRUNCATE');
  }

  /**
   * Has the next writer begin the log anew, which needs a moment in which nobody reads from it. Nobody writes while it is
   * waited for: so all of it is in the database soon, who then begins to read needs nothing of the log, and only those are
   * waited for that read already.
   */
  #restart(waitMs: number): Checkpoint {
    this.#db.pragma(`busy_timeout = ${waitMs}`);
    try {
      return this.#run('RESTART');
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
    this.#guarded(() => this.#truncate());
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
