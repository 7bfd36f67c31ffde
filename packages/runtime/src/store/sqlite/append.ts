/** The one statement list of a commit: fence, runs, events, inbox. Runs inside a transaction. */
import type { Database, Statement } from 'better-sqlite3';

import { CHAIN_START, EVENT_VERSION, nextChain } from '../../journal/chain.ts';
import { assert } from '../../journal/invariant.ts';
import type { RunId } from '../../journal/ids.ts';
import { storeEvent } from '../../journal/stored-event.ts';
import type { AppendRun, LeaseClaim } from '../../ports/journal-store.ts';
import { newRunsOf } from '../new-runs.ts';
import { summarize } from '../../views/run-summary.ts';
import type { RunSummary } from '../../journal/run-summary.ts';
import { sha256 } from '../sha256.ts';
import { codeOf } from './event-types.ts';
import { RUN_COLUMNS, summaryOf } from './run-row.ts';
import type { RunRow } from './run-row.ts';
import type { Keys } from './keys.ts';
import type { Shared } from './shared.ts';

export interface Appended {
  readonly answers: readonly ('committed' | 'fenced')[];
  /** Of payloads, roughly: for the log keeper. */
  readonly bytes: number;
}

/** Rows of one INSERT, largest first: several rows at once take two thirds of the time. */
const CHUNKS = [24, 6, 3, 1] as const;

type Value = string | number | null;

interface Prepared {
  readonly run: AppendRun;
  readonly before: RunRow | undefined;
  readonly chain: string;
  readonly summary: RunSummary;
  /** Rows without the run's number, which a new run gets only when it is inserted. */
  readonly rows: readonly (readonly Value[])[];
}

export class Append {
  readonly #shared: Shared;
  readonly #keys: Keys;
  readonly #selectRun: Statement<[RunId], RunRow>;
  readonly #insertRun: Statement<Value[]>;
  readonly #updateRun: Statement<Value[]>;
  readonly #insertEvents: readonly (readonly [size: number, insert: Statement<[readonly Value[]]>])[];
  readonly #consume: Statement<[number, string]>;
  readonly #passOn: Statement<[number, number]>;

  constructor(db: Database, shared: Shared, keys: Keys) {
    this.#shared = shared;
    this.#keys = keys;
    this.#selectRun = db.prepare(`select ${RUN_COLUMNS} from runs where run_id = ?`);
    this.#insertRun = db.prepare(
      `insert into runs (module, code_hash, inputs_hash, process, started_at, status, updated_at, last_seq,
         tasks_scheduled, tasks_settled, asked, error, chain, min_reader, owner, lease_until, run_id, epoch)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, unhex(?), ?, ?, ?, ?, ?)`,
    );
    // S2: the fence once more, in the write itself.
    this.#updateRun = db.prepare(
      `update runs set status = ?, updated_at = ?, last_seq = ?, tasks_scheduled = ?, tasks_settled = ?,
         asked = ?, error = ?, chain = unhex(?), min_reader = max(min_reader, ?), owner = ?, lease_until = ?
       where id = ? and epoch = ? and last_seq = ?`,
    );
    this.#insertEvents = CHUNKS.map((size) => [
      size,
      db.prepare(
        `insert into events (run, seq, at, type, version, payload, chain)
         values ${Array.from({ length: size }, () => '(?, ?, ?, ?, ?, ?, unhex(?))').join(', ')}`,
      ),
    ]);
    this.#passOn = db.prepare('update inbox set run = ? where run = ? and payload is not null');
    this.#consume = db.prepare('update inbox set payload = null where run = ? and id = ?');
  }

  run(batch: readonly AppendRun[], claim: LeaseClaim): Appended {
    const rows: (readonly Value[])[] = [];
    const answers = batch.map((each) => {
      const parts = [each, ...newRunsOf(each)].map((part) => this.#prepare(part, claim));
      if (!parts.every((part) => part !== undefined)) return 'fenced';
      const runs = parts.map((prepared) => {
        const run = this.#write(prepared, claim);
        for (const row of prepared.rows) rows.push([run, ...row]);
        for (const id of prepared.run.consumed) this.#consume.run(run, id);
        return run;
      });
      const [before, next] = runs;
      const successor = each.successor === undefined ? undefined : next;
      if (before !== undefined && successor !== undefined) this.#passOn.run(successor, before);
      if (before !== undefined && parts[0]?.summary.status !== 'running') this.#keys.ended(before, successor);
      if (each.notes !== undefined) this.#shared.note(each.notes);
      return 'committed';
    });
    this.#insertRows(rows);
    return { answers, bytes: rows.reduce((sum, row) => sum + String(row[5]).length, 0) };
  }

  /** Nothing where the fence says no. */
  #prepare(each: AppendRun, claim: LeaseClaim): Prepared | undefined {
    const { runId, epoch, afterSeq, events } = each;
    const before = this.#selectRun.get(runId);
    if (afterSeq === 0) {
      if (before !== undefined) return undefined;
      assert(
        events.length > 0 && epoch === 1,
        'S1',
        `run ${runId} is created by its first event, in epoch 1`,
      );
    } else if (before?.epoch !== epoch || before.last_seq !== afterSeq || before.owner !== claim.owner) {
      return undefined;
    }
    let chain = before?.chain ?? CHAIN_START;
    let summary = before === undefined ? undefined : summaryOf(before);
    let seq = afterSeq;
    const rows = events.map(({ at, event }) => {
      seq += 1;
      assert(event.type !== 'Compacted', 'J1', `event ${seq} of run ${runId} stands for removed ones`);
      assert(Number.isSafeInteger(at), 'J7', `event ${seq} of run ${runId} happened at ${at}`);
      const { type, version, payload } = storeEvent(event);
      chain = nextChain(sha256, chain, { seq, at, type, version }, payload);
      summary = summarize(runId, summary, { seq, at, event });
      return [seq, at, codeOf(type), version, payload, chain];
    });
    assert(summary !== undefined, 'S1', `run ${runId} has no events`);
    return { run: each, before, chain, summary, rows };
  }

  #write({ run, before, chain, summary }: Prepared, claim: LeaseClaim): number {
    const changing: Value[] = [
      summary.status,
      summary.updatedAt,
      summary.lastSeq,
      summary.tasksScheduled,
      summary.tasksSettled,
      JSON.stringify(summary.asked),
      summary.error,
      chain,
      EVENT_VERSION,
      claim.owner,
      claim.now + claim.ttlMs,
    ];
    if (before !== undefined) {
      const { changes } = this.#updateRun.run(...changing, before.id, run.epoch, run.afterSeq);
      assert(changes === 1, 'S2', `run ${run.runId} changed inside the transaction`);
      return before.id;
    }
    const { module, codeHash, inputsHash, process, startedAt } = summary;
    const fixed = [module, codeHash, inputsHash, process, startedAt];
    return Number(this.#insertRun.run(...fixed, ...changing, run.runId, run.epoch).lastInsertRowid);
  }

  #insertRows(rows: readonly (readonly Value[])[]): void {
    let at = 0;
    for (const [size, insert] of this.#insertEvents) {
      for (; rows.length - at >= size; at += size) insert.run(rows.slice(at, at + size).flat());
    }
  }
}
