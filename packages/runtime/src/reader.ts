import { env } from 'node:process';

import type { RunId, Seq } from './journal/ids.ts';
import type { Encoded, Recorded } from './journal/event.ts';
import { isRunId } from './journal/ids.ts';
import { assert } from './journal/invariant.ts';
import type {
  Driver,
  JournalStore,
  RunCounts,
  RunQuery,
  RunSearch,
  RunDamage,
  RunsFound,
} from './ports/journal-store.ts';
import type { QueuedStart, SetBackRun } from './ports/work-store.ts';
import { shownSchedule, type Schedule } from './schedules.ts';
import { forkPlan, type ForkAsk } from './fork-asks.ts';
import type { ForkPlan } from './views/fork-plan.ts';
import { openTasks, type OpenTask, type TaskQuery } from './engine/open-task.ts';
import { checkedQuery } from './run-query.ts';
import { RuntimeError } from './errors.ts';
import { SqlReader, type SqlOptions } from './store/sqlite/sql/sql-reader.ts';
import type { SqlRows } from './store/sqlite/sql/sql-answer.ts';
import { openSqliteStore } from './store/sqlite/sqlite-store.ts';
import { runOf } from './find-run.ts';
import { masterKeySource, type EncryptionOptions } from './master-key.ts';
import { backupTo, exportRuns, type BackupOptions } from './copies/copy-desk.ts';
import type { ExportOptions, Exported } from './copies/export-text.ts';
import { poolStatuses, type PoolStatus } from './pool-reports.ts';
import { withWaitingChildren, type ReadRun } from './waiting-parents.ts';
import { settledTasks, type SettledTask } from './views/settled-tasks.ts';
import { eventsOf } from './run-events.ts';
import { logsOf, type LogQuery } from './kept-logs.ts';
import type { LogLine } from './journal/log-line.ts';
import { Replayer, type ReplayerOptions } from './replayer.ts';
import { runWaits } from './run-waits.ts';
import type { CallHistory } from './views/call-history.ts';
import type { OpenWait } from './views/open-waits.ts';
import { addPoolEvents, createPoolFold, poolStatsOf, type PoolFold } from './views/pool-stats.ts';

/** A journal to look at. It is never written to, whoever else has it open. */
export interface JournalReader extends Disposable {
  /** @throws RuntimeError NOT_FOUND with the nearest ids */
  get(id: RunId): ReadRun;
  /** What a run says of itself (`ctx.setState`), by name. @throws RuntimeError NOT_FOUND */
  state(id: RunId): Readonly<Record<string, Encoded>>;
  /**
   * Newest first.
   * @param leftOut told of each run whose own row is damaged, which is left out; by default it throws
   * @throws InvalidOptionError; RuntimeError CORRUPT
   */
  list(query: RunQuery, leftOut?: (damage: RunDamage) => void): readonly ReadRun[];
  /**
   * Runs by what no index has in order, a stretch of the newest at a time.
   * @param leftOut as of `list`
   * @throws InvalidOptionError; RuntimeError CORRUPT
   */
  search(search: RunSearch, leftOut?: (damage: RunDamage) => void): RunsFound<ReadRun>;
  /** Programs that drive runs, those that drive most first; one that never drove any is not known. */
  drivers(): readonly Driver[];
  /** Runs by their recorded status: what is 'running' is all that has not ended. */
  counts(): RunCounts;
  /**
   * Events after `afterSeq`, oldest first, a page at a time: no transaction stays open between two.
   * @throws RuntimeError NOT_FOUND, at its end, where there is no such run; CORRUPT
   */
  events(id: RunId, afterSeq?: Seq): Generator<Recorded, void, void>;
  /** What its tasks and its process logged, the newest lines. @throws RuntimeError NOT_FOUND; InvalidOptionError */
  logs(id: RunId, query?: LogQuery): Generator<LogLine, void, void>;
  /** Runs that share their beginning with this one, the oldest first, up to 1,000. */
  forksOf(id: RunId): readonly RunId[];
  /**
   * What a fork would keep, take over and do again.
   * @param read all that the run recorded, where somebody has read it already
   * @throws RuntimeError NOT_FOUND, REFUSED, SEALED
   */
  planFork(id: RunId, ask: ForkAsk, read?: CallHistory): ForkPlan;
  /** What the run waits for from outside, the oldest first. @throws RuntimeError NOT_FOUND */
  waits(id: RunId): OpenWait[];
  /** External tasks that are open, the oldest first: of one run, or of all. */
  openTasks(query?: TaskQuery): OpenTask[];
  /** External tasks of a run that are over. @throws RuntimeError NOT_FOUND */
  settledTasks(id: RunId): SettledTask[];
  /** Changes whenever the journal may have been written to; cheap enough to ask often. */
  changeMark(): number;
  /**
   * Checks every event of a run, or of all, against its chain of checksums, and has SQLite look at the pages of the file.
   * Beside programs that drive runs that is done for small tables only, unless it is to be `whole`: for large ones it is
   * one statement for seconds, and the log of the journal grows meanwhile. `isWhole` says what was done.
   */
  verify(id?: RunId, options?: { readonly whole?: boolean | undefined }): ReturnType<JournalStore['verify']>;
  /**
   * A run as text, line by line, with those that follow it and those that it started; undefined: all runs.
   * @throws RuntimeError NOT_FOUND; USAGE or REFUSED for `redact`; CORRUPT
   */
  export(id: RunId | undefined, options?: ExportOptions): Generator<string, Exported, void>;
  /**
   * The whole journal as it is now in a file of its own, while others go on with it. @returns its bytes
   * @throws RuntimeError REFUSED where it may not be written
   */
  backup(path: string, options?: BackupOptions): number;
  /**
   * Pools that were declared, and what living programs have of them, with statistics.
   * @param of so many of the newest runs, which are read for it; or what was read of runs already
   */
  pools(of: number | readonly PoolFold[]): PoolStatus[];
  /** Starts that wait for a worker, in the order of their coming. */
  queued(limit: number): readonly QueuedStart[];
  /** A start that waits for a worker, by the id of the run that it becomes; undefined once it is one. */
  start(id: RunId): QueuedStart | undefined;
  /** Runs that could not go on, and are tried again. */
  setBack(limit: number): readonly SetBackRun[];
  /** This one of them; undefined where it goes on, or has ended. */
  setBackOf(id: RunId): SetBackRun | undefined;
  schedules(): readonly Schedule[];
  /** Runs code against these runs without effects; close it before the journal. */
  replayer(options?: ReplayerOptions): Replayer;
  /**
   * One statement of SQL that reads, in a program of its own, over the views of `SQL_VIEWS`.
   * @throws RuntimeError USAGE with the place in the text; REFUSED where it takes too long; STORAGE, BUSY, CORRUPT, NEWER
   */
  sql(text: string, options?: SqlOptions): Promise<SqlRows>;
  /** For what would compare, or act on, values. @throws RuntimeError SEALED where they cannot be read */
  needKey(): void;
  /** Named facts about the file. */
  describe(): Readonly<Record<string, string | number>>;
  close(): void;
}

function notBegun(id: RunId): RuntimeError {
  return new RuntimeError('NOT_FOUND', `Run ${id} has not begun: it waits for a worker.`, {
    hint: `See the start: pawl show ${id}`,
  });
}

function poolsOf(store: JournalStore, folds: readonly PoolFold[]): PoolStatus[] {
  return poolStatuses(store.readPools(Date.now()), poolStatsOf(folds));
}

function foldOf(store: JournalStore, runs: readonly ReadRun[]): PoolFold {
  const fold = createPoolFold();
  for (const { runId } of runs) addPoolEvents(fold, runId, eventsOf(store, runId));
  return fold;
}

/** One that is listed and then not found is damage of an index, and must not look like a run without events. */
function* eventsOfKnown(store: JournalStore, id: RunId, afterSeq = 0): Generator<Recorded, void, void> {
  let isKnown = afterSeq > 0;
  for (const recorded of eventsOf(store, id, afterSeq)) {
    isKnown = true;
    yield recorded;
  }
  if (!isKnown && store.work.queuedStart(id) === undefined) runOf(store, id, Date.now());
}

/**
 * Opens an existing journal to read. Of one that is encrypted, values are `⟨sealed⟩` without its key.
 * @throws RuntimeError NOT_FOUND where there is no file; STORAGE, CORRUPT, NEWER
 */
export function openJournal(options: {
  readonly path: string;
  /** As of `openRuntime`. */
  readonly encryption?: EncryptionOptions | undefined;
}): JournalReader {
  const master = masterKeySource(options.encryption, env);
  const store = openSqliteStore({ path: options.path, durability: 'full', readOnly: true, master });
  const { sealing } = store;
  const sql = new SqlReader(options.path, () => (sealing?.isOn === true ? master() : undefined));
  return readStore(store, {
    sql: (text, told) => sql.query(text, told),
    close: () => {
      sql.close();
      store.close();
    },
  });
}

/** What a store has; it is closed with the reader. @param sql where it has tables */
export function readStore(
  store: JournalStore,
  { sql, close }: Pick<JournalReader, 'sql' | 'close'>,
): JournalReader {
  const needKey = (): void => store.sealing?.needKey();
  const list: JournalReader['list'] = (query, leftOut) => {
    const now = Date.now();
    return withWaitingChildren(store, store.queryRuns(checkedQuery(query), now, leftOut), now);
  };
  const start = (id: RunId): QueuedStart | undefined =>
    isRunId(id) && store.getRun(id, Date.now()) === undefined ? store.work.queuedStart(id) : undefined;
  const get = (id: RunId): ReadRun => {
    if (start(id) !== undefined) throw notBegun(id);
    const [run] = withWaitingChildren(store, [runOf(store, id, Date.now())], Date.now());
    assert(run !== undefined, 'S3', 'a run that was read is one');
    return run;
  };
  return {
    get,
    state: (id) => store.stateOf(get(id).runId),
    list,
    search: (search, leftOut) => {
      const now = Date.now();
      checkedQuery(search);
      const found = store.searchRuns(search, now, leftOut);
      return { ...found, runs: withWaitingChildren(store, found.runs, now) };
    },
    drivers: () => store.drivers(Date.now()),
    counts: () => store.countRuns(),
    events: (id, afterSeq) => eventsOfKnown(store, id, afterSeq),
    logs: (id, query) => logsOf(store, get(id).runId, query),
    forksOf: (id) => store.forksOf(get(id).runId),
    planFork: (id, ask, read) => {
      needKey();
      return forkPlan(store, get(id), ask, read);
    },
    waits: (id) => runWaits(store, get(id)),
    openTasks: (query = {}) => openTasks(store, query, Date.now()),
    settledTasks: (id) => settledTasks(eventsOf(store, get(id).runId)),
    pools: (of) => poolsOf(store, typeof of === 'number' ? [foldOf(store, list({ limit: of }))] : of),
    start,
    queued: (limit) => store.work.queuedStarts(limit),
    setBack: (limit) => store.work.setBackRuns(limit),
    setBackOf: (id) => store.work.setBackRun(id),
    schedules: () => store.work.schedules().map(shownSchedule),
    changeMark: () => store.changeMark(),
    replayer: (told = {}) => {
      needKey();
      return new Replayer(store, told);
    },
    backup: (path, told = {}) => backupTo(store, path, told),
    export: (id, told = {}) => exportRuns(store, id, told, Date.now()),
    verify: (id, options) => store.verify(id === undefined ? undefined : get(id).runId, options),
    needKey,
    describe: () => store.describe(),
    sql,
    close,
    [Symbol.dispose]: close,
  };
}
