/** What the machine gives without us: SQLite itself, and the file system below it. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import Database from 'better-sqlite3';

import { benchFolder } from '../bench-folder.ts';
import type { Order } from '../order.ts';
import { peakRss, Probe } from '../probe.ts';
import type { CountName, Sample } from '../sample.ts';

const BODY = 'x'.repeat(200);
const PAGE_BYTES = 4096;
const ROWS_A_COMMIT = 1000;
/** Rows of one INSERT: several at once take two thirds of the time. */
const ROWS_AN_INSERT = 50;

function openRaw(durability: Order['durability']): Database.Database {
  const db = new Database(pathOf());
  db.pragma('journal_mode = wal');
  db.pragma(`synchronous = ${durability}`);
  db.exec('create table rows (id integer primary key, body text not null)');
  return db;
}

function pathOf(): string {
  return join(benchFolder(), 'raw.db');
}

function measured(
  steps: number,
  note: string,
  durability: string,
  work: () => Partial<Record<CountName, number>>,
): Sample {
  const probe = new Probe(pathOf());
  const counts = work();
  const { ms, cpuMicros, walBytes } = probe.stop();
  return {
    ms,
    steps,
    rssBytes: peakRss(),
    diskBytes: null,
    walBytes,
    durability,
    note,
    counts: { cpuMicros, ...counts },
  };
}

/** One insert a commit; way 'cold': on a log that has to grow, otherwise on one that is written over. */
export function rawCommits({ steps, durability, way }: Order): Sample {
  const db = openRaw(durability);
  try {
    const insert = db.prepare('insert into rows (body) values (?)');
    const commits = (): Partial<Record<CountName, number>> => {
      for (let i = 0; i < steps; i += 1) insert.run(BODY);
      return { commits: steps, rows: steps };
    };
    if (way !== 'cold') {
      db.pragma('wal_autocheckpoint = 0');
      commits();
      db.pragma('wal_checkpoint(RESTART)');
    }
    const log = way === 'cold' ? 'a cold log' : 'a reused log';
    return measured(steps, `one insert a commit, ${log}`, durabilityOf(durability), commits);
  } finally {
    db.close();
  }
}

export function rawBatches({ steps, durability }: Order): Sample {
  const db = openRaw(durability);
  try {
    const values = Array.from({ length: ROWS_AN_INSERT }, () => '(?)').join(', ');
    const insert = db.prepare(`insert into rows (body) values ${values}`);
    const bodies = Array.from({ length: ROWS_AN_INSERT }, () => BODY);
    const batch = db.transaction(() => {
      for (let row = 0; row < ROWS_A_COMMIT; row += ROWS_AN_INSERT) insert.run(bodies);
    });
    const note = `${ROWS_A_COMMIT} rows a commit, ${ROWS_AN_INSERT} an insert`;
    return measured(steps, note, durabilityOf(durability), () => {
      for (let row = 0; row < steps; row += ROWS_A_COMMIT) batch.immediate();
      return { commits: Math.ceil(steps / ROWS_A_COMMIT), rows: steps };
    });
  } finally {
    db.close();
  }
}

export function rawIterate({ steps }: Order): Sample {
  const db = openRaw('normal');
  try {
    db.exec(
      `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${steps})
       insert into rows (body) select '${BODY}' from n`,
    );
    const select = db.prepare<[], { readonly body: string }>('select id, body from rows order by id');
    return measured(steps, 'rows of 200 bytes, iterated', 'a read', () => {
      let bytes = 0;
      for (const row of select.iterate()) bytes += row.body.length;
      return { rows: bytes / BODY.length };
    });
  } finally {
    db.close();
  }
}

/** 4 KiB and fdatasync; way 'append' or 'overwrite'. */
export function rawPages({ steps, way }: Order): Sample {
  const file = openSync(join(benchFolder(), 'pages'), 'w', 0o600);
  try {
    const page = Buffer.alloc(PAGE_BYTES, 1);
    const write = (): Partial<Record<CountName, number>> => {
      for (let i = 0; i < steps; i += 1) {
        writeSync(file, page, 0, PAGE_BYTES, i * PAGE_BYTES);
        fdatasyncSync(file);
      }
      return { commits: steps };
    };
    if (way === 'overwrite') write();
    return measured(steps, `4 KiB, ${way}`, 'fdatasync', write);
  } finally {
    closeSync(file);
  }
}

function durabilityOf(durability: Order['durability']): string {
  return `SQLite WAL, synchronous=${durability.toUpperCase()}`;
}
