/** Damage of a journal at rest: it is found, or it is nowhere; no changed event is ever used. */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { seededEntropy } from '@pawl/runtime/testing';

import { Folder } from '../folder.ts';
import { count, type Figures, type Part, type PartContext } from '../part.ts';
import { expectedOf } from '../voyage.ts';
import { JOURNEY, makeBaseJournal, RUNS, UNDER_WAY, type BaseJournal } from './base-journal.ts';
import { DAMAGES } from './damage.ts';
import { look, UNTYPED, type Looked } from './look.ts';

/** How often of ten each is drawn: a bit is the hardest to see. */
const SHARES = [
  ...Array.from({ length: 6 }, () => 'a flipped bit'),
  'a cut end',
  'a cut end',
  'a zeroed page',
  'a page in the place of another',
];

export const dataFaults: Part = {
  name: 'data-faults',
  what: 'bits flip, ends are cut, pages are lost in the database or its log, at rest',
  rounds: { ci: 500, night: 10_000 },
  budgetSeconds: { ci: 60, night: 900 },
  floors: { 'journals with something refused': 0.15, 'damage named by run and seq': 0.03 },
  run: tryDamages,
};

export async function tryDamages(context: PartContext): Promise<void> {
  const { seed, rounds, at, figures } = context;
  using folder = new Folder('data-faults');
  const base = await makeBaseJournal(folder.fresh());
  const original = new Map(
    [...base.events].map(([id, events]) => [id, events.map((each) => JSON.stringify(each))]),
  );
  const path = join(folder.fresh(), 'journal.db');
  for (let round = 0; round < rounds; round += 1) {
    if (at !== undefined && round !== at) continue;
    const { random } = seededEntropy(seed * 1_000_003 + round);
    const how = SHARES[Math.floor(random() * SHARES.length)] ?? 'a flipped bit';
    const isLog = random() < 0.25;
    layDamaged(base, path, { how, isLog, random });
    count(figures, `${how} in the ${isLog ? 'log' : 'database'}`);
    const looked = await look(path, UNDER_WAY);
    for (const what of wrongOf(looked, original, isLog)) context.violated(round, `${how}: ${what}`);
    countLooked(looked, figures);
  }
}

function layDamaged(
  { path: atRest, withLog }: BaseJournal,
  path: string,
  { how, isLog, random }: { readonly how: string; readonly isLog: boolean; readonly random: () => number },
): void {
  const from = isLog ? withLog : atRest;
  for (const end of ['', '-wal', '-shm']) {
    rmSync(path + end, { force: true });
    if (existsSync(from + end)) cpSync(from + end, path + end);
  }
  const damaged = isLog ? `${path}-wal` : path;
  const damage = DAMAGES[how];
  if (damage !== undefined) writeFileSync(damaged, damage(readFileSync(damaged), random));
}

function* wrongOf(
  { outcomes, events, damage, value, started }: Looked,
  original: ReadonlyMap<string, readonly string[]>,
  isLog: boolean,
): Generator<string> {
  for (const [what, outcome] of Object.entries(outcomes))
    if (outcome.startsWith(UNTYPED)) yield `${what}: ${outcome}`;
  for (const [id, read] of Object.entries(events)) {
    const was = original.get(id);
    const changed = read.findIndex((text, i) => text !== was?.[i]);
    if (was !== undefined && changed !== -1)
      yield `event ${changed + 1} of ${id} is used as ${read[changed]}`;
    // The log that is cut holds what was recorded up to there, and nobody can tell; the database says how much there is.
    const isShort = was !== undefined && read.length < was.length && outcomes[`events of ${id}`] === 'ok';
    if (isShort && !isLog)
      yield `of the ${was.length} events of ${id} there are ${read.length}, and nobody complains`;
  }
  if (outcomes['verify'] === 'ok' && damage.length > 0) yield* neighboursOf(outcomes, damage);
  const refused = RUNS.find((id) => outcomes[`events of ${id}`] === 'CORRUPT');
  if (refused !== undefined && outcomes['verify'] === 'ok' && !damage.some(({ runId }) => runId === refused))
    yield `run ${refused} is refused, and verify does not name it`;
  if (value !== undefined && JSON.stringify(value) !== JSON.stringify(expectedOf(JOURNEY)))
    yield `the run went on to ${JSON.stringify(value)}`;
  const settled = settledIn(original.get(UNDER_WAY) ?? []);
  const again = started.filter((key) => settled.has(key));
  if (!isLog && again.length > 0) yield `it did again what was done: ${again.join(' ')}`;
}

/** Where damage is in one run, the others are there. */
function* neighboursOf(outcomes: Looked['outcomes'], damage: Looked['damage']): Generator<string> {
  const damaged = new Set(damage.map(({ runId }) => runId));
  // Damage of no run may be in rows that any of them needs.
  if (damaged.has('')) return;
  for (const id of RUNS) {
    const outcome = outcomes[`events of ${id}`];
    if (!damaged.has(id) && outcome !== undefined && outcome !== 'ok')
      yield `run ${id} cannot be read (${outcome}), and the damage is in ${[...damaged].join(', ')}`;
  }
}

function settledIn(events: readonly string[]): ReadonlySet<string> {
  const keys = events.map(
    (text) => /"type":"Task(?:Succeeded|Failed|Cancelled)","key":"([^"]*)"/.exec(text)?.[1],
  );
  return new Set(keys.filter((key) => key !== undefined));
}

function countLooked({ outcomes, damage, value }: Looked, figures: Figures): void {
  const codes = Object.values(outcomes).filter((outcome) => outcome !== 'ok');
  if (codes.length > 0 || damage.length > 0) count(figures, 'journals with something refused');
  if (damage.some(({ runId, seq }) => RUNS.includes(runId) && seq > 0))
    count(figures, 'damage named by run and seq');
  if (value !== undefined) count(figures, 'runs that went on to the right end');
  for (const code of new Set(codes)) count(figures, `refused with ${code.slice(0, 12)}`);
}
