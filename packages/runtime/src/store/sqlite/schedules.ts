/** When which process is started, again and again. */
import type { Database, Statement } from 'better-sqlite3';

import { RuntimeError } from '../../errors.ts';
import type { Millis } from '../../journal/ids.ts';
import type {
  EnqueueAnswer,
  Firing,
  MissedPolicy,
  OverlapPolicy,
  ScheduleRecord,
} from '../../ports/work-store.ts';
import { keptJson } from '../kept-json.ts';
import { MAX_SCHEDULES } from '../queue-limits.ts';
import { sha256 } from '../sha256.ts';
import type { Starts } from './starts.ts';
import { hasTable } from './schema.ts';
import type { Sealing } from './sealing.ts';

interface ScheduleRow {
  readonly name: string;
  readonly cron: string;
  readonly zone: string;
  readonly process: string;
  readonly module: string | null;
  readonly code_hash: string | null;
  readonly inputs: string;
  readonly inputs_hash: string;
  /** Hexadecimal. */
  readonly digest: string;
  readonly missed: string;
  readonly overlap: string;
  readonly paused: number;
  readonly next_at: number;
  readonly last_at: number | null;
}

type Value = string | number | null;

const COLUMNS = `name, cron, zone, process, module, code_hash, inputs, inputs_hash, lower(hex(digest)) as digest,
  missed, overlap, paused, next_at, last_at`;
/** Of one look. */
const MAX_DUE = 100;

interface Statements {
  readonly get: Statement<[string], ScheduleRow>;
  readonly list: Statement<[number], ScheduleRow>;
  readonly due: Statement<[Millis, number], ScheduleRow>;
  readonly count: Statement<[], number>;
  readonly put: Statement<Value[]>;
  readonly move: Statement<[Millis, Millis, string, Millis]>;
  readonly pause: Statement<[number, Millis | null, string]>;
  readonly remove: Statement<[string]>;
}

function prepare(db: Database): Statements {
  const select = `select ${COLUMNS} from schedules`;
  return {
    get: db.prepare(`${select} where name = ?`),
    list: db.prepare(`${select} order by name limit ?`),
    due: db.prepare(`${select} where paused = 0 and next_at <= ? order by next_at limit ?`),
    count: db.prepare<[], number>('select count(*) from schedules').pluck(),
    put: db.prepare(
      `insert or replace into schedules (name, cron, zone, process, module, code_hash, inputs, inputs_hash, digest,
         missed, overlap, paused, next_at, last_at)
       values (?, ?, ?, ?, ?, ?, ?, ?, unhex(?), ?, ?, ?, ?, ?)`,
    ),
    move: db.prepare(
      'update schedules set next_at = ?, last_at = ? where name = ? and paused = 0 and next_at = ?',
    ),
    pause: db.prepare('update schedules set paused = ?, next_at = coalesce(?, next_at) where name = ?'),
    remove: db.prepare('delete from schedules where name = ?'),
  };
}

function digestOf(row: Omit<ScheduleRow, 'digest' | 'next_at' | 'last_at' | 'paused'>): string {
  const { name, cron, zone, process, module, code_hash: codeHash, inputs, missed, overlap } = row;
  return sha256(JSON.stringify([name, cron, zone, process, module, codeHash, inputs, missed, overlap]));
}

/** All but the looks are inside a transaction. */
export class Schedules {
  readonly #db: Database;
  readonly #sealing: Sealing;
  #prepared: Statements | undefined;

  constructor(db: Database, sealing: Sealing) {
    this.#db = db;
    this.#sealing = sealing;
  }

  get #statements(): Statements {
    return (this.#prepared ??= prepare(this.#db));
  }

  put(schedule: ScheduleRecord, replace: boolean): boolean {
    const { get, count, put } = this.#statements;
    if (get.get(schedule.name) !== undefined) {
      if (!replace) return false;
    } else if ((count.get() ?? 0) >= MAX_SCHEDULES) {
      throw new RuntimeError('REFUSED', `There are ${MAX_SCHEDULES} schedules already.`, {
        hint: 'Remove some: pawl schedule remove <name>',
      });
    }
    const { name, cron, zone, process, module, codeHash, inputsHash, missed, overlap } = schedule;
    const inputs = this.#sealing.text(inputsPlace(name), JSON.stringify(schedule.inputs));
    const hash = this.#sealing.text(hashPlace(name), inputsHash);
    const hashes = { code_hash: codeHash, inputs_hash: hash };
    const digest = digestOf({ name, cron, zone, process, module, inputs, missed, overlap, ...hashes });
    const code = [module, codeHash, inputs, hash, digest];
    const { isPaused, nextAt, lastAt } = schedule;
    put.run(name, cron, zone, process, ...code, missed, overlap, Number(isPaused), nextAt, lastAt);
    return true;
  }

  list(): readonly ScheduleRecord[] {
    if (this.#prepared === undefined && !hasTable(this.#db, 'schedules')) return [];
    return this.#statements.list.all(MAX_SCHEDULES).map((row) => scheduleOf(row, this.#sealing));
  }

  due(now: Millis): readonly ScheduleRecord[] {
    return this.#statements.due.all(now, MAX_DUE).map((row) => scheduleOf(row, this.#sealing));
  }

  fire(firing: Firing, now: Millis, starts: Starts): readonly EnqueueAnswer[] | undefined {
    const { name, expectedAt, nextAt, lastAt } = firing;
    if (this.#statements.move.run(nextAt, lastAt, name, expectedAt).changes === 0) return undefined;
    return firing.starts.map((start) => starts.enqueue(start, now));
  }

  pause(name: string, isPaused: boolean, nextAt: Millis | undefined): boolean {
    return this.#statements.pause.run(Number(isPaused), nextAt ?? null, name).changes > 0;
  }

  remove(name: string): boolean {
    return this.#statements.remove.run(name).changes > 0;
  }
}

function inputsPlace(name: string): readonly string[] {
  return ['schedule', name];
}

function hashPlace(name: string): readonly string[] {
  return ['schedule inputs', name];
}

function scheduleOf(row: ScheduleRow, sealing: Sealing): ScheduleRecord {
  const { name, cron, zone, process, module } = row;
  // Anyone may write to the file: what was changed there is never started.
  const inputs =
    digestOf(row) === row.digest
      ? keptJson(sealing.wholeJson(inputsPlace(name), String(row.inputs)))
      : undefined;
  return {
    name,
    cron,
    zone,
    process,
    module,
    codeHash: row.code_hash,
    inputs: inputs ?? null,
    inputsHash: sealing.wholeText(hashPlace(name), row.inputs_hash),
    missed: row.missed as MissedPolicy,
    overlap: row.overlap as OverlapPolicy,
    isPaused: row.paused === 1,
    nextAt: row.next_at,
    lastAt: row.last_at,
    isWhole: inputs !== undefined,
  };
}
