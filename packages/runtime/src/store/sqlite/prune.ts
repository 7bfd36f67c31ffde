/** Removing runs that have ended, with all that belongs to them. */
import type { Database, Statement } from 'better-sqlite3';

import type { Millis } from '../../journal/ids.ts';
import type { RunStatus } from '../../journal/run-summary.ts';
import type { PrunableFamily, PrunableRun, PruneQuery } from '../../ports/copy-store.ts';
import { codeOf } from './event-types.ts';
import { hasTable } from './schema.ts';

interface OldRun {
  readonly run: number;
  readonly run_id: string;
  readonly process: string;
  readonly status: RunStatus;
  readonly updated_at: number;
  readonly last_seq: number;
}

interface Link {
  readonly run: number;
  readonly other: number;
}

/** What is kept of a run beside its row, in the order in which it may go. */
const TABLES = [
  'inbox',
  'run_state',
  'run_keys',
  'offers',
  'waking',
  'start_keys',
  'pawl_forks',
  'pawl_logs',
  'events',
];

/** Second event of a run that another one started. */
const PARENTS = `select e.run, p.id as other from runs r join events e on e.run = r.id and e.seq = 2
  join runs p on p.run_id = e.payload ->> '$.parentRunId' where e.type = ${codeOf('ParentRecorded')}`;
const FOLLOWERS = `select n.id as run, r.id as other from runs r join runs n on n.run_id =
    (select payload ->> '$.nextRunId' from events where run = r.id and type = ${codeOf('RunContinued')}
     order by seq desc limit 1)
  where r.status = 'continued'`;
/** Forks of whose parent rows or results are needed. */
const FORKS = `select run, parent as other from pawl_forks`;
const TAKERS = `select e.run, p.id as other from runs r join events e on e.run = r.id and e.type = ${codeOf('RunForked')}
    and e.seq = coalesce((select seq from pawl_forks where run = r.id), 1) + 1
  join runs p on p.run_id = e.payload ->> '$.parentRunId' where r.status = 'running'`;

export class Prune {
  readonly #db: Database;
  readonly #selectOld: Statement<[Millis], OldRun>;
  readonly #isSame: Statement<[number, string, number], number>;
  readonly #selectForks: Statement<[number], number>;
  readonly #delete: readonly Statement<[number]>[];

  /** Only of a journal of this format. */
  constructor(db: Database) {
    this.#db = db;
    // The newest stays, so that its number is never another run's: programs know runs by them.
    this.#selectOld = db.prepare(
      `select id as run, run_id, process, status, updated_at, last_seq from runs
       where status <> 'running' and updated_at < ? and id < (select max(id) from runs)`,
    );
    this.#isSame = db
      .prepare<[number, string, number], number>(
        `select 1 from runs where id = ? and run_id = ? and last_seq = ? and status <> 'running' and owner is null`,
      )
      .pluck();
    this.#selectForks = db.prepare<[number], number>('select run from pawl_forks where parent = ?').pluck();
    this.#delete = [
      ...TABLES.filter((table) => hasTable(db, table)).map((table) =>
        db.prepare<[number]>(`delete from ${table} where run = ?`),
      ),
      db.prepare<[number]>('delete from runs where id = ?'),
    ];
  }

  prunable({ endedBefore, statuses }: PruneQuery): readonly PrunableFamily[] {
    const old = new Map(this.#selectOld.all(endedBefore).map((row) => [row.run, row]));
    const parents = this.#links(PARENTS);
    const followers = this.#links(FOLLOWERS);
    const families = [...familiesOf(old, [...parents, ...followers])].flatMap((family) => {
      const found = familyOf(family, old, new Set(parents.map(({ run }) => run)), followers);
      const isWanted = found !== undefined && (statuses?.includes(found.status) ?? true);
      return isWanted ? [found] : [];
    });
    return withoutNeeded(families, [...this.#links(FORKS), ...this.#links(TAKERS)]).toSorted(
      (a, b) => a.endedAt - b.endedAt,
    );
  }

  /** Inside a transaction. */
  prune(families: readonly PrunableFamily[]): readonly PrunableFamily[] {
    const isSame = ({ run, runId, lastSeq }: PrunableRun): boolean =>
      this.#isSame.get(run, runId, lastSeq) !== undefined;
    const forksOf = (run: number): number[] => this.#selectForks.all(run);
    let free = families.filter(({ runs }) => runs.every(isSame));
    // A fork of one may be among those that are to stay.
    for (let before = -1; before !== free.length;) {
      before = free.length;
      const going = new Set(free.flatMap(({ runs }) => runs.map(({ run }) => run)));
      free = free.filter(({ runs }) =>
        runs.every(({ run }) => forksOf(run).every((fork) => going.has(fork))),
      );
    }
    // A fork goes before what it shares rows with.
    const gone = free.flatMap(({ runs }) => runs).toSorted((a, b) => b.run - a.run);
    for (const { run } of gone) for (const remove of this.#delete) remove.run(run);
    return free;
  }

  #links(sql: string): readonly Link[] {
    return this.#db.prepare<[], Link>(sql).all();
  }
}

/** Old runs that are linked with each other; none of which is linked with one that is not old. */
function* familiesOf(
  old: ReadonlyMap<number, OldRun>,
  links: readonly Link[],
): Generator<readonly number[], void, void> {
  const beside = new Map<number, number[]>();
  const add = (run: number, other: number): void => {
    const known = beside.get(run);
    if (known === undefined) beside.set(run, [other]);
    else known.push(other);
  };
  for (const { run, other } of links) {
    add(run, other);
    add(other, run);
  }
  const seen = new Set<number>();
  for (const run of old.keys()) {
    if (seen.has(run)) continue;
    const family = new Set([run]);
    // A set that grows is walked to its new end.
    for (const each of family) for (const other of beside.get(each) ?? []) family.add(other);
    for (const each of family) seen.add(each);
    if ([...family].every((each) => old.has(each))) yield [...family];
  }
}

function familyOf(
  family: readonly number[],
  old: ReadonlyMap<number, OldRun>,
  children: ReadonlySet<number>,
  followers: readonly Link[],
): PrunableFamily | undefined {
  const rows = family.map((run) => old.get(run)).filter((row) => row !== undefined);
  const nextOf = new Map(followers.map(({ run, other }) => [other, run]));
  const isFollower = new Set(followers.map(({ run }) => run));
  const first = rows.find(({ run }) => !children.has(run) && !isFollower.has(run)) ?? rows[0];
  if (first === undefined) return undefined;
  let last = first;
  for (
    let next = old.get(nextOf.get(last.run) ?? -1);
    next !== undefined;
    next = old.get(nextOf.get(last.run) ?? -1)
  )
    last = next;
  const runs = [first, ...rows.filter((row) => row !== first)];
  return {
    runs: runs.map(({ run, run_id: runId, process, last_seq: lastSeq }) => ({
      run,
      runId,
      process,
      lastSeq,
    })),
    status: last.status,
    endedAt: Math.max(...rows.map(({ updated_at: at }) => at)),
  };
}

/** A family that a fork needs stays while that fork does, and so does one that it needs in turn. */
function withoutNeeded(
  families: readonly PrunableFamily[],
  needs: readonly Link[],
): readonly PrunableFamily[] {
  const familyOfRun = new Map(
    families.flatMap((family) => family.runs.map(({ run }) => [run, family] as const)),
  );
  const going = new Set(families);
  for (let isStable = false; !isStable;) {
    isStable = true;
    for (const { run, other } of needs) {
      const needed = familyOfRun.get(other);
      const needing = familyOfRun.get(run);
      if (needed === undefined || needing === needed || !going.has(needed)) continue;
      if (needing !== undefined && going.has(needing)) continue;
      going.delete(needed);
      isStable = false;
    }
  }
  return families.filter((family) => going.has(family));
}
