/**
 * Runs out of text. It is read twice: once to look at all of it (its form, the order of its events, its checksums), and
 * once in the transaction that writes it. Memory does not grow with the number of events.
 */
import { RuntimeError } from '../errors.ts';
import type { RunId } from '../journal/ids.ts';
import { InvariantError } from '../journal/invariant.ts';
import {
  isHead,
  JournalTextRefusal,
  otherCount,
  readHead,
  readRow,
  type TextHead,
} from '../journal/journal-text.ts';
import type { Recorded } from '../journal/event.ts';
import type { RunStatus, RunSummary } from '../journal/run-summary.ts';
import { evolve } from '../kernel/evolve.ts';
import { initialState, type RunState } from '../kernel/state.ts';
import type { CopyStore, ImportedRow, ImportedRun } from '../ports/copy-store.ts';
import { addToSummary, summarize } from '../views/run-summary.ts';
import { ChainWalk } from './chain-walk.ts';
import { openedChain } from './export-text.ts';

/** Gives the lines from the first one on, each time that it is called. */
export type TextSource = () => Iterable<string>;

export interface TextImportOptions {
  /** Another id; only for a run that is alone in the text. */
  readonly as?: RunId;
}

export interface ImportedRunNote {
  readonly runId: RunId;
  readonly process: string;
  readonly status: RunStatus;
  readonly events: number;
  /** `same`: this very history is here already, and nothing was written. */
  readonly outcome: 'imported' | 'same';
  /** The text says a checksum, and it is right. */
  readonly isVerified: boolean;
  readonly isRedacted: boolean;
}

interface LookedAt extends TextHead {
  readonly summary: RunSummary;
  readonly chain: string;
  readonly isVerified: boolean;
}

/** Runs that one text may hold: what is known of each is kept in memory. */
const MOST_RUNS = 100_000;

/**
 * All runs of the text or none, in one transaction.
 * @throws RuntimeError NEWER; REFUSED for what is no journal, with line and column, and for an id that is taken; CORRUPT
 *   where the events are not those that the checksum was made of; BUSY, STORAGE
 */
export function importText(
  copies: CopyStore,
  source: TextSource,
  { as, isSealed = false }: TextImportOptions & { readonly isSealed?: boolean },
  now: number,
): readonly ImportedRunNote[] {
  const looked = told(() => lookAt(source));
  const [first] = looked;
  if (as !== undefined && (looked.length !== 1 || first === undefined)) throw severalRuns(as, looked.length);
  const named = new Map(looked.map((run) => [run.runId, as ?? run.runId]));
  const outcomes = new Map(
    looked.map((run) => [run.runId, outcomeOf(copies, run, as ?? run.runId, isSealed)]),
  );
  const fresh = looked.filter(({ runId }) => outcomes.get(runId) === 'imported');
  if (fresh.length > 0) {
    const wanted = new Map(fresh.map((run) => [run.runId, run]));
    told(() => copies.import(runsOf(source, wanted, named), now));
  }
  return looked.map(({ runId, summary, events, isVerified, isRedacted }) => ({
    runId: named.get(runId) ?? runId,
    process: summary.process,
    status: summary.status,
    events,
    outcome: outcomes.get(runId) ?? 'imported',
    isVerified,
    isRedacted,
  }));
}

/** @throws RuntimeError REFUSED where the id is that of another history */
function outcomeOf(copies: CopyStore, run: LookedAt, runId: RunId, isSealed: boolean): 'imported' | 'same' {
  const here = copies.head(runId);
  if (here === undefined) return 'imported';
  const isAsLong = here.lastSeq === run.summary.lastSeq;
  const chain = isSealed && isAsLong ? openedChain(copies, { runId, lastSeq: here.lastSeq }) : here.chain;
  if (chain === run.chain && isAsLong) return 'same';
  throw new RuntimeError(
    'REFUSED',
    `Run ${runId} is here already, with another history: ${here.events} events here, ${run.events} in the text.`,
    {
      hint: `Compare them under another id: pawl import <file> --as ${runId}-2`,
      data: { runId, here: here.events, text: run.events },
    },
  );
}

interface Section {
  readonly head: TextHead;
  readonly rows: Iterable<ImportedRow & { readonly line: number }>;
}

/** The runs of a text, each to be read to its end before the next. @throws JournalTextRefusal */
function* sectionsOf(source: TextSource): Generator<Section, void, void> {
  let line = 0;
  const lines = source()[Symbol.iterator]();
  const next = (): string | undefined => {
    const { value, done } = lines.next();
    line += 1;
    return done === true ? undefined : value;
  };
  let text = next() ?? '';
  for (let isMore = true; isMore;) {
    const at = line;
    const head = readHead(text, at);
    function* rows(): Section['rows'] & Generator<ImportedRow & { readonly line: number }, void, void> {
      const walk = new ChainWalk();
      let seq = 0;
      let found = 0;
      for (let each = next(); ; each = next()) {
        isMore = each !== undefined;
        if (each === undefined || isHead(each)) {
          text = each ?? '';
          break;
        }
        const { row, recorded } = readRow(each, line, seq);
        const payload = walk.add(row, recorded);
        if (payload === undefined) throw damaged(head.runId, row.seq, line);
        ({ seq } = row);
        found += 1;
        yield { recorded, version: row.version, payload, chain: walk.chain, line };
      }
      if (found !== head.events) throw otherCount(at, head.events, found);
    }
    yield { head, rows: rows() };
  }
}

/** Everything that can be wrong with it is found here. */
function lookAt(source: TextSource): LookedAt[] {
  const looked: LookedAt[] = [];
  const ids = new Set<RunId>();
  for (const { head, rows } of sectionsOf(source)) {
    let summary: RunSummary | undefined;
    let chain = '';
    let line = 1;
    const state = initialState();
    let at = 0;
    for (const row of rows) {
      ({ line, chain } = row);
      at = checkedTime(row.recorded.at, at, line);
      fold(state, row.recorded, line);
      if (summary === undefined) summary = { ...summarize(head.runId, undefined, row.recorded) };
      else addToSummary(summary, row.recorded);
    }
    if (summary === undefined)
      throw new JournalTextRefusal('malformed', line, `run ${head.runId} has no events`);
    if (ids.has(head.runId))
      throw new JournalTextRefusal('malformed', line, `run ${head.runId} is there twice`);
    if (ids.size >= MOST_RUNS)
      throw new JournalTextRefusal('malformed', line, `it holds more than ${MOST_RUNS} runs`);
    if (head.chain !== undefined && head.chain !== chain) throw damaged(head.runId, 0, line);
    ids.add(head.runId);
    looked.push({ ...head, summary, chain, isVerified: head.chain !== undefined });
  }
  return looked;
}

function checkedTime(at: number, before: number, line: number): number {
  if (Number.isSafeInteger(at) && at >= before) return at;
  const problem = `it happened at ${at}, before the event before it (${before})`;
  throw new JournalTextRefusal('malformed', line, problem, 2);
}

/** What the kernel refuses could not be gone on with. */
function fold(state: RunState, recorded: Recorded, line: number): void {
  try {
    evolve(state, recorded);
  } catch (error) {
    if (!(error instanceof InvariantError)) throw error;
    const problem = `a ${recorded.event.type} cannot follow what is before it: ${error.problem}`;
    throw new JournalTextRefusal('malformed', line, problem);
  }
}

function* runsOf(
  source: TextSource,
  wanted: ReadonlyMap<RunId, LookedAt>,
  named: ReadonlyMap<RunId, RunId>,
): Generator<ImportedRun, void, void> {
  for (const { head, rows } of sectionsOf(source)) {
    const run = wanted.get(head.runId);
    if (run === undefined) for (const _ of rows);
    else {
      const { summary, chain, isRedacted } = run;
      const runId = named.get(head.runId) ?? head.runId;
      yield { runId, summary, chain, isInspectOnly: isRedacted, rows: unchanged(rows, run) };
    }
  }
}

/** The file may be another one by now; what was written so far is taken back. */
function* unchanged(rows: Section['rows'], { runId, chain }: LookedAt): Generator<ImportedRow, void, void> {
  let last = '';
  for (const row of rows) {
    ({ chain: last } = row);
    yield row;
  }
  if (last === chain) return;
  throw new RuntimeError('BUSY', `The text of run ${runId} was changed while it was read.`, {
    hint: 'Import it again',
    data: { runId },
  });
}

function told<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof JournalTextRefusal)) throw error;
    const { kind, line, column, message } = error;
    const isNewer = kind === 'newer';
    throw new RuntimeError(
      isNewer ? 'NEWER' : 'REFUSED',
      `The text cannot be imported: ${message}. Nothing was written.`,
      {
        hint: isNewer
          ? 'Use the version of pawl that wrote it, or a newer one.'
          : 'Export the run again: pawl export <run> -o <file>',
        data: { line, column },
        cause: error,
      },
    );
  }
}

function damaged(runId: RunId, seq: number, line: number): RuntimeError {
  const what = seq === 0 ? `The events of run ${runId}` : `Event ${seq} of run ${runId}`;
  return new RuntimeError(
    'CORRUPT',
    `${what} (to line ${line}) and the checksum do not match: the text was changed. Nothing was written.`,
    { hint: 'Export the run again: pawl export <run> -o <file>', data: { runId, line } },
  );
}

function severalRuns(as: RunId, count: number): RuntimeError {
  return new RuntimeError(
    'REFUSED',
    `The text holds ${count} runs, which name each other by their ids: only one that is alone can be called ${as}.`,
    { hint: 'Import them as they are: pawl import <file>, or into another journal with --db' },
  );
}
