/** Where a fork begins, and what it keeps, takes over and does again. */
import type { CallKey } from '../journal/call-key.ts';
import type { Seq } from '../journal/ids.ts';
import { outermost, type CallHistory, type CallKind, type PastCall } from './call-history.ts';
import { nearest } from './nearest.ts';

export interface ForkTarget {
  /** The first call that is made anew; all that was recorded before it is kept. */
  readonly at?: CallKey;
  /** The last event that is kept; `at` says the same by a call. */
  readonly afterSeq?: Seq;
  /** Calls that get another result. */
  readonly set: readonly CallKey[];
  /** From what made the run end as it did; else from its end. */
  readonly retries: boolean;
}

export interface ForkedCall {
  readonly key: CallKey;
  readonly kind: CallKind;
  /** The task, the child's process, or what people are asked. */
  readonly name: string;
  /** What became of it in the parent; null: it was under way. */
  readonly outcome: 'succeeded' | 'failed' | 'cancelled' | null;
  /** Its effect may have been done before, and nothing declares that it may be done twice. */
  readonly isRisky: boolean;
}

export interface ForkPlan {
  /** The last event that is shared. */
  readonly seq: Seq;
  /** The call before which it begins; null: behind all that is recorded, or before an outcome. */
  readonly before: CallKey | null;
  /** Tasks, children and answers whose outcome is kept, by the name of the task. */
  readonly kept: ReadonlyMap<string, number>;
  /** Results behind that place that are taken over, where the same call asks for the same. */
  readonly reused: readonly ForkedCall[];
  /** What was begun in the parent, and is done again. */
  readonly again: readonly ForkedCall[];
}

/** Why there is no such fork: for an error that tells what to do. */
export interface ForkRefusal {
  readonly problem: string;
  readonly hint: string;
}

/** @param reuses what the parent recorded behind the place is taken over */
export function planFork(history: CallHistory, target: ForkTarget, reuses: boolean): ForkPlan | ForkRefusal {
  const place = placeOf(history, target);
  if ('problem' in place) return place;
  const refusal = refusalAt(history, place.seq);
  if (refusal !== undefined) return refusal;
  const kept = new Map<string, number>();
  const reused: ForkedCall[] = [];
  const again: ForkedCall[] = [];
  for (const call of history.calls.values()) {
    if (call.kind === 'group' || call.kind === 'timer') continue;
    if (call.end !== null && call.end.seq <= place.seq) {
      kept.set(call.name, (kept.get(call.name) ?? 0) + 1);
      continue;
    }
    // One that is asked for anew was never begun where its first attempt was not.
    if (call.kind === 'task' && call.attempts === 0 && call.end?.outcome !== 'succeeded') continue;
    const isTaken =
      reuses && call.kind === 'task' && call.end?.outcome === 'succeeded' && call.key !== place.before;
    const outcome = call.end?.outcome ?? null;
    const { key, kind, name } = call;
    if (target.set.includes(key)) continue;
    (isTaken ? reused : again).push({ key, kind, name, outcome, isRisky: isRisky(call) });
  }
  return { ...place, kept, reused, again };
}

/** What a person or somebody else is asked is only asked again. */
function isRisky({ kind, policy, attempts }: PastCall): boolean {
  if (kind === 'child') return true;
  if (kind !== 'task' || policy === undefined || attempts === 0) return false;
  return policy.retry.attempts <= 1 || policy.onUnknown === 'ask';
}

type Place = Pick<ForkPlan, 'seq' | 'before'>;

function placeOf(history: CallHistory, { at, afterSeq, set, retries }: ForkTarget): Place | ForkRefusal {
  const last = history.endSeq === 0 ? history.lastSeq : history.endSeq - 1;
  const wanted = at === undefined ? undefined : history.calls.get(at);
  if (at !== undefined && wanted === undefined) return unknownCall(history, at);
  const given = set.map((key) => history.calls.get(key));
  const missing = set.find((_, i) => given[i] === undefined);
  if (missing !== undefined && wanted === undefined) return unknownCall(history, missing);
  const chosen = afterSeq === undefined ? undefined : placeAfter(history, afterSeq, last);
  if (chosen !== undefined && 'problem' in chosen) return chosen;
  const notTask = given.find((call) => call !== undefined && call.kind !== 'task');
  if (notTask !== undefined)
    return {
      problem: `Call ${notTask.key} is no task of this program (${notTask.kind} ${notTask.name}): only a task's result can be set.`,
      hint: 'See the calls: pawl show <run>',
    };
  const givenUp = given.find((call) => call?.end?.outcome === 'cancelled');
  if (givenUp !== undefined)
    return {
      problem: `Call ${givenUp.key} was given up in the run: a result of it would come too late to count.`,
      hint: `Begin before what gave it up: --at ${outermost(givenUp.key)}`,
    };
  const place = wanted === undefined ? chosen : { seq: Math.min(last, wanted.seq - 1), before: wanted.key };
  if (place !== undefined) {
    const kept = given.find((call) => (call?.end?.seq ?? Infinity) <= place.seq);
    if (kept === undefined) return place;
    return {
      problem: `The result of call ${kept.key} lies before that place, and would be kept.`,
      hint: `Set it without saying where to begin, or begin at it: --at ${kept.key}`,
    };
  }
  if (given.length > 0) {
    const ends = given.map((call) => (call?.end?.seq ?? last + 1) - 1);
    return { seq: Math.min(last, ...ends), before: null };
  }
  return retries ? placeOfRetry(history, last) : { seq: last, before: null };
}

function placeAfter({ lastSeq }: CallHistory, seq: Seq, last: Seq): Place | ForkRefusal {
  if (seq <= last) return { seq, before: null };
  const problem =
    seq > lastSeq ? `It has ${lastSeq} events.` : `From event ${last + 1} on it comes to its end.`;
  return { problem, hint: `Keep events up to ${last} at most` };
}

function unknownCall(history: CallHistory, key: CallKey): ForkRefusal {
  const near = nearest(key, [...history.calls.keys()]);
  const folded = history.compactedSeq > 0 ? ' What a reduce has folded is there no more.' : '';
  return {
    problem: `The run has no call '${key}'.${folded}`,
    hint: near.length === 0 ? 'See the calls: pawl show <run>' : `Did you mean ${near.join(' or ')}?`,
  };
}

/**
 * Before the failure that the run failed with, and else before the one that came last: of calls that failed in the same
 * group, before the first of them, so that all get another try. Behind all where the code itself is wrong: what had
 * failed before that was dealt with.
 */
function placeOfRetry({ calls, ended, blame }: CallHistory, last: Seq): Place {
  const failed = [...calls.values()].filter(
    ({ kind, end, isTimedOut }) =>
      (kind !== 'group' || isTimedOut) && end?.outcome === 'failed' && end.seq <= last,
  );
  const blamed = failed.filter(({ key }) => blame.keys.has(key));
  const causes = blamed.length > 0 ? blamed : blame.isCode ? [] : failed;
  const cause = causes.reduce<PastCall | undefined>(
    (latest, call) => ((latest?.end?.seq ?? 0) > (call.end?.seq ?? 0) ? latest : call),
    undefined,
  );
  if (cause === undefined || ended !== 'RunFailed') return { seq: last, before: null };
  const group = outermost(cause.key);
  const together = failed.filter(({ key }) => outermost(key) === group);
  let seq = last;
  for (const { kind, seq: asked, end } of together)
    seq = Math.min(seq, (kind === 'child' ? asked : (end?.seq ?? last + 1)) - 1);
  // What waited for another run begins with that run anew.
  for (let child = openChild(calls, seq); child !== undefined; child = openChild(calls, seq))
    seq = child.seq - 1;
  return { seq, before: cause.key };
}

/** A run that is waited for at that place: it is another run's, and cannot be this one's too. */
function openChild(calls: CallHistory['calls'], seq: Seq): PastCall | undefined {
  let first: PastCall | undefined;
  for (const call of calls.values()) {
    if (call.child === undefined || call.seq > seq) continue;
    if ((call.end?.seq ?? Infinity) > seq && call.seq < (first?.seq ?? Infinity)) first = call;
  }
  return first;
}

function refusalAt({ calls, compactedSeq }: CallHistory, seq: Seq): ForkRefusal | undefined {
  const child = openChild(calls, seq);
  if (child !== undefined)
    return {
      problem: `There run ${child.child ?? ''}, which call ${child.key} started, is under way, and it cannot be a part of two runs.`,
      hint: `Begin before it: --at ${child.key}`,
    };
  for (const { key, kind, seq: opened, marks } of calls.values()) {
    const isCut = kind === 'group' && opened <= seq && marks.some((mark) => mark > seq);
    if (isCut && compactedSeq > opened)
      return {
        problem: `There the reduce ${key} is under way, and what it had folded by then is there no more.`,
        hint: `Begin before it: --at ${key}`,
      };
  }
  return undefined;
}
