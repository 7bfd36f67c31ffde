import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineTask, transactionTask, type Process, type TransactionDb } from '@pawl/sdk';
import { afterAll, describe, expect, it } from 'vitest';
import { RuntimeError } from '../../src/errors.ts';
import { openRuntime, type JournalEvent, type Runtime } from '../../src/index.ts';
import type { AppendRun, JournalStore, LeaseClaim } from '../../src/ports/journal-store.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { ManualClock, MemoryStore, seededEntropy } from '../../src/testing.ts';

/* transactionTask: work on the user's own tables, in the transaction that records it. */

const folder = mkdtempSync(join(tmpdir(), 'pawl-transactions-'));
let count = 0;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function freshPath(): string {
  count += 1;
  return join(folder, `${count}.db`);
}

const calls: string[] = [];

function ledger(db: TransactionDb): void {
  db.prepare(
    'create table if not exists ledger (id integer primary key, what text unique, amount integer)',
  ).run();
}

const enter = transactionTask({
  name: 'enter',
  run: (db, { what, amount }: { what: string; amount: number }, { key, attempt }) => {
    calls.push(`${key} ${attempt}`);
    ledger(db);
    db.prepare('insert into ledger (what, amount) values (?, ?)').run(what, amount);
    return db.prepare<{ sum: number }>('select sum(amount) as sum from ledger').get()?.sum ?? 0;
  },
});

const total = transactionTask({
  name: 'total',
  run: (db) => {
    ledger(db);
    return db.prepare<{ what: string; amount: number }>('select what, amount from ledger order by id').all();
  },
});

type Place = string | JournalStore;

function storeAt(place: Place): JournalStore {
  return typeof place === 'string' ? openSqliteStore({ path: place, durability: 'normal' }) : place;
}

function open(place: Place, clock: ManualClock = new ManualClock()): Promise<Runtime> {
  return openRuntime({ store: storeAt(place), clock, entropy: seededEntropy(1), stallMs: 1e9 });
}

/** Runs it to its end in virtual time: a value, or what it threw. */
async function perform(process: Process, place: Place = freshPath(), id = 'r'): Promise<unknown> {
  const clock = new ManualClock();
  const runtime = await open(place, clock);
  const stop = clock.run(() => runtime.isIdle);
  try {
    const isThere = runtime.get(id) !== undefined;
    const handle = isThere ? runtime.resume(id, process) : runtime.start(process, null as never, { id });
    return await handle.result();
  } catch (error) {
    return error instanceof RuntimeError && error.code === 'RUN_FAILED' ? error.cause : error;
  } finally {
    stop();
    await runtime.close();
  }
}

function eventsOf(place: Place): readonly JournalEvent[] {
  const store = storeAt(place);
  expect(store.verify().damage).toEqual([]);
  const events = store.read('r', 0, 1e6).map(({ event }) => event);
  store.close();
  return events;
}

function shape(place: Place): string[] {
  return eventsOf(place).map((event) => ('key' in event ? `${event.type} ${event.key}` : event.type));
}

async function rows(place: Place): Promise<unknown> {
  return perform((_, ctx) => ctx.task(total), place, `total${(count += 1)}`);
}

/** What the body of a task of its own comes to. */
async function body(run: (db: TransactionDb) => unknown, place: Place = freshPath()): Promise<unknown> {
  const task = transactionTask({ name: 'body', run });
  return perform((_, ctx) => ctx.task(task), place, `body${(count += 1)}`);
}

describe('a transaction task', () => {
  it('is done in the commit that records its start and its outcome, one a commit', async () => {
    const path = freshPath();
    const runtime = await open(path);
    const handle = runtime.start(
      async (_, ctx) => [
        await ctx.task(enter, { what: 'a', amount: 1 }),
        await ctx.task(enter, { what: 'b', amount: 2 }),
      ],
      null,
      { id: 'r' },
    );
    expect(await handle.result()).toEqual([1, 3]);
    expect(shape(path)).toEqual([
      'RunStarted',
      'TaskScheduled 0',
      'AttemptStarted 0',
      'TaskSucceeded 0',
      'TaskScheduled 1',
      'AttemptStarted 1',
      'TaskSucceeded 1',
      'RunSucceeded',
    ]);
    const before = calls.length;
    await runtime.replay('r', async (_: unknown, ctx) => [
      await ctx.task(enter, { what: 'a', amount: 1 }),
      await ctx.task(enter, { what: 'b', amount: 2 }),
    ]);
    expect(calls.length).toBe(before);
    await runtime.close();
  });

  it('many at once: each is delivered before the next is done, and a loser is never begun', async () => {
    const path = freshPath();
    const seen: string[] = [];
    const process: Process = async (_, ctx) => {
      await Promise.all(
        ['a', 'b', 'c', 'd'].map(async (what, i) => {
          await ctx.task(enter, { what, amount: i });
          seen.push(what);
          await ctx.task(enter, { what: `${what}2`, amount: 10 });
        }),
      );
      await ctx.parallel.race([
        () => ctx.task(enter, { what: 'won', amount: 100 }),
        () => ctx.task(enter, { what: 'lost', amount: 1000 }),
      ]);
      return 'done';
    };
    expect(await perform(process, path)).toBe('done');
    expect(seen).toEqual(['a', 'b', 'c', 'd']);
    expect(eventsOf(path).some(({ type }) => type === 'LateResult')).toBe(false);
    expect(await rows(path)).toEqual(
      [
        ['a', 0],
        ['b', 1],
        ['c', 2],
        ['d', 3],
        ['a2', 10],
        ['b2', 10],
        ['c2', 10],
        ['d2', 10],
        ['won', 100],
      ].map(([what, amount]) => ({ what, amount })),
    );
    // The same process ends the same way below the head.
    const before = calls.length;
    expect(await perform(process, path)).toBe('done');
    expect(calls.length).toBe(before);
  });

  it('of one that throws nothing is left but the failure; it is tried again where the definition says so', async () => {
    const path = freshPath();
    const flaky = transactionTask({
      name: 'flaky',
      retry: { attempts: 3, delay: '1s' },
      run: (db, _: void, { attempt }) => {
        ledger(db);
        db.prepare('insert into ledger (what, amount) values (?, 1)').run(`attempt ${attempt}`);
        if (attempt < 3) throw new RangeError(`no ${attempt}`);
        return attempt;
      },
    });
    expect(await perform((_, ctx) => ctx.task(flaky), path)).toBe(3);
    expect(await rows(path)).toEqual([{ what: 'attempt 3', amount: 1 }]);
    expect(shape(path)).toEqual([
      'RunStarted',
      'TaskScheduled 0',
      'AttemptStarted 0',
      'AttemptFailed 0',
      'AttemptStarted 0',
      'AttemptFailed 0',
      'AttemptStarted 0',
      'TaskSucceeded 0',
      'RunSucceeded',
    ]);
    const twice: Process = async (_, ctx) => {
      await ctx.task(enter, { what: 'x', amount: 1 });
      return ctx.task(enter, { what: 'x', amount: 1 }).catch((error: Error) => error);
    };
    expect(await perform(twice, path, 'twice')).toMatchObject({
      name: 'TaskError',
      cause: { name: 'SqliteError', message: expect.stringMatching(/UNIQUE constraint failed/) },
    });
  });

  it.each(['transaction', 'task'])('a %s that throws what cannot be looked at has failed', async (kind) => {
    const trap = (): never => {
      throw hostile;
    };
    const hostile: object = new Proxy({}, { get: trap, getPrototypeOf: trap, has: trap, ownKeys: trap });
    const task =
      kind === 'task' ? defineTask({ name: 'bad', run: trap }) : transactionTask({ name: 'bad', run: trap });
    const path = freshPath();
    const caught: Process = (_, ctx) => ctx.task(task).catch(({ name }: Error) => name);
    expect(await perform(caught, path)).toBe('TaskError');
    expect(shape(path)).toContain('TaskFailed 0');
  });

  it('an output that cannot be recorded is a failure, and nothing of it is left', async () => {
    const path = freshPath();
    const bad = transactionTask({
      name: 'bad',
      retry: { attempts: 3 },
      run: (db) => {
        ledger(db);
        return () => 1;
      },
    });
    expect(await perform((_, ctx) => ctx.task(bad), path)).toMatchObject({
      cause: { name: 'UnserializableError' },
    });
    expect(shape(path).filter((line) => line.startsWith('AttemptStarted'))).toHaveLength(1);
    expect(
      await body((db) => db.prepare("select 1 from sqlite_schema where name = 'ledger'").all(), path),
    ).toEqual([]);
  });

  it('runs of one loop share the commit, and one that fails takes nobody with it', async () => {
    const path = freshPath();
    const store = storeAt(path);
    const runtime = await open(store);
    let appends = 0;
    const { append } = store;
    store.append = (batch, claim) => {
      appends += 1;
      return append.call(store, batch, claim);
    };
    const odd = transactionTask({
      name: 'odd',
      run: (db, n: number) => {
        ledger(db);
        db.prepare('insert into ledger (what, amount) values (?, ?)').run(String(n), n);
        if (n % 2 === 1) throw new Error(`odd ${n}`);
        return n;
      },
    });
    const process = async (n: number, ctx: Parameters<Process>[1]): Promise<unknown> =>
      ctx.task(odd, n).catch((error: Error) => error.message);
    const handles = Array.from({ length: 20 }, (_, n) => runtime.start(process, n, { id: `r${n}` }));
    const ends = await Promise.all(handles.map((handle) => handle.result()));
    expect(ends).toEqual(
      Array.from({ length: 20 }, (_, n) => (n % 2 === 1 ? expect.stringMatching(/odd/) : n)),
    );
    expect(appends).toBeLessThan(20);
    await runtime.close();
    expect(await rows(path)).toHaveLength(10);
  });

  it('undoes a scope as its compensation', async () => {
    const path = freshPath();
    const process: Process = async (_, ctx) =>
      ctx
        .scope(async (scope) => {
          await ctx.task(enter, { what: 'booked', amount: 5 });
          scope.compensate(enter, { what: 'unbooked', amount: -5 });
          throw new Error('no');
        })
        .catch((error: Error) => error.message);
    expect(await perform(process, path)).toBe('no');
    expect(await rows(path)).toEqual([
      { what: 'booked', amount: 5 },
      { what: 'unbooked', amount: -5 },
    ]);
  });
});

describe('what a body may not do', () => {
  it.each([
    ['read a run', 'select * from runs'],
    ['read events by an index', 'select count(*) from events'],
    ['read by the view', 'select * from journal'],
    ['read within a subquery', 'select (select count(*) from inbox)'],
    [
      'write events',
      "insert into events (run, seq, at, type, version, payload, chain) values (1, 1, 1, 1, 1, '', x'')",
    ],
    ['delete events', 'delete from EVENTS'],
    ['drop', 'drop table events'],
    ['rename', 'alter table "events" rename to mine'],
    ['rename by a text', "alter table main . 'events' rename to mine"],
    ['add a column', 'alter table runs add column x'],
    ['index', 'create index mine on events (run)'],
    ['copy', 'create table mine as select * from runs'],
    ['make a trigger', 'create trigger t after insert on runs begin select 1; end'],
    ['make a view', 'create view v as select 1'],
    ['make a virtual table', 'create virtual table f using fts5(x)'],
    ['make a temporary table', 'create temp table t (x)'],
    ['make a table in temp', 'create table temp.t (x)'],
    ['take a reserved name', 'create table PAWL_mine (x)'],
    ['point to a table of ours', 'create table mine (run integer references runs (id))'],
    ['begin', 'begin'],
    ['commit', 'COMMIT'],
    ['end', 'end'],
    ['roll back', ' /* so */ -- there\n rollback'],
    ['save', 'savepoint x'],
    ['release', 'release pawl_body'],
    ['attach', "attach ':memory:' as other"],
    ['vacuum', 'vacuum'],
    ['analyze', 'analyze'],
    ['reindex', 'reindex'],
    ['a pragma', 'pragma synchronous = off'],
    ['a pragma that is explained', 'explain pragma foreign_keys = off'],
    ['an empty statement before one', '; pragma foreign_keys = off'],
    ['two statements', 'create table a (x); commit'],
    ['nothing', ''],
  ])('%s', async (_, sql) => {
    const path = freshPath();
    const failure = await body((db) => {
      db.prepare('create table kept (x)').run();
      const statement = db.prepare(sql);
      try {
        return statement.all();
      } catch (error) {
        if (error instanceof TypeError) return statement.run();
        throw error;
      }
    }, path);
    expect(failure).toMatchObject({ name: 'TaskError' });
    expect(
      await body(
        (db) =>
          db.prepare("select name from sqlite_schema where name in ('kept', 'mine', 'pawl_mine')").all(),
        path,
      ),
    ).toEqual([]);
  });

  it('says why, and what is the way', async () => {
    expect(await body((db) => db.prepare('delete from events').run())).toMatchObject({
      cause: {
        name: 'RuntimeError',
        code: 'REFUSED',
        message: expect.stringMatching(/it touches 'events', which is Pawl's: delete from events/),
      },
    });
    expect(await body((db) => db.prepare('commit').run())).toMatchObject({
      cause: { message: expect.stringMatching(/neither reads nor changes rows or tables: commit/) },
    });
    expect(await body((db) => db.prepare('create view v as select 1').run())).toMatchObject({
      cause: { message: expect.stringMatching(/it is not about a table or an index/) },
    });
  });

  it('undo what others commit with it, or leave keys to be checked by the commit', async () => {
    expect(
      await body((db) => {
        db.prepare('create table t (x unique on conflict rollback)').run();
        db.prepare('insert into t values (1)').run();
      }),
    ).toMatchObject({ cause: { message: expect.stringMatching(/ON CONFLICT ROLLBACK/) } });
    expect(
      await body((db) => {
        db.prepare('create table p (id integer primary key)').run();
        db.prepare('create table c (p references p (id) deferrable initially deferred)').run();
        db.prepare('insert into c values (1)').run();
      }),
    ).toMatchObject({ cause: { message: expect.stringMatching(/checked at the commit/) } });
    // A key that is checked at once is as good as any constraint.
    expect(
      await body((db) => {
        db.prepare('create table p (id integer primary key)').run();
        db.prepare('create table c (p references p (id) on delete cascade)').run();
        db.prepare('insert into p values (1)').run();
        db.prepare('insert into c values (1)').run();
        db.prepare('delete from p').run();
        return db.prepare('select * from c').all();
      }),
    ).toEqual([]);
  });

  it('change its own tables by all that SQLite has for it', async () => {
    expect(
      await body((db) => {
        db.prepare('create table t (a integer primary key autoincrement, b text)').run();
        db.prepare('create unique index i on t (b)').run();
        db.prepare('alter table t add column c integer default 7').run();
        db.prepare('alter table t rename column b to d').run();
        db.prepare('insert into t (d) values (?), (?)').run('x', 'y');
        db.prepare('insert into t (d) values ($d) on conflict (d) do update set c = c + 1').run({ d: 'x' });
        db.prepare('with old as (select a from t where d = ?) delete from t where a in old').run('y');
        db.prepare('alter table t rename to u').run();
        db.prepare('drop index i').run();
        return db.prepare('select u.*, (select count(*) from json_each(?)) as n from u').all('[1,2]');
      }),
    ).toEqual([{ a: 1, d: 'x', c: 8, n: 2 }]);
  });

  it('wait, or go on when it is over', async () => {
    expect(() => transactionTask({ name: 'a', run: (async () => 1) as never })).toThrow(/neither async/);
    const path = freshPath();
    let later: TransactionDb | undefined;
    const promised = await body((db) => {
      ledger(db);
      later = db;
      return Promise.reject(new Error('nobody hears this'));
    }, path);
    expect(promised).toMatchObject({
      cause: { name: 'InvalidArgumentError', message: expect.stringMatching(/give their value at once/) },
    });
    expect(() => later?.prepare('select 1')).toThrow(/The transaction is over/);
  });

  it('ask the runtime for anything', async () => {
    const path = freshPath();
    const runtime = await open(path);
    const nosy = transactionTask({ name: 'nosy', run: () => runtime.list({ limit: 1 }).length });
    const handle = runtime.start((_, ctx) => ctx.task(nosy).catch((error: Error) => error.message), null, {
      id: 'r',
    });
    expect(await handle.result()).toMatch(/asks the runtime/);
    await runtime.close();
  });

  it('be called with what has no meaning for it', async () => {
    const refused: Process = async (_, ctx) => [
      await Promise.resolve()
        .then(() => ctx.task(enter, { what: 'a', amount: 1 }, { pool: 'p' }))
        .catch((error: Error) => error.message),
      await Promise.resolve()
        .then(() => ctx.task(enter, { what: 'a', amount: 1 }, { timeout: '1s' }))
        .catch((error: Error) => error.message),
    ];
    const path = freshPath();
    const [pool, timeout] = (await perform(refused, path)) as string[];
    expect(pool).toMatch(/'pool'|pool/);
    expect(timeout).toMatch(/takes key, retry, deadline/);
    expect(shape(path)).toEqual(['RunStarted', 'RunSucceeded']);
    expect(() => transactionTask({ name: 'a', run: () => 1, timeout: 5 } as never)).toThrow(
      /takes retry, deadline/,
    );
  });
});

describe('where there are no tables', () => {
  it('the run is left as it is, and goes on where there are some', async () => {
    const process: Process = (_, ctx) => ctx.task(enter, { what: 'a', amount: 1 });
    const store = new MemoryStore();
    const error = await perform(process, store);
    expect(error).toBeInstanceOf(RuntimeError);
    expect(error).toMatchObject({ code: 'REFUSED', hint: expect.stringMatching(/:memory:/) });
    expect(shape(store).filter((line) => line.startsWith('Attempt'))).toEqual([]);
    expect(await perform(process, openSqliteStore({ path: ':memory:', durability: 'full' }))).toBe(1);
  });
});

/** A program that dies right before or right after its n-th commit. */
function dying(path: string, n: number, when: 'before' | 'after'): JournalStore {
  const store = storeAt(path);
  let commits = 0;
  const die = (): never => {
    throw new RuntimeError('STORAGE', 'the program dies here');
  };
  const append = (batch: readonly AppendRun[], claim: LeaseClaim): ReturnType<JournalStore['append']> => {
    commits += 1;
    if (when === 'before' && commits === n) die();
    const answers = store.append(batch, claim);
    if (when === 'after' && commits === n) die();
    return answers;
  };
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'append') return append;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe('a crash', () => {
  const step = defineTask({ name: 'step', run: (n: number) => n });
  const process: Process = async (_, ctx) => {
    let sum = 0;
    for (let i = 0; i < 3; i += 1) {
      sum += await ctx.task(step, i);
      await ctx.parallel.all([
        () => ctx.task(enter, { what: `a${i}`, amount: 1 }),
        () => ctx.task(enter, { what: `b${i}`, amount: 10 }),
      ]);
    }
    return sum;
  };

  it.each(['before', 'after'] as const)(
    '%s each commit: the tables are what the journal says',
    async (when) => {
      const expected = ['a0', 'b0', 'a1', 'b1', 'a2', 'b2'].map((what) => ({
        what,
        amount: what.startsWith('a') ? 1 : 10,
      }));
      let hasEnded = false;
      let crashes = 0;
      for (let n = 1; !hasEnded; n += 1) {
        const path = freshPath();
        hasEnded = (await perform(process, dying(path, n, when))) === 3;
        crashes += Number(!hasEnded);
        const entered = eventsOf(path).filter(
          (event) => event.type === 'TaskSucceeded' && event.key.includes('/'),
        );
        const where = `${when} commit ${n}`;
        expect(await rows(path), where).toHaveLength(entered.length);
        expect(await perform(process, path), where).toBe(3);
        expect(await rows(path), where).toEqual(expected);
      }
      expect(crashes).toBeGreaterThan(8);
    },
  );
});

describe('the store', () => {
  it('calls no body of a run that is fenced', () => {
    const store = storeAt(freshPath());
    const claim = { owner: 'a', now: 0, ttlMs: 1000 };
    const event = {
      type: 'RunStarted',
      process: 'p',
      module: null,
      codeHash: null,
      inputs: null,
      inputsHash: '',
      seed: 's',
      engine: '0',
    } as const;
    const run = { runId: 'r', epoch: 1, consumed: [] };
    const create = { ...run, afterSeq: 0, events: [{ at: 0, event }] };
    expect(store.append([create], claim)).toEqual(['committed']);
    let ran = 0;
    const transaction = (): never[] => {
      ran += 1;
      return [];
    };
    const next = { ...run, afterSeq: 1, events: [], transaction };
    expect(store.append([next], { ...claim, owner: 'b' })).toEqual(['fenced']);
    expect(ran).toBe(0);
    expect(store.append([next], claim)).toEqual(['committed']);
    expect(ran).toBe(1);
    store.close();
  });
});
