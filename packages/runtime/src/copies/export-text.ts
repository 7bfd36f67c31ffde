/**
 * Runs as text: one journal after the other, each as journal/journal-text.ts says. What a run started by `ctx.run` and
 * what follows it belong to it; what it follows, or was started by, does not.
 */
import { RuntimeError } from '../errors.ts';
import type { RunId, Seq } from '../journal/ids.ts';
import { cutDigest } from '../journal/chain.ts';
import type { Compacted } from '../journal/fold-event.ts';
import { headLine, rowLine, type JournalRow } from '../journal/journal-text.ts';
import { parseEvent, storeEvent, StoredEventRefusal } from '../journal/stored-event.ts';
import { sha256 } from '../system.ts';
import type { CopyStore } from '../ports/copy-store.ts';
import { refusedRow } from '../store/damage.ts';
import { ChainWalk } from './chain-walk.ts';
import { Redactor } from './redactor.ts';

export interface ExportOptions {
  /**
   * Values that are not told, such as `$.inputs.email` or `$..password`: `[redacted]` stands for them. Such an export
   * says so, and can be looked at where it is imported, and not gone on with.
   */
  readonly redact?: readonly string[];
}

export interface Exported {
  readonly runs: number;
  readonly events: number;
}

const PAGE = 500;

/** What is known of a run before its first line is written. */
interface Plan {
  readonly runId: RunId;
  readonly events: number;
  readonly lastSeq: Seq;
  readonly chain: string;
  readonly isRedacted: boolean;
}

/**
 * Lines with their ends; memory does not grow with the number of events.
 * @param ids of runs that are there; others that belong to them come behind, in the order in which they are named
 * @param isSealed what is stored has other bytes, and so another checksum, than what is told
 * @throws RuntimeError USAGE for a path that is none; REFUSED where one names nothing, or a value that an event cannot
 *   be without; CORRUPT; BUSY where a run removed rows of its own meanwhile: what was written until then is cut off
 */
export function* exportText(
  copies: CopyStore,
  ids: readonly RunId[],
  { redact = [] }: ExportOptions,
  isSealed = false,
): Generator<string, Exported, void> {
  const redactor = new Redactor(redact);
  // The head of a redacted journal tells a checksum that has to be made first, and a path that names nothing is found.
  const plans = redactor.isIdle ? undefined : [...plansOf(copies, ids, redactor)];
  if (plans !== undefined && redactor.unused.length > 0) throw nothingNamed(redactor.unused);
  const isAsStored = redactor.isIdle && !isSealed;
  let runs = 0;
  let events = 0;
  for (const plan of plans ?? (isSealed ? openedPlans(copies, ids) : family(copies, ids))) {
    yield `${headLine(plan)}\n`;
    const walk = new ChainWalk();
    let written = 0;
    for (const row of rowsOf(copies, plan)) {
      const told = isAsStored
        ? row
        : known(plan.runId, row, () =>
            isSealed && redactor.isIdle ? opened(row, walk) : redacted(redactor, row, walk),
          );
      yield `${rowLine(told)}\n`;
      written += 1;
    }
    if (written !== plan.events) throw changed(plan.runId);
    runs += 1;
    events += written;
  }
  return { runs, events };
}

/** Those runs and all that belong to them, each as it stands when its turn comes. */
function* family(copies: CopyStore, ids: readonly RunId[]): Generator<Plan, void, void> {
  const found = new Set(ids);
  for (const runId of found) {
    const head = copies.head(runId);
    // One that was pruned, or never imported.
    if (head === undefined) continue;
    const { events, lastSeq, chain, isInspectOnly } = head;
    yield { runId, events, lastSeq, chain, isRedacted: isInspectOnly };
    // A set that grows is walked to its new end.
    for (const row of rowsOf(copies, { runId, lastSeq }))
      for (const id of known(runId, row, () => named(row))) found.add(id);
  }
}

/** The same as they will be written. */
function* plansOf(copies: CopyStore, ids: readonly RunId[], redactor: Redactor): Generator<Plan, void, void> {
  for (const plan of family(copies, ids)) {
    const walk = new ChainWalk();
    for (const row of rowsOf(copies, plan)) known(plan.runId, row, () => redacted(redactor, row, walk));
    yield { ...plan, chain: walk.chain, isRedacted: true };
  }
}

/** With the checksum of what is told. One run after the other, as long as that takes. */
function* openedPlans(copies: CopyStore, ids: readonly RunId[]): Generator<Plan, void, void> {
  for (const plan of family(copies, ids)) yield { ...plan, chain: openedChain(copies, plan) };
}

/** The checksum that a run would have where nothing is sealed. */
export function openedChain(copies: CopyStore, plan: Pick<Plan, 'runId' | 'lastSeq'>): string {
  const walk = new ChainWalk();
  for (const row of rowsOf(copies, plan)) known(plan.runId, row, () => opened(row, walk));
  return walk.chain;
}

/** What stands for removed rows says the checksum of the last of them, and is held by that of the row before them. */
function opened(row: JournalRow, walk: ChainWalk): JournalRow {
  const event = parseEvent(row);
  const told = event.type === 'Compacted' ? { ...row, payload: rechained(row, event, walk.chain) } : row;
  walk.add(told, { ...told, event: parseEvent(told) });
  return told;
}

function rechained(row: JournalRow, event: Compacted, previous: string): string {
  return storeEvent({ ...event, digest: cutDigest(sha256, previous, row, event) }).payload;
}

function redacted(redactor: Redactor, row: JournalRow, walk: ChainWalk): JournalRow {
  const told = redactor.row(row, walk.chain);
  walk.add(told, { ...told, event: parseEvent(told) });
  return told;
}

function* rowsOf(
  copies: CopyStore,
  { runId, lastSeq }: Pick<Plan, 'runId' | 'lastSeq'>,
): Generator<JournalRow, void, void> {
  for (let seq = 0; seq < lastSeq;) {
    const page = copies.rows(runId, seq, PAGE);
    for (const row of page) {
      if (row.seq > lastSeq) return;
      yield row;
    }
    const last = page.at(-1);
    if (last === undefined) return;
    seq = last.seq;
  }
}

/** @throws RuntimeError CORRUPT or NEWER, for an event that cannot be taken apart */
function known<T>(runId: RunId, { seq }: JournalRow, take: () => T): T {
  try {
    return take();
  } catch (refusal) {
    if (refusal instanceof StoredEventRefusal) throw refusedRow(runId, seq, refusal);
    throw refusal;
  }
}

/** Cheap enough to look at every row: only three types name runs that this one cannot do without. */
function named(row: JournalRow): readonly RunId[] {
  if (row.type !== 'ChildStarted' && row.type !== 'RunContinued' && row.type !== 'RunForked') return [];
  const event = parseEvent(row);
  if (event.type === 'ChildStarted') return [event.runId];
  if (event.type === 'RunContinued') return [event.nextRunId];
  // It may have results of that one to take yet.
  return event.type === 'RunForked' && event.reuses === true ? [event.parentRunId] : [];
}

function nothingNamed(paths: readonly string[]): RuntimeError {
  return new RuntimeError('REFUSED', `No event has what ${paths.join(' and ')} names: nothing was written.`, {
    hint: 'See what the events hold: pawl events <run> --json',
    data: { paths },
  });
}

function changed(runId: RunId): RuntimeError {
  return new RuntimeError('BUSY', `Run ${runId} removed rows of its own while it was exported.`, {
    hint: 'Export it again',
    data: { runId },
  });
}
