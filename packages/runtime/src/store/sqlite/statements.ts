/** All that is said to a journal in SQL, put together. */
import type { Database } from 'better-sqlite3';

import { Append } from './append.ts';
import { Compact } from './compact.ts';
import { ForkStart } from './fork-start.ts';
import { Forks } from './forks.ts';
import { Inbox } from './inbox.ts';
import { Keys } from './keys.ts';
import { Leases } from './lease.ts';
import { Logs } from './logs.ts';
import { Offers } from './offers.ts';
import { Pools } from './pools.ts';
import { Projections } from './projections.ts';
import { Query } from './query.ts';
import { Read } from './read.ts';
import { Schedules } from './schedules.ts';
import type { Sealing } from './sealing.ts';
import { Shared } from './shared.ts';
import { StartMail } from './start-mail.ts';
import { Starts } from './starts.ts';
import { States } from './states.ts';
import { UserTables } from './user-tables.ts';
import { Verify } from './verify.ts';
import { Waking } from './waking.ts';

export interface Statements {
  readonly append: Append;
  readonly compact: Compact;
  readonly read: Read;
  readonly leases: Leases;
  readonly inbox: Inbox;
  readonly offers: Offers;
  readonly keys: Keys;
  readonly states: States;
  readonly pools: Pools;
  readonly query: Query;
  readonly verify: Verify;
  readonly shared: Shared;
  readonly forks: Forks;
  readonly waking: Waking;
  readonly starts: Starts;
  readonly schedules: Schedules;
  readonly logs: Logs;
}

/** Whoever only reads does not wait for the statements of those who write. */
function later<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

interface Of {
  readonly path: string;
  readonly readOnly: boolean;
  readonly sealing: Sealing;
  readonly isOwnerDead: (owner: string) => boolean;
  readonly isDriven: () => boolean;
}

export function statementsOf(
  db: Database,
  { path, readOnly, sealing, isOwnerDead, isDriven }: Of,
): Statements {
  const waking = new Waking(db, sealing);
  const startMail = new StartMail(db, sealing);
  const inbox = new Inbox(db, { waking, startMail, sealing });
  const offers = new Offers(db, inbox, sealing);
  const shared = new Shared(db, offers, sealing);
  const keys = new Keys(db, startMail);
  const starts = new Starts(db, sealing);
  const states = new States(db, sealing);
  const schedules = new Schedules(db, sealing);
  const forks = new Forks(db);
  const read = new Read(db, forks, sealing, readOnly ? 'mark' : 'refuse');
  const logs = new Logs(db, sealing);
  const projections = new Projections(db, { states, offers, inbox, starts, schedules, forks, sealing });
  const append = later(
    () =>
      new Append(db, {
        shared,
        keys,
        starts,
        startMail,
        states,
        waking,
        tables: new UserTables(db, path),
        sealing,
        forkStart: new ForkStart(db, { read, forks, keys, states }),
        logs,
      }),
  );
  const compact = later(() => new Compact(db, forks));
  const leases = later(() => new Leases(db, waking));
  const verify = later(() => new Verify(db, { projections, read, sealing, isDriven }));
  return {
    shared,
    keys,
    waking,
    starts,
    states,
    schedules,
    logs,
    get append() {
      return append();
    },
    get compact() {
      return compact();
    },
    get leases() {
      return leases();
    },
    get verify() {
      return verify();
    },
    read,
    forks,
    inbox,
    offers,
    pools: new Pools(db),
    query: new Query(db, { states, sealing }, isOwnerDead),
  };
}
