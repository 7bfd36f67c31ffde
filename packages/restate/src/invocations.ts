import type { RunId } from '@pawl/runtime';
import { RuntimeError } from '@pawl/runtime/errors';
import { listed, type Admin } from './admin.ts';
import type { Invocation } from './mirror-store.ts';

/** What is looked at. */
export type About =
  /** One run, with those that it started; undefined: the newest. */
  | { readonly run: RunId | undefined }
  /** So many of the newest, of those that began before this one; `open`: and all that have not ended. */
  | {
      readonly newest: number;
      readonly before?: RunId | undefined;
      readonly isOpen?: boolean | undefined;
      readonly open?: true;
    }
  /** All that have not ended. */
  | { readonly open: true };

export interface Found extends Invocation {
  /** Changes with whatever changes of it. */
  readonly version: string;
  /** Entries of its journal. */
  readonly size: number;
}

/** As Restate's SQL gives it: what is not there is left out. */
interface Row {
  readonly id: string;
  readonly process: string;
  readonly run_id: string;
  readonly status: string;
  readonly created_at: string;
  readonly modified_at: string;
  readonly size?: number;
  readonly retry_at?: string;
  readonly failure?: string;
}

interface Paused {
  readonly last_failure?: { readonly error_message?: string };
}

const COLUMNS =
  'id, target_service_name as process, target_service_key as run_id, status, created_at, modified_at, ' +
  'journal_size as size, next_retry_at as retry_at, coalesce(last_failure, completion_failure) as failure';
/** Journals that are held in memory at once. */
const MOST_LOOKED_AT = 2000;
const OPEN = "status <> 'completed'";
/** Messages to one run that are gone on with at once. */
const MOST_MAIL = 1000;
/** Of them some have not begun. */
const NEWEST = 5;

/** The oldest first. @throws RuntimeError REFUSED where there are too many, or it is not clear which one is meant */
export async function invocationsOf(admin: Admin, about: About): Promise<readonly Found[]> {
  const processes = await admin.processes();
  if (processes.length === 0) return [];
  const ours = `target_handler_name = 'run' and target_service_name in (${listed(processes)})`;
  return withPauses(admin, await lookedFor(admin, ours, about));
}

async function lookedFor(admin: Admin, ours: string, about: About): Promise<readonly Found[]> {
  if ('run' in about)
    return about.run === undefined ? manyOf(admin, ours, NEWEST) : oneOf(admin, ours, about.run);
  if (!('newest' in about)) return manyOf(admin, `${ours} and ${OPEN}`, Infinity);
  const where = [
    ours,
    ...(about.isOpen === true ? [OPEN] : []),
    ...(about.before === undefined ? [] : [await beforeOf(admin, ours, about.before)]),
  ].join(' and ');
  const newest = await manyOf(admin, where, about.newest);
  if (about.open === undefined) return newest;
  const known = new Set(newest.map(({ id }) => id));
  const open = await manyOf(admin, `${ours} and ${OPEN}`, Infinity);
  return [...open.filter(({ id }) => !known.has(id)), ...newest];
}

async function manyOf(admin: Admin, where: string, limit: number): Promise<readonly Found[]> {
  const rows = await admin.sql<Row>(
    `select ${COLUMNS} from sys_invocation where ${where} order by created_at desc limit ${Math.min(limit, MOST_LOOKED_AT + 1)}`,
  );
  if (rows.length > MOST_LOOKED_AT)
    throw new RuntimeError(
      'REFUSED',
      `There are more than ${MOST_LOOKED_AT} runs to look through, and each is read whole.`,
      { hint: 'See the newest: pawl list --limit 100   (or ask Restate: restate invocations list)' },
    );
  return rows.map(foundOf).toReversed();
}

async function oneOf(admin: Admin, ours: string, runId: RunId): Promise<readonly Found[]> {
  const rows = await admin.sql<Row>(
    `select ${COLUMNS} from sys_invocation where ${ours} and target_service_key in (${listed(startersOf(runId))})`,
  );
  const longest = Math.max(0, ...rows.map((row) => row.run_id.length));
  const meant = rows.filter((row) => row.run_id.length === longest).map(foundOf);
  if (meant.length <= 1) return meant;
  const names = meant.map(({ process }) => `'${process}'`).join(' and ');
  throw new RuntimeError(
    'REFUSED',
    `Runs of ${names} have the id ${runId}: it is not clear which one is meant.`,
    {
      hint: `On Restate ids are those of one process; see them: restate invocations list --key ${runId}`,
    },
  );
}

/** What was sent to a run and is not in it yet: a worker has to take it, also where the run rests. The first one first. */
export async function mailOf(
  admin: Admin,
  { process, runId }: Pick<Invocation, 'process' | 'runId'>,
): Promise<readonly Pick<Invocation, 'id' | 'status'>[]> {
  return admin.sql(
    `select id, status from sys_invocation where ${OPEN} and target_handler_name = 'post' ` +
      `and target_service_name = ${listed([process])} and target_service_key = ${listed([runId])} ` +
      `order by created_at limit ${MOST_MAIL}`,
  );
}

/** Restate has given it up for now. */
export function isSetBack({ status }: Pick<Invocation, 'status'>): boolean {
  return status === 'paused' || status === 'backing-off';
}

/** Why one is paused stands in its history alone. */
async function withPauses(admin: Admin, found: readonly Found[]): Promise<readonly Found[]> {
  const paused = found.filter(({ status }) => status === 'paused').map(({ id }) => id);
  if (paused.length === 0) return found;
  const events = await admin.sql<{ readonly id: string; readonly event: string }>(
    `select id, event_json as event from sys_journal_events where event_type = 'Paused' and id in (${listed(paused)}) ` +
      'order by appended_at',
  );
  const failures = new Map(events.map(({ id, event }) => [id, (JSON.parse(event) as Paused).last_failure]));
  return found.map((each) => ({ ...each, failure: failures.get(each.id)?.error_message ?? each.failure }));
}

/** Itself, and whoever may have started it, or go on as it: `order.2` is of `order`, and so is `order~2`. */
function startersOf(runId: RunId): readonly string[] {
  const ends = [...runId.matchAll(/[.~]/g)].map(({ index }) => runId.slice(0, index));
  return [runId, ...ends.filter((id) => id !== '')];
}

async function beforeOf(admin: Admin, ours: string, before: RunId): Promise<string> {
  const [found] = await oneOf(admin, ours, before);
  // It is read too: what comes before it in its own invocation may be asked for.
  return found === undefined ? 'false' : `created_at <= '${new Date(found.createdAt).toISOString()}'`;
}

function foundOf(row: Row): Found {
  const { id, process, run_id: runId, status, size = 0, failure = null } = row;
  return {
    id,
    process,
    runId,
    status,
    size,
    createdAt: Date.parse(row.created_at),
    retryAt: row.retry_at === undefined ? null : Date.parse(row.retry_at),
    failure,
    version: JSON.stringify([row.modified_at, status, size, row.retry_at ?? '']),
  };
}
