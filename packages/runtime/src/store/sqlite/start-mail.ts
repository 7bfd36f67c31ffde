/** What is sent to a start that waits, and the key of its secrets: they are the run's, in the transaction that makes it one. */
import type { Database, Statement } from 'better-sqlite3';

import type { Millis, RunId } from '../../journal/ids.ts';
import type { InboxMessage } from '../../ports/journal-store.ts';
import { sha256 } from '../sha256.ts';
import type { Sealing } from './sealing.ts';

interface Statements {
  readonly start: Statement<[RunId], number>;
  readonly isKnown: Statement<[number, string]>;
  readonly insert: Statement<[number, string, Millis, string, string]>;
  readonly move: Statement<[number, number]>;
  readonly empty: Statement<[number]>;
  readonly keepKey: Statement<[string, number]>;
  readonly key: Statement<[number], string | null>;
  readonly moveKey: Statement<[number, number]>;
}

function prepare(db: Database): Statements {
  return {
    start: db.prepare<[RunId], number>('select n from starts where run_id = ?').pluck(),
    isKnown: db.prepare('select 1 from start_inbox where start = ? and id = ?'),
    insert: db.prepare(
      'insert into start_inbox (start, id, posted_at, payload, digest) values (?, ?, ?, ?, unhex(?))',
    ),
    move: db.prepare(
      `insert into inbox (run, id, posted_at, payload, digest)
       select ?, id, posted_at, payload, digest from start_inbox where start = ? order by n`,
    ),
    empty: db.prepare('delete from start_inbox where start = ?'),
    keepKey: db.prepare('update starts set secret_key = ? where n = ? and secret_key is null'),
    key: db.prepare<[number], string | null>('select secret_key from starts where n = ?').pluck(),
    moveKey: db.prepare(
      'insert into run_keys (run, key) select ?, secret_key from starts where n = ? and secret_key is not null',
    ),
  };
}

/** All inside a transaction. */
export class StartMail {
  readonly #db: Database;
  readonly #sealing: Sealing;
  /** Prepared when first needed: a journal of an older format, which is only read, has no such tables. */
  #prepared: Statements | undefined;

  constructor(db: Database, sealing: Sealing) {
    this.#db = db;
    this.#sealing = sealing;
  }

  post(runId: RunId, message: InboxMessage, now: Millis): 'posted' | 'duplicate' | 'unknown' {
    const { start, isKnown, insert } = this.#statements;
    const n = start.get(runId);
    if (n === undefined) return 'unknown';
    if (isKnown.get(n, message.id) !== undefined) return 'duplicate';
    const payload = this.#sealing.message(message);
    insert.run(n, message.id, now, payload, sha256(payload));
    return 'posted';
  }

  /** As it is kept; undefined where no start of this id waits. */
  keepKey(runId: RunId, fresh: string): string | undefined {
    const { start, keepKey, key } = this.#statements;
    const n = start.get(runId);
    if (n === undefined) return undefined;
    keepKey.run(fresh, n);
    return key.get(n) ?? undefined;
  }

  /** The start is a run now. @returns whether something was sent to it */
  moveTo(run: number, n: number): boolean {
    const { move, empty, moveKey } = this.#statements;
    moveKey.run(run, n);
    const { changes } = move.run(run, n);
    if (changes > 0) empty.run(n);
    return changes > 0;
  }

  get #statements(): Statements {
    return (this.#prepared ??= prepare(this.#db));
  }
}
