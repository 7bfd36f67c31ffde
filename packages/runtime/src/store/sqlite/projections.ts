/** What stands beside the events of a run, held against them: `verify` lists what does not fit. */
import type { Database, Statement } from 'better-sqlite3';

import { INSPECT_ONLY } from '../../journal/chain.ts';
import type { Recorded } from '../../journal/event.ts';
import type { RunId, Seq } from '../../journal/ids.ts';
import { OfferFold } from '../offer-fold.ts';
import { StateFold } from '../run-states.ts';
import type { Forks } from './forks.ts';
import type { Inbox } from './inbox.ts';
import type { Offers } from './offers.ts';
import { idOf, type RunRow } from './run-row.ts';
import type { Schedules } from './schedules.ts';
import type { Sealing } from './sealing.ts';
import { hasTable } from './schema.ts';
import type { Starts } from './starts.ts';
import type { States } from './states.ts';

interface Kept {
  readonly states: States;
  readonly offers: Offers;
  readonly inbox: Inbox;
  readonly starts: Starts;
  readonly schedules: Schedules;
  readonly forks: Forks;
  readonly sealing: Sealing;
}

/** Open tasks of one run that are looked at. */
const MOST_OFFERS = 100_000;

interface Statements {
  readonly waking: Statement<[number], { readonly process: string; readonly at: number | null }>;
  readonly key: Statement<[number], number>;
  readonly startKey: Statement<[number], number>;
  readonly isWaiting: Statement<[number, string], number>;
}

function prepare(db: Database): Statements {
  return {
    waking: db.prepare('select process, at from waking where run = ?'),
    key: db.prepare<[number], number>('select 1 from run_keys where run = ?').pluck(),
    startKey: db.prepare<[number], number>('select 1 from start_keys where run = ?').pluck(),
    isWaiting: db
      .prepare<[number, string], number>(
        'select 1 from inbox where run = ? and id = ? and payload is not null',
      )
      .pluck(),
  };
}

/** The events of one run, as far as what stands beside them follows from them. */
export class RunFold {
  readonly states: StateFold = new StateFold();
  readonly offers: OfferFold;
  /** The last event that it shares with the run that it is a fork of; 0 where it is none. */
  sharedUpTo: Seq = 0;

  constructor(runId: RunId) {
    this.offers = new OfferFold(runId);
  }

  add(recorded: Recorded): void {
    this.states.add(recorded);
    this.offers.add(recorded);
    const { event } = recorded;
    if (event.type === 'RunForked' && event.parentSeq > 0) this.sharedUpTo = event.parentSeq;
  }
}

export class Projections {
  readonly #db: Database;
  readonly #kept: Kept;
  /** Undefined in a journal of an older format, which is only read: it has no such tables. */
  #prepared: Statements | undefined;

  constructor(db: Database, kept: Kept) {
    this.#db = db;
    this.#kept = kept;
  }

  /** @throws RuntimeError CORRUPT for a message that was changed */
  *problemsOf(row: RunRow, fold: RunFold): Generator<string, void, void> {
    const runId = idOf(row);
    const { states, offers, inbox, forks, sealing } = this.#kept;
    // Without the key all values look the same.
    const stateProblem = sealing.isLocked ? undefined : fold.states.problem(states.of(runId));
    if (stateProblem !== undefined) yield stateProblem;
    // One that was imported has all of its rows itself.
    const shared = forks.prefixOf(row.id)?.seq;
    if (shared !== undefined && shared !== fold.sharedUpTo)
      yield `it is kept as a fork behind event ${shared}, its events say ${fold.sharedUpTo}`;
    const kept = offers.page({ runId, limit: MOST_OFFERS });
    // What nobody may go on with is offered to nobody.
    const offerProblem = row.min_reader === INSPECT_ONLY ? undefined : fold.offers.problem(kept);
    if (offerProblem !== undefined) yield offerProblem;
    const statements = this.#statements;
    if (statements === undefined) return;
    for (const { taskId, answeredBy } of kept)
      if (answeredBy !== null && statements.isWaiting.get(row.id, answeredBy) === undefined)
        yield `external task ${taskId} is answered by a message that is not there`;
    yield* wakingProblems(row, statements);
    inbox.check(runId);
  }

  /** What is said of runs that are not there. */
  *forkProblems(): Generator<string, void, void> {
    for (const run of this.#kept.forks.strays()) yield `a fork (number ${run}) is no run, or one of no run`;
  }

  /** Starts and schedules: what is executed is not what somebody wrote into the file. */
  *startProblems(): Generator<string, void, void> {
    const { starts, schedules } = this.#kept;
    for (const runId of starts.changed()) yield `the start of run ${runId} was changed from outside`;
    for (const { name, isWhole } of schedules.list())
      if (!isWhole) yield `schedule '${name}' was changed from outside`;
  }

  get #statements(): Statements | undefined {
    if (this.#prepared === undefined && hasTable(this.#db, 'start_keys') && hasTable(this.#db, 'run_keys'))
      this.#prepared = prepare(this.#db);
    return this.#prepared;
  }
}

/** W1: a run that has not ended has a time to wake exactly while it has no owner; one that has ended has nothing. */
function* wakingProblems(
  { id, owner, status, process }: RunRow,
  { waking, key, startKey }: Statements,
): Generator<string, void, void> {
  const wakes = waking.get(id);
  const at = wakes?.at ?? null;
  if (status !== 'running') {
    if (wakes !== undefined) yield 'it has ended, and is still to go on';
    if (key.get(id) !== undefined) yield 'it has ended, and the key of its secrets is still there';
    if (startKey.get(id) !== undefined) yield 'it has ended, and still holds a place of its key';
  } else if (owner === null && at === null) yield 'nobody drives it, and it has no time to wake';
  else if (owner !== null && at !== null) yield 'it is driven, and has a time to wake all the same';
  else if (wakes !== undefined && wakes.process !== process)
    yield `it is to be woken as '${wakes.process}', and is a run of '${String(process)}'`;
}
