/** Looking at every stored row. Damage is listed, never thrown; memory stays bounded, whatever the file holds. */
import type { Database, Statement } from 'better-sqlite3';

import { RuntimeError } from '../../errors.ts';
import { CHAIN_START } from '../../journal/chain.ts';
import { firstPlace } from '../../journal/compaction.ts';
import type { RunId, Seq } from '../../journal/ids.ts';
import type { RunDamage } from '../../ports/journal-store.ts';
import { summarize } from '../../views/run-summary.ts';
import type { RunSummary } from '../../journal/run-summary.ts';
import { summaryProblem } from '../damage.ts';
import { sqliteCode } from './failure.ts';
import { RunFold, type Projections } from './projections.ts';
import { cutIn, rowProblem, type EventRow, type Read } from './read.ts';
import { RUN_COLUMNS, summaryOf, toldId } from './run-row.ts';
import type { RunRow } from './run-row.ts';
import { hasTable, tablesOf } from './schema.ts';
import type { Sealing } from './sealing.ts';

const PAGE = 200;
/** Of one run, and of the file: a hostile one must not fill the memory with complaints. */
const MAX_DAMAGE_PER_RUN = 100;
const MAX_DAMAGE = 10_000;
/** They grow with all that runs do: a look at one as a whole is one statement, for seconds where it is large. */
const GROWING: ReadonlySet<string> = new Set(['events', 'inbox', 'pawl_logs', 'run_state']);

interface Report {
  runs: number;
  events: number;
  readonly damage: RunDamage[];
  /** Whether SQLite looked at every page of the file. */
  readonly isWhole: boolean;
}

/** A run that has events, and whether it is a row of `runs`. */
interface NextRun {
  readonly run: number;
  readonly seq: Seq;
  readonly known: number;
}

interface Walk {
  /** Its number. */
  readonly run: number;
  readonly runId: RunId;
  seq: Seq;
  chain: string;
  summary: RunSummary | undefined;
  readonly fold: RunFold;
}

export class Verify {
  readonly #db: Database;
  readonly #projections: Projections;
  readonly #read: Read;
  readonly #sealing: Sealing;
  readonly #isDriven: () => boolean;
  readonly #selectRun: Statement<[RunId], RunRow>;
  readonly #selectRunAfter: Statement<[number], RunRow>;
  readonly #selectBeyond: Statement<[number, Seq, number], Seq>;
  readonly #dataVersion: Statement<[], number>;
  readonly #selectNextRun: Statement<[number], NextRun>;

  constructor(
    db: Database,
    others: { projections: Projections; read: Read; sealing: Sealing; isDriven: () => boolean },
  ) {
    this.#db = db;
    this.#read = others.read;
    this.#projections = others.projections;
    this.#sealing = others.sealing;
    this.#isDriven = others.isDriven;
    this.#selectRun = db.prepare(`select ${RUN_COLUMNS} from runs where run_id = ?`);
    this.#selectRunAfter = db.prepare(`select ${RUN_COLUMNS} from runs where id > ? order by id limit 1`);
    this.#selectBeyond = db
      .prepare<[number, Seq, number], Seq>(
        `select seq from events where run = ? and seq > ?
           and seq > (select last_seq from runs where id = ?) order by seq limit 1`,
      )
      .pluck();
    this.#dataVersion = db.prepare<[], number>('pragma data_version').pluck();
    this.#selectNextRun = db.prepare(
      `select run, seq, exists (select 1 from runs where id = run) as known from events
       where run > ? order by run, seq limit 1`,
    );
  }

  /** @param whole also where programs drive runs, whose log grows meanwhile */
  all(whole: boolean): Report {
    const isWhole = whole || !this.#isDriven();
    const report: Report = { runs: 0, events: 0, damage: [], isWhole };
    if (isWhole) this.#checkPages(report, String(MAX_DAMAGE_PER_RUN));
    else this.#checkSmallTables(report);
    guard(report, '', 0, () => {
      let last = Number.MIN_SAFE_INTEGER;
      // A damaged tree may lead in a circle: only what comes after counts, here and below.
      for (let row = this.#selectRunAfter.get(last); row !== undefined && row.id > last;) {
        this.#checkRun(row, report);
        last = row.id;
        row = this.#selectRunAfter.get(last);
      }
    });
    guard(report, '', 0, () => this.#checkOrphans(report));
    guard(report, '', 0, () => {
      for (const problem of this.#projections.forkProblems()) add(report, { runId: '', seq: 0, problem });
      for (const problem of this.#projections.startProblems()) add(report, { runId: '', seq: 0, problem });
    });
    return report;
  }

  run(runId: RunId): Report {
    const report: Report = { runs: 0, events: 0, damage: [], isWhole: false };
    guard(report, runId, 0, () => {
      const row = this.#selectRun.get(runId);
      if (row !== undefined) this.#checkRun(row, report);
    });
    return report;
  }

  /**
   * While a statement reads, the log only grows: beside those who write, SQLite looks at what is small, and at the list of
   * free pages, which goes with the schema. Whether a page is used twice, or by nobody, is not seen so.
   */
  #checkSmallTables(report: Report): void {
    guard(report, '', 0, () => {
      const tables = tablesOf(Number(this.#db.pragma('user_version', { simple: true })));
      for (const table of ['sqlite_schema', ...tables])
        if (!GROWING.has(table) && (table === 'sqlite_schema' || hasTable(this.#db, table)))
          this.#checkPages(report, table);
    });
  }

  /** @param what a table, or how many problems of the whole file */
  #checkPages(report: Report, what: string): void {
    guard(report, '', 0, () => {
      const problems = this.#db.pragma(`main.quick_check(${what})`) as readonly {
        readonly quick_check: unknown;
      }[];
      for (const { quick_check: problem } of problems) {
        if (problem !== 'ok') add(report, { runId: '', seq: 0, problem: `SQLite: ${String(problem)}` });
      }
    });
  }

  /** A compaction by another program, seen halfway, looks like damage: then it is one view of the file that counts. */
  #checkRun(row: RunRow, report: Report): void {
    const { runs, events, damage } = report;
    const found = damage.length;
    const version = this.#dataVersion.get();
    this.#walkRun(row, report);
    const isDisturbed = damage.length > found && version !== this.#dataVersion.get();
    if (!isDisturbed || this.#db.inTransaction) return;
    damage.length = found;
    Object.assign(report, { runs, events });
    guard(report, toldId(row), 0, () => {
      this.#db.transaction(() => this.#walkRun(this.#selectRun.get(toldId(row)) ?? row, report))();
    });
  }

  #walkRun(row: RunRow, report: Report): void {
    const runId = toldId(row);
    report.runs += 1;
    const walk: Walk = {
      run: row.id,
      runId,
      seq: 0,
      chain: CHAIN_START,
      summary: undefined,
      fold: new RunFold(runId),
    };
    const found = report.damage.length;
    const isFull = (): boolean => report.damage.length - found >= MAX_DAMAGE_PER_RUN;
    guard(report, runId, 0, () => {
      const kept = summaryOf(row, this.#sealing);
      for (let seq = -1; seq < walk.seq && !isFull();) {
        seq = walk.seq;
        for (const each of this.#read.rows(row.id, seq, kept.lastSeq, PAGE))
          this.#checkRow(each, walk, report);
      }
      if (isFull()) return;
      if (walk.seq < kept.lastSeq) {
        add(report, { runId, seq: walk.seq + 1, problem: `it is missing, as far as ${kept.lastSeq}` });
        return;
      }
      const beyond = this.#selectBeyond.get(row.id, kept.lastSeq, row.id);
      if (beyond !== undefined)
        add(report, { runId, seq: beyond, problem: 'it lies beyond the end of the run' });
      if (walk.chain !== row.chain) {
        add(report, { runId, seq: walk.seq, problem: 'the run was recorded with another last checksum' });
      }
      // Folding what is damaged would only repeat it in other words.
      if (report.damage.length > found) return;
      const problem =
        walk.summary === undefined
          ? 'it has no events'
          : summaryProblem(kept, this.#told(walk.summary, kept));
      if (problem !== undefined) add(report, { runId, seq: 0, problem });
      for (const each of this.#projections.problemsOf(row, walk.fold))
        add(report, { runId, seq: 0, problem: each });
    });
  }

  /** Without the key, what is sealed in a summary is not compared. */
  #told(folded: RunSummary, kept: RunSummary): RunSummary {
    if (!this.#sealing.isLocked) return folded;
    const error = kept.error === null || folded.error === null ? folded.error : kept.error;
    return { ...folded, inputsHash: kept.inputsHash, error };
  }

  /** Each row is held against the checksum stored before it, so that one bad row is one complaint. */
  #checkRow(row: EventRow, walk: Walk, report: Report): void {
    const { runId } = walk;
    report.events += 1;
    guard(report, runId, Number(row.seq), () => {
      const expected = walk.seq + 1;
      const first = firstPlace(row.seq, cutIn(row));
      if (first > expected) {
        add(report, { runId, seq: expected, problem: `it is missing, as far as ${first - 1}` });
      } else {
        const problem = rowProblem(row, expected, walk.chain);
        if (problem === undefined) {
          const event = this.#read.event(runId, walk.run, row, 'mark');
          const recorded = { seq: row.seq, at: row.at, event };
          walk.summary = summarize(runId, walk.summary, recorded);
          walk.fold.add(recorded);
        } else {
          add(report, { runId, seq: expected, problem });
        }
      }
    });
    walk.seq = Math.max(walk.seq, Number(row.seq) || 0);
    walk.chain = row.chain;
  }

  #checkOrphans(report: Report): void {
    let last = Number.MIN_SAFE_INTEGER;
    for (let next = this.#selectNextRun.get(last); next !== undefined && next.run > last;) {
      const { run, seq, known } = next;
      if (known === 0) add(report, { runId: '', seq, problem: `it belongs to no run (number ${run})` });
      last = run;
      next = this.#selectNextRun.get(last);
    }
  }
}

function add(report: Report, damage: RunDamage): void {
  if (report.damage.length < MAX_DAMAGE) report.damage.push(damage);
}

/** Turns what is thrown for damage into a complaint; anything else (I/O, locks) goes on up. */
function guard(report: Report, runId: RunId, seq: Seq, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (error instanceof RuntimeError && (error.code === 'CORRUPT' || error.code === 'NEWER')) {
      add(report, { runId, seq, problem: String(error.data['problem'] ?? error.message) });
    } else if (/^SQLITE_(CORRUPT|NOTADB|FORMAT|TOOBIG|MISMATCH|ERROR)/.test(sqliteCode(error) ?? '')) {
      add(report, {
        runId,
        seq,
        problem: `SQLite: ${error instanceof Error ? error.message : String(error)}`,
      });
    } else {
      throw error;
    }
  }
}
