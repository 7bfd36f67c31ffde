/** Journals that somebody made to do harm: refused in words or harmless, within bounds, and no code of theirs runs. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { env, execPath } from 'node:process';

import { seededEntropy } from '@pawl/runtime/testing';
import Database from 'better-sqlite3';

import { Folder } from '../folder.ts';
import { count, type Part, type PartContext } from '../part.ts';
import { SOURCES } from '../pawl.ts';
import { makeBaseJournal, UNDER_WAY } from './base-journal.ts';
import { BYTE_ATTACKS } from './hostile-bytes.ts';
import { cell, chained, makeCanary, marksIn, schema, type Attack } from './hostile-sql.ts';
import { UNTYPED } from './look.ts';

const HEAP_MB = 256;
/** Of one journal: what takes longer hangs, whatever the machine does besides. */
const LONGEST_SECONDS = 60;
/** To verify a file is to read all of it: one of gigabytes takes longer. */
const BYTES_PER_MS = 30_000;
/** Journals that one program looks at. */
const BATCH = 50;

const SQL_ATTACKS: readonly (readonly [name: string, attack: Attack])[] = [
  ['its schema', schema],
  ['a cell', cell],
  ['a cell', cell],
  ['a rightly chained event', chained],
  ['a rightly chained event', chained],
];

export const hostileJournals: Part = {
  name: 'hostile-journals',
  what: 'journals with triggers, views, lies about types and lengths, forged events; by SQL and by bytes',
  rounds: { ci: 300, night: 4_000 },
  budgetSeconds: { ci: 90, night: 1800 },
  floors: {
    'journals looked at': 1,
    'journals with something refused': 0.3,
    'journals with something read': 0.3,
  },
  run: tryJournals,
};

interface Made {
  readonly round: number;
  readonly path: string;
  readonly what: string;
}

interface Line {
  readonly begun?: number;
  readonly round?: number;
  readonly outcomes?: Readonly<Record<string, string>>;
}

async function tryJournals(context: PartContext): Promise<void> {
  const { seed, rounds, at, figures } = context;
  using folder = new Folder('hostile');
  const base = await makeBaseJournal(folder.fresh());
  let batch: Made[] = [];
  for (let round = 0; round < rounds; round += 1) {
    if (at !== undefined && round !== at) continue;
    const { random } = seededEntropy(seed * 1_000_003 + round);
    const path = join(folder.fresh(), 'journal.db');
    cpSync(base.path, path);
    batch.push({ round, path, what: madeHostile(path, random, figures) });
    if (batch.length < BATCH && round + 1 < rounds) continue;
    lookAtAll(batch, context);
    for (const made of batch) rmSync(dirname(made.path), { recursive: true });
    batch = [];
  }
  lookAtAll(batch, context);
}

function madeHostile(path: string, random: () => number, figures: PartContext['figures']): string {
  if (random() < 0.3) {
    const names = Object.keys(BYTE_ATTACKS);
    const name = names[Math.floor(random() * names.length)] ?? '';
    const attack = BYTE_ATTACKS[name];
    if (attack === undefined) return 'nothing';
    count(figures, `hostile in ${name}`);
    const file = path + attack.end;
    writeFileSync(file, attack.make(existsSync(file) ? readFileSync(file) : Buffer.alloc(0), random));
    return name;
  }
  const [name, attack] = SQL_ATTACKS[Math.floor(random() * SQL_ATTACKS.length)] ?? ['its schema', schema];
  count(figures, `hostile in ${name}`);
  const db = new Database(path);
  try {
    db.unsafeMode(true);
    makeCanary(db);
    return attack(db, random);
  } catch (error) {
    // What SQLite itself refuses is no attack; how far it came may be one.
    return `half of it: ${String(error)}`;
  } finally {
    db.close();
  }
}

function lookAtAll(batch: readonly Made[], context: PartContext): void {
  let rest = batch;
  while (rest.length > 0) {
    const lines = runLook(rest);
    const seen = new Set<number>();
    for (const { round, outcomes } of lines) {
      const made = rest.find((each) => each.round === round);
      if (made === undefined || outcomes === undefined) continue;
      seen.add(made.round);
      judge(made, outcomes, context);
    }
    const begun = lines.findLast((line) => line.begun !== undefined)?.begun;
    const fatal = rest.find(({ round }) => round === begun && !seen.has(round));
    if (fatal !== undefined) {
      const bounds = `${LONGEST_SECONDS} s, ${HEAP_MB} MiB of heap`;
      context.violated(
        fatal.round,
        `${fatal.what}: the program that looked died, or passed its bounds (${bounds})`,
      );
    }
    const left = rest.filter((each) => !seen.has(each.round) && each !== fatal);
    if (left.length === rest.length) {
      for (const { round } of left) context.violated(round, 'the program that looks does not start');
      return;
    }
    rest = left;
  }
}

function runLook(batch: readonly Made[]): readonly Line[] {
  const main = join(import.meta.dirname, 'look-main.ts');
  const bytes = batch.reduce((sum, { path }) => sum + statSync(path).size, 0);
  const { stdout } = spawnSync(execPath, [...SOURCES, `--max-old-space-size=${HEAP_MB}`, main], {
    env: {
      PATH: env['PATH'],
      NODE_COMPILE_CACHE: env['NODE_COMPILE_CACHE'] ?? join(tmpdir(), 'pawl-torture-compiled'),
    },
    input: batch
      .map(({ round, path }) => `${JSON.stringify({ round, path, resumed: UNDER_WAY })}\n`)
      .join(''),
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    timeout: LONGEST_SECONDS * 1000 + batch.length * 2000 + Math.ceil(bytes / BYTES_PER_MS),
    killSignal: 'SIGKILL',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((text) => JSON.parse(text) as Line);
}

function judge(
  { round, path, what }: Made,
  outcomes: Readonly<Record<string, string>>,
  context: PartContext,
): void {
  const { figures, violated } = context;
  count(figures, 'journals looked at');
  const codes = Object.values(outcomes);
  if (codes.some((code) => code !== 'ok')) count(figures, 'journals with something refused');
  if (Object.entries(outcomes).some(([name, code]) => name.startsWith('events') && code === 'ok'))
    count(figures, 'journals with something read');
  for (const code of new Set(codes.filter((each) => each !== 'ok')))
    count(figures, `refused with ${code.slice(0, 16)}`);
  for (const [doing, outcome] of Object.entries(outcomes))
    if (outcome.startsWith(UNTYPED)) violated(round, `${what}: ${doing}: ${outcome}`);
  if (hasMarks(path)) violated(round, `${what}: code of the journal was run`);
}

function hasMarks(path: string): boolean {
  let db: Database.Database | undefined;
  try {
    db = new Database(path, { readonly: true, fileMustExist: true });
    return marksIn(db) > 0;
  } catch {
    // What SQLite cannot read any more has no code that ran in it.
    return false;
  } finally {
    db?.close();
  }
}
