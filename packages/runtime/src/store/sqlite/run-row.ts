/** A row of `runs`: the run's projection beside its fence and its lease. */
import type { RunId } from '../../journal/ids.ts';
import type { RunSummary } from '../../journal/run-summary.ts';
import { corrupt } from '../damage.ts';
import type { Sealing } from './sealing.ts';

type Column = string | number | null;

export interface RunRow {
  readonly id: number;
  /** Null: it is none. */
  readonly run_id: string | null;
  readonly process: Column;
  readonly module: Column;
  readonly code_hash: Column;
  readonly inputs_hash: Column;
  readonly status: Column;
  readonly started_at: Column;
  readonly updated_at: Column;
  readonly last_seq: number;
  readonly tasks_scheduled: Column;
  readonly tasks_settled: Column;
  readonly asked: Column;
  readonly error: Column;
  /** Hexadecimal. */
  readonly chain: string;
  readonly min_reader: number;
  readonly epoch: number;
  readonly owner: string | null;
  readonly lease_until: number;
}

/** A checksum as text; one that a forged file makes longer than any is read as far as that shows. */
export const CHAIN_COLUMN = 'lower(hex(substr(chain, 1, 33)))';

/** No id is nearly as long. */
const LONGEST_ID = 1000;
/** An id, or nothing where a forged file makes it longer than any: each message about its run tells it. */
export const ID_COLUMN: string = `case when length(run_id) <= ${LONGEST_ID} then run_id else null end as run_id`;

export const RUN_COLUMNS: string = `id, ${ID_COLUMN}, process, module, code_hash, inputs_hash, status, started_at,
  updated_at, last_seq, tasks_scheduled, tasks_settled, asked, error, ${CHAIN_COLUMN} as chain,
  min_reader, epoch, owner, lease_until`;

const STATUSES: ReadonlySet<unknown> = new Set<RunSummary['status']>([
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'continued',
]);

type Place = readonly string[];

export function runErrorPlace(runId: string): Place {
  return ['run error', runId];
}

export function runInputsPlace(runId: string): Place {
  return ['run inputs', runId];
}

/** Where a row names no run, its number does: for messages about it. */
export function toldId({ id, run_id: runId }: RunRow): RunId {
  return typeof runId === 'string' ? runId : `number ${id}`;
}

/** @throws RuntimeError CORRUPT */
export function idOf(row: RunRow): RunId {
  if (typeof row.run_id === 'string') return row.run_id;
  throw corrupt(toldId(row), 0, 'its id is none');
}

/** @throws RuntimeError CORRUPT */
export function summaryOf(row: RunRow, sealing: Sealing): RunSummary {
  const runId = idOf(row);
  const bad = (column: string): never => {
    throw corrupt(runId, 0, `its summary has a bad ${column}`);
  };
  const text = (column: keyof RunRow): string => {
    const value = row[column];
    return typeof value === 'string' ? value : bad(column);
  };
  const textOrNull = (column: keyof RunRow): string | null => (row[column] === null ? null : text(column));
  const count = (column: keyof RunRow): number => {
    const value = row[column];
    return typeof value === 'number' && Number.isSafeInteger(value) ? value : bad(column);
  };
  const status = STATUSES.has(row.status) ? (row.status as RunSummary['status']) : bad('status');
  return {
    runId,
    process: text('process'),
    module: textOrNull('module'),
    codeHash: textOrNull('code_hash'),
    inputsHash: sealing.shownText(runInputsPlace(runId), text('inputs_hash')),
    status,
    startedAt: count('started_at'),
    updatedAt: count('updated_at'),
    lastSeq: row.last_seq < 1 ? bad('last_seq') : count('last_seq'),
    tasksScheduled: count('tasks_scheduled'),
    tasksSettled: count('tasks_settled'),
    asked: keysOf(text('asked')) ?? bad('asked'),
    error: row.error === null ? null : sealing.shownText(runErrorPlace(runId), text('error')),
  };
}

function keysOf(json: string): readonly string[] | undefined {
  if (json === '[]') return [];
  try {
    const keys: unknown = JSON.parse(json);
    return Array.isArray(keys) && keys.every((key) => typeof key === 'string') ? keys : undefined;
  } catch {
    return undefined;
  }
}
