/** Which runs share their first events with which. */
import type { Database, Statement } from 'better-sqlite3';

import type { RunId, Seq } from '../../journal/ids.ts';
import { hasTable } from './schema.ts';

/** Where the first events of a run are kept. */
export interface Prefix {
  readonly parent: number;
  /** The last of them. */
  readonly seq: Seq;
}

/** Forks of forks of forks: each page of the first events is looked for through all of them. */
export const MOST_GENERATIONS = 500;
/** Of one run that are told. */
const MOST_FORKS = 1000;

interface Statements {
  readonly select: Statement<[number], Prefix>;
  readonly insert: Statement<[number, number, Seq]>;
  readonly shared: Statement<[number], Seq | null>;
  readonly forks: Statement<[RunId], RunId>;
  readonly strays: Statement<[], number>;
}

function prepare(db: Database): Statements {
  return {
    // A hostile file must not lead in a circle.
    select: db.prepare('select parent, seq from pawl_forks where run = ? and parent < run'),
    insert: db.prepare('insert into pawl_forks (run, parent, seq) values (?, ?, ?)'),
    shared: db.prepare<[number], Seq | null>('select max(seq) from pawl_forks where parent = ?').pluck(),
    forks: db
      .prepare<[RunId], RunId>(
        `select r.run_id from pawl_forks f join runs r on r.id = f.run
         where f.parent = (select id from runs where run_id = ?) order by f.run limit ${MOST_FORKS}`,
      )
      .pluck(),
    strays: db
      .prepare<[], number>(
        `select run from pawl_forks where run not in (select id from runs)
           or parent not in (select id from runs) or parent >= run order by run limit ${MOST_FORKS}`,
      )
      .pluck(),
  };
}

export class Forks {
  readonly #db: Database;
  /** Prepared when first needed: a journal of an older format, which is only read, has no such table. */
  #prepared: Statements | undefined;
  /** Of forks that were read here: none of this ever changes. */
  readonly #known = new Map<number, Prefix>();

  constructor(db: Database) {
    this.#db = db;
  }

  /** Of a run that was seen to be a fork. */
  known(run: number): Prefix | undefined {
    return this.#known.get(run);
  }

  prefixOf(run: number): Prefix | undefined {
    const known = this.#known.get(run);
    if (known !== undefined) return known;
    const prefix = this.#statements?.select.get(run);
    if (prefix !== undefined) this.#known.set(run, prefix);
    return prefix;
  }

  /** Under which number an event of a run is kept, and how many forks lie between. */
  ownerOf(run: number, seq: Seq): { readonly run: number; readonly generations: number } {
    let owner = run;
    let generations = 0;
    for (
      let prefix = this.prefixOf(owner);
      prefix !== undefined && seq <= prefix.seq && generations <= MOST_GENERATIONS;
      prefix = this.prefixOf(owner)
    ) {
      owner = prefix.parent;
      generations += 1;
    }
    return { run: owner, generations };
  }

  insert(run: number, { parent, seq }: Prefix): void {
    this.#statements?.insert.run(run, parent, seq);
  }

  /** The last event that forks of a run share with it; 0 where it has none. */
  sharedUpTo(run: number): Seq {
    return this.#statements?.shared.get(run) ?? 0;
  }

  /** The oldest first. */
  of(runId: RunId): readonly RunId[] {
    return this.#statements?.forks.all(runId) ?? [];
  }

  /** Numbers of forks that are no runs, or whose parent is none that was there before; up to 1,000. */
  strays(): readonly number[] {
    return this.#statements?.strays.all() ?? [];
  }

  get #statements(): Statements | undefined {
    if (this.#prepared === undefined && hasTable(this.#db, 'pawl_forks')) this.#prepared = prepare(this.#db);
    return this.#prepared;
  }
}
