/** The keys of runs' secrets, each as long as its run goes on. */
import type { Database, Statement } from 'better-sqlite3';

import type { RunId } from '../../journal/ids.ts';
import type { JournalStore } from '../../ports/journal-store.ts';
import type { StartMail } from './start-mail.ts';

interface Statements {
  readonly selectRun: Statement<[RunId], { readonly id: number; readonly status: string }>;
  readonly insert: Statement<[number, string]>;
  readonly select: Statement<[RunId], string>;
  readonly passOn: Statement<[number, number]>;
  readonly share: Statement<[number, number]>;
  readonly drop: Statement<[number]>;
}

function prepare(db: Database): Statements {
  return {
    selectRun: db.prepare('select id, status from runs where run_id = ?'),
    insert: db.prepare('insert into run_keys (run, key) values (?, ?) on conflict (run) do nothing'),
    select: db
      .prepare<[RunId], string>('select key from run_keys where run = (select id from runs where run_id = ?)')
      .pluck(),
    passOn: db.prepare('update run_keys set run = ? where run = ?'),
    share: db.prepare('insert into run_keys (run, key) select ?, key from run_keys where run = ?'),
    drop: db.prepare('delete from run_keys where run = ?'),
  };
}

export class Keys {
  readonly #db: Database;
  /** Prepared when first needed: a journal of an older format, which is only read, has no such table. */
  #prepared: Statements | undefined;

  readonly #startMail: StartMail;

  constructor(db: Database, startMail: StartMail) {
    this.#db = db;
    this.#startMail = startMail;
  }

  /** Inside a transaction. */
  keep(runId: RunId, fresh: string): ReturnType<JournalStore['keepKey']> {
    const run = this.#statements.selectRun.get(runId);
    if (run === undefined) {
      const key = this.#startMail.keepKey(runId, fresh);
      return key === undefined ? { status: 'unknown' } : { status: 'kept', key };
    }
    if (run.status !== 'running') return { status: 'closed' };
    this.#statements.insert.run(run.id, fresh);
    return { status: 'kept', key: this.of(runId) ?? fresh };
  }

  of(runId: RunId): string | undefined {
    return this.#statements.select.get(runId);
  }

  /** In the commit of a run's end. @param next the run that follows it */
  ended(run: number, next: number | undefined): void {
    if (next === undefined) this.#statements.drop.run(run);
    else this.#statements.passOn.run(next, run);
  }

  /** What was sealed for a run that goes on can be opened by its fork, too. */
  share(run: number, fork: number): void {
    this.#statements.share.run(fork, run);
  }

  get #statements(): Statements {
    return (this.#prepared ??= prepare(this.#db));
  }
}
