import { isExitPath, scopeOf, type CallKey } from '../journal/call-key.ts';
import { keyOf, type JournalEvent } from '../journal/event.ts';
import type { Seq } from '../journal/ids.ts';
import type { AskedInstead } from './divergence.ts';
import type { RunState } from './state.ts';

/** What the journal tells of a divergence beside its two sides. */
export interface DivergenceHints {
  /** file:line:column of the call that was made last, where known. */
  readonly lastCall: string | null;
  /** What is asked for is the recorded call under another key: that one. */
  readonly newKey: CallKey | null;
  /** Where what is asked for was recorded later in the same scope. */
  readonly later: { readonly key: CallKey; readonly seq: Seq } | null;
  /** Which of the two sides is of the same task as the call that was recorded just before, in the same scope. */
  readonly goesOn: 'recorded' | 'asked' | null;
}

export const NO_HINTS: DivergenceHints = { lastCall: null, newKey: null, later: null, goesOn: null };

interface AskedAs {
  /** Under which it would be recorded. */
  readonly key: CallKey;
  readonly fingerprint: string;
}

/** @param seq of the recorded call */
export function hintsOf(
  { calls }: Readonly<RunState>,
  seq: Seq,
  key: CallKey,
  asked: AskedAs | undefined,
): Omit<DivergenceHints, 'lastCall'> {
  const recorded = calls.get(key)?.fingerprint;
  const scope = scopeOf(key);
  let later: DivergenceHints['later'] = null;
  let before: { readonly seq: Seq; readonly fingerprint: string } | undefined;
  for (const [each, call] of calls) {
    if (!('fingerprint' in call) || scopeOf(each) !== scope) continue;
    if (call.seq < seq && call.seq > (before?.seq ?? 0)) before = call;
    const isMeant = call.seq > seq && call.fingerprint === asked?.fingerprint;
    if (isMeant && call.seq < (later?.seq ?? Infinity)) later = { key: each, seq: call.seq };
  }
  const isOf = (fingerprint: string | undefined): boolean =>
    before !== undefined && fingerprint !== undefined && nameIn(before.fingerprint) === nameIn(fingerprint);
  const isMoved = asked !== undefined && asked.fingerprint === recorded && asked.key !== key;
  return {
    newKey: isMoved ? asked.key : null,
    later,
    goesOn: isOf(recorded) ? 'recorded' : isOf(asked?.fingerprint) ? 'asked' : null,
  };
}

/** Without the hash of the input. */
function nameIn(fingerprint: string): string {
  return /^(task|run|start) /.test(fingerprint) ? fingerprint.replace(/ \S+$/, '') : fingerprint;
}

/** What was recorded, and what is asked for instead. */
export interface Sides {
  readonly recorded: JournalEvent;
  /** In words. */
  readonly was: string;
  readonly asked: AskedInstead | undefined;
  readonly difference: string | null;
  /** Both have an input, and it is the same. */
  readonly isSameInput: boolean;
}

export function likelyCause(sides: Sides, hints: DivergenceHints): string {
  const { recorded, asked, difference } = sides;
  if (asked === undefined && isExitPath(scopeOf(keyOf(recorded))))
    return `the scope registers less for its end than it did, or ends in another way`;
  if (recorded.type === 'ValueRecorded') return `the code no longer does what this version did`;
  if (recorded.type === 'StreamOpened' && recorded.kind === 'progress')
    return `the process no longer reads what the task tells: it was called by ctx.stream`;
  if (asked === undefined) {
    return hints.goesOn === 'recorded'
      ? `a loop ends earlier than it did, or the call was removed`
      : `the call was removed, or moved behind a condition that is false now`;
  }
  if (difference !== null) return `the input of the call changed`;
  if (hints.newKey !== null) return `the key of the call changed: it is ${hints.newKey} now`;
  return causeOfTwo(sides, asked.what, hints);
}

function causeOfTwo(
  { recorded, was, isSameInput }: Sides,
  asked: string,
  { later, goesOn }: DivergenceHints,
): string {
  if (asked === was && recorded.type === 'ChildStarted') return `the input of the run changed`;
  if (withoutVersion(asked) === withoutVersion(was)) return `the version of the task changed`;
  if (recorded.type === 'StreamClosed' && asked.startsWith('the end of reading'))
    return `the process takes another number of items before it leaves the loop`;
  if (later !== null) {
    const meant = `what is asked for was recorded after it, at seq ${later.seq} (call ${later.key})`;
    return goesOn === 'recorded'
      ? `a loop ends earlier than it did, or the call was removed: ${meant}`
      : `the call was removed, or moved further down: ${meant}`;
  }
  if (goesOn === 'asked') return `a loop goes on for longer than it did, or a call was inserted`;
  if (asked.startsWith('parallel.')) return causeOfGroup(recorded, was, asked);
  if (isSameInput) return `the task was renamed: its input is the same`;
  if (kindIn(asked) !== kindIn(was))
    return `the call was replaced by one of another kind, or another one was inserted before it`;
  return `the call was renamed or replaced, or another one was inserted before it`;
}

function causeOfGroup(recorded: JournalEvent, was: string, asked: string): string {
  if (recorded.type !== 'ScopeOpened')
    return `the call was moved into a group, or a group was inserted before it`;
  if (kindIn(was) !== kindIn(asked)) return `the combinator changed, or another group was inserted before it`;
  return `the number of branches changed`;
}

/** "task", "sleep", "parallel.map". */
function kindIn(what: string): string {
  return what.split(' ', 1)[0] ?? '';
}

function withoutVersion(what: string): string {
  return what.replace(/ \(version .*\)$/, '');
}
