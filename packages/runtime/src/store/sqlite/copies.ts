/** Journals on their way to other files, and back. */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';

import type { Statement } from 'better-sqlite3';

import { RuntimeError } from '../../errors.ts';
import { CHAIN_START, cutDigest, EVENT_VERSION, INSPECT_ONLY, nextChain } from '../../journal/chain.ts';
import type { JournalEvent } from '../../journal/event.ts';
import { NEVER, type Millis, type RunId, type Seq } from '../../journal/ids.ts';
import type { JournalRow } from '../../journal/journal-text.ts';
import type { RunStatus } from '../../journal/run-summary.ts';
import { storeEvent } from '../../journal/stored-event.ts';
import type {
  CopyStore,
  ImportedRow,
  ImportedRun,
  JournalHead,
  PrunableFamily,
  PruneQuery,
} from '../../ports/copy-store.ts';
import { OfferFold } from '../offer-fold.ts';
import { sha256 } from '../sha256.ts';
import { backup } from './backup.ts';
import { codeOf } from './event-types.ts';
import { storageError } from './failure.ts';
import { MOST_GENERATIONS } from './forks.ts';
import type { JournalFile } from './journal-file.ts';
import { Prune } from './prune.ts';
import { CHAIN_COLUMN, runErrorPlace, runInputsPlace } from './run-row.ts';
import type { Access } from './work.ts';

/** How a row is to be stored in this journal. */
type Stored = Pick<ImportedRow, 'version' | 'payload' | 'chain'>;

/** What a removed row leaves in the log, roughly. */
const REMOVED_BYTES = 512;

interface HeadRow {
  readonly id: number;
  readonly last_seq: number;
  readonly chain: string;
  readonly status: RunStatus;
  readonly min_reader: number;
}

type Value = string | number | null;

interface Statements {
  readonly isTaken: Statement<[RunId, RunId], number>;
  readonly insertRun: Statement<Value[]>;
  readonly insertEvent: Statement<Value[]>;
  readonly setChain: Statement<[string, number]>;
  readonly insertConsumed: Statement<[number, string, Millis, string]>;
  readonly insertWaking: Statement<[number, string, Millis]>;
}

export class SqliteCopies implements CopyStore {
  readonly #access: Pick<Access, 'read' | 'write'>;
  readonly #file: JournalFile;
  #prune: Prune | undefined;
  #selectHead: Statement<[RunId], HeadRow> | undefined;
  #selectCount: Statement<[number, Seq], number> | undefined;
  /** Prepared when first needed: few programs copy journals, and older formats, which are only read, lack the tables. */
  #prepared: Statements | undefined;

  constructor(file: JournalFile, access: Pick<Access, 'read' | 'write'>) {
    this.#file = file;
    this.#access = access;
  }

  head(runId: RunId): JournalHead | undefined {
    this.#selectHead ??= this.#file.db.prepare(
      `select id, last_seq, ${CHAIN_COLUMN} as chain, status, min_reader from runs where run_id = ?`,
    );
    const select = this.#selectHead;
    return this.#access.read(() => {
      const row = select.get(runId);
      if (row === undefined) return undefined;
      const { id, last_seq: lastSeq, chain, status, min_reader: minReader } = row;
      const events = this.#count(id, lastSeq);
      return { events, lastSeq, chain, status, isInspectOnly: minReader === INSPECT_ONLY };
    });
  }

  /** Rows of a run, those included that it shares with the run that it is a fork of. */
  #count(run: number, lastSeq: Seq): number {
    this.#selectCount ??= this.#file.db
      .prepare<[number, Seq], number>('select count(*) from events where run = ? and seq <= ?')
      .pluck();
    let count = 0;
    for (
      let [own, last, generations] = [run, lastSeq, 0];
      generations <= MOST_GENERATIONS;
      generations += 1
    ) {
      count += this.#selectCount.get(own, last) ?? 0;
      const prefix = this.#file.statements.forks.prefixOf(own);
      if (prefix === undefined) break;
      [own, last] = [prefix.parent, Math.min(last, prefix.seq)];
    }
    return count;
  }

  rows(runId: RunId, afterSeq: Seq, limit: number): readonly JournalRow[] {
    return this.#access.read(({ read }) => read.stored(runId, afterSeq, limit));
  }

  import(runs: Iterable<ImportedRun>, now: Millis): void {
    this.#file.sealing.needKey();
    this.#access.write((all) => {
      for (const run of runs) {
        const { runId } = run;
        if (this.#statements.isTaken.get(runId, runId) !== undefined) throw taken(runId);
        const id = this.#insertRun(run);
        const offers = this.#insertRows(id, run, now);
        for (const offer of offers.open.values())
          if (!all.offers.restore(offer)) throw openTask(runId, offer.taskId);
        if (run.summary.status === 'running')
          this.#statements.insertWaking.run(id, run.summary.process, NEVER);
      }
    });
  }

  backup(path: string, replaces: boolean): number {
    return this.#access.read(() => backup(this.#file.db, this.#file.path, path, replaces));
  }

  prunable(query: PruneQuery): readonly PrunableFamily[] {
    return this.#access.read(() => this.#file.db.transaction(() => this.#pruner.prunable(query))());
  }

  prune(families: readonly PrunableFamily[]): readonly PrunableFamily[] {
    const gone = this.#access.write(() => this.#pruner.prune(families));
    const events = gone.flatMap(({ runs }) => runs).reduce((sum, { lastSeq }) => sum + lastSeq, 0);
    this.#file.grew(gone.length, events * REMOVED_BYTES);
    return gone;
  }

  freeBytes(): number {
    return this.#access.read(() => this.#pragma('freelist_count') * this.#pragma('page_size'));
  }

  shrink(): ReturnType<CopyStore['shrink']> {
    const { db, path, isDriven } = this.#file;
    if (isDriven) throw driven(path);
    const before = this.#access.read(() => this.#pragma('page_count') * this.#pragma('page_size'));
    checkRoom(path, before - this.freeBytes());
    this.#access.read(() => db.exec('vacuum'));
    this.#access.read(() => db.pragma('wal_checkpoint(truncate)'));
    const after = this.#access.read(() => this.#pragma('page_count') * this.#pragma('page_size'));
    return { before, after };
  }

  #pragma(name: string): number {
    return Number(this.#file.db.pragma(name, { simple: true }));
  }

  get #pruner(): Prune {
    return (this.#prune ??= new Prune(this.#file.db));
  }

  #insertRun({ runId, summary, chain, isInspectOnly }: ImportedRun): number {
    const { process, module, codeHash, inputsHash, status, startedAt, updatedAt, lastSeq } = summary;
    const { tasksScheduled, tasksSettled, asked, error } = summary;
    const values: Value[] = [
      runId,
      process,
      module,
      codeHash,
      inputsHash,
      status,
      startedAt,
      updatedAt,
      lastSeq,
    ];
    const { sealing } = this.#file;
    values[4] = sealing.text(runInputsPlace(runId), inputsHash);
    const told = sealing.textOrNull(runErrorPlace(runId), error);
    values.push(tasksScheduled, tasksSettled, JSON.stringify(asked), told, chain);
    const minReader = isInspectOnly ? INSPECT_ONLY : EVENT_VERSION;
    const inserted = this.#statements.insertRun.run(...values, minReader);
    return Number(inserted.lastInsertRowid);
  }

  /** Gives the external tasks that are open behind the last of them. */
  #insertRows(id: number, { runId, rows, isInspectOnly }: ImportedRun, now: Millis): OfferFold {
    const { states } = this.#file.statements;
    const { insertEvent, insertConsumed, setChain } = this.#statements;
    const fold = new OfferFold(runId);
    let chain = CHAIN_START;
    for (const row of rows) {
      const { seq, at, event } = row.recorded;
      const { version, payload, ...made } = this.#stored(runId, row, chain);
      ({ chain } = made);
      insertEvent.run(id, seq, at, codeOf(event.type), version, payload, chain);
      states.apply(id, [{ at, event }]);
      // Sent again, it is known.
      for (const messageId of messagesOf(event)) insertConsumed.run(id, messageId, now, sha256(''));
      fold.add(row.recorded);
    }
    if (this.#file.sealing.isOn) setChain.run(chain, id);
    // Nobody may answer what nobody goes on with.
    return isInspectOnly ? new OfferFold(runId) : fold;
  }

  /** What is sealed here has other bytes than the text, and so another checksum. */
  #stored(runId: RunId, row: ImportedRow, previous: string): Stored {
    const { sealing } = this.#file;
    const { seq, at, event } = row.recorded;
    if (!sealing.isOn) return row;
    if (event.type === 'Compacted') {
      const digest = cutDigest(sha256, previous, { seq, at }, event);
      return { ...storeEvent({ ...event, digest }), chain: event.chain };
    }
    const { type, version, payload } = sealing.store(runId, seq, at, event);
    return {
      version,
      payload,
      chain: nextChain(sha256, previous, { seq, at, code: codeOf(type), version }, payload),
    };
  }

  get #statements(): Statements {
    if (this.#prepared !== undefined) return this.#prepared;
    const { db } = this.#file;
    this.#prepared = {
      isTaken: db
        .prepare<[RunId, RunId], number>(
          'select 1 from runs where run_id = ? union all select 1 from starts where run_id = ?',
        )
        .pluck(),
      insertRun: db.prepare(
        `insert into runs (run_id, process, module, code_hash, inputs_hash, status, started_at, updated_at, last_seq,
           tasks_scheduled, tasks_settled, asked, error, chain, min_reader, epoch, lease_until)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, unhex(?), ?, 1, 0)`,
      ),
      insertEvent: db.prepare(
        `insert into events (run, seq, at, type, version, payload, chain) values (?, ?, ?, ?, ?, ?, unhex(?))`,
      ),
      setChain: db.prepare('update runs set chain = unhex(?) where id = ?'),
      insertConsumed: db.prepare(
        'insert or ignore into inbox (run, id, posted_at, digest) values (?, ?, ?, unhex(?))',
      ),
      insertWaking: db.prepare('insert into waking (run, process, at, setbacks) values (?, ?, ?, 0)'),
    };
    return this.#prepared;
  }
}

function messagesOf(event: JournalEvent): readonly string[] {
  if ('messageId' in event) return [event.messageId];
  return 'messageIds' in event ? event.messageIds : [];
}

function driven(path: string): RuntimeError {
  return new RuntimeError(
    'BUSY',
    `Other programs drive runs of the journal ${path}, and would wait for this.`,
    {
      hint: 'Stop them (pawl work, pawl serve, pawl run), then: pawl compact',
      data: { path },
    },
  );
}

/** It is written anew twice: into a file of its own, and from there into the log beside the journal. */
function checkRoom(path: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(dirname(path));
  const needed = 2 * bytes;
  if (bavail * bsize >= needed) return;
  const what = `cannot be made smaller: that needs ${needed} bytes of room, and there are ${bavail * bsize}`;
  throw storageError(path, what, 'Make room, or back it up to another disk: pawl backup <file> is as small');
}

function taken(runId: RunId): RuntimeError {
  return new RuntimeError('REFUSED', `The id ${runId} is taken in this journal.`, {
    hint: `See what is there: pawl show ${runId}`,
    data: { runId },
  });
}

function openTask(runId: RunId, taskId: string): RuntimeError {
  return new RuntimeError('REFUSED', `External task ${taskId} of run ${runId} is open here already.`, {
    hint: 'Import it into another journal: pawl import <file> --db other.db',
    data: { runId, taskId },
  });
}
