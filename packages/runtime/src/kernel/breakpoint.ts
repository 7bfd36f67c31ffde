/** Questions to people: which answers count, and when they decide. */
import type { BreakpointAnswered, BreakpointClosed, BreakpointOpened } from '../journal/breakpoint-event.ts';
import type { Millis, Seq } from '../journal/ids.ts';
import { broken } from '../journal/invariant.ts';
import type { Decision } from './decide.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { Command, Effect, Report } from './input.ts';
import { addCall, addPending, removePending } from './recorded-call.ts';
import { isFenced, type BreakpointCall, type RunState } from './state.ts';

const NOTHING: Decision = { events: [], effects: [] };

export function openBreakpoint({
  type: _,
  ...facts
}: Extract<Command, { type: 'OpenBreakpoint' }>): Decision {
  const { key, timeoutMs } = facts;
  const effects: Effect[] =
    timeoutMs === null ? [] : [{ type: 'SetTimer', delayMs: timeoutMs, report: { type: 'WaitDue', key } }];
  return { events: [{ type: 'BreakpointOpened', ...facts }], effects };
}

/** An answer that does not count (nobody asked, a second one of this person) leaves no trace. */
export function takeAnswer(
  state: Readonly<RunState>,
  { type: _, ...facts }: Extract<Report, { type: 'AnswerTaken' }>,
): Decision {
  const { key } = facts;
  const call = state.calls.get(key);
  if (call?.kind !== 'breakpoint' || !state.pending.has(key) || isFenced(state, key)) return NOTHING;
  const { counted, outcome } = withAnswers(call, [facts]);
  if (counted.length === 0) return NOTHING;
  const answered: BreakpointAnswered = { type: 'BreakpointAnswered', ...facts };
  if (outcome === undefined) return { events: [answered], effects: [] };
  return {
    events: [answered, { type: 'BreakpointClosed', key, outcome, by: 'answer' }],
    effects: [{ type: 'ClearTimers', key }],
  };
}

type Said = Pick<BreakpointAnswered, 'by' | 'approved' | 'option'>;

/** What a question asks of its answers, and those that are recorded. */
interface Asked extends Pick<BreakpointCall, 'strategy' | 'quorum' | 'experts' | 'options'> {
  readonly answers: readonly Pick<Said, 'by' | 'approved'>[];
}

/**
 * Which of these answers count behind those that are recorded, up to the one that decides, and what they come to.
 * So whoever sends one foretells what the run makes of those that wait in its inbox.
 */
export function withAnswers<Answer extends Said>(
  asked: Asked,
  given: readonly Answer[],
): { readonly counted: readonly Answer[]; readonly outcome: ReturnType<typeof verdict> } {
  const counted: Answer[] = [];
  let outcome: ReturnType<typeof verdict>;
  for (const said of given) {
    if (outcome !== undefined) break;
    const answers = [...asked.answers, ...counted];
    if (!counts({ ...asked, answers }, said)) continue;
    counted.push(said);
    outcome = verdict(asked, [...answers, said]);
  }
  return { counted, outcome };
}

function counts({ answers, experts, options }: Asked, { by, option }: Said): boolean {
  if (answers.some((answer) => answer.by === by)) return false;
  return (experts === null || experts.includes(by)) && (option === null || options.includes(option));
}

const ON_TIMEOUT = { reject: 'rejected', approve: 'approved', fail: 'failed' } as const;

/** Its time has passed; or a journal that was cut off behind the answer that decides it goes on. */
export function timeBreakpoint(state: Readonly<RunState>, call: BreakpointCall, key: string): Decision {
  if (!state.pending.has(key) || isFenced(state, key)) return NOTHING;
  const decided = verdict(call, call.answers);
  if (decided !== undefined)
    return {
      events: [{ type: 'BreakpointClosed', key, outcome: decided, by: 'answer' }],
      effects: [{ type: 'ClearTimers', key }],
    };
  const outcome = ON_TIMEOUT[call.onTimeout];
  return { events: [{ type: 'BreakpointClosed', key, outcome, by: 'timeout' }], effects: [] };
}

/** What the answers so far, in the order of the journal, come to; undefined while they decide nothing. */
export function verdict(
  { strategy, quorum, experts }: Pick<BreakpointCall, 'strategy' | 'quorum' | 'experts'>,
  answers: Asked['answers'],
): 'approved' | 'rejected' | undefined {
  const approvals = answers.filter(({ approved }) => approved).length;
  const rejections = answers.length - approvals;
  const needed = approvalsNeeded(strategy, quorum, experts);
  if (approvals >= needed) return 'approved';
  // Where it is known how many are asked: when approvals cannot be enough any more.
  const tooMany = strategy === 'quorum' && experts === null ? needed : (experts?.length ?? 1) - needed + 1;
  const isRejected = strategy === 'single' || strategy === 'first' ? rejections > 0 : rejections >= tooMany;
  return isRejected ? 'rejected' : undefined;
}

function approvalsNeeded(
  strategy: BreakpointCall['strategy'],
  quorum: number | null,
  experts: readonly string[] | null,
): number {
  if (strategy === 'all') return experts?.length ?? 1;
  return strategy === 'quorum' ? (quorum ?? 1) : 1;
}

export function applyToBreakpoint(
  state: RunState,
  seq: Seq,
  at: Millis,
  event: BreakpointOpened | BreakpointAnswered | BreakpointClosed,
): void {
  const { key } = event;
  if (event.type === 'BreakpointOpened') {
    const { options, strategy, quorum, experts, timeoutMs, onTimeout } = event;
    addCall(state, key, {
      kind: 'breakpoint',
      seq,
      group: undefined,
      openedAt: at,
      fingerprint: fingerprintOf(event),
      options,
      strategy,
      quorum,
      experts,
      timeoutMs,
      onTimeout,
      answers: [],
      phase: 'pending',
    });
    addPending(state, key);
    return;
  }
  const call = state.calls.get(key);
  if (!(call?.kind === 'breakpoint' && call.phase === 'pending'))
    broken('J4', `${event.type} for ${key}, which is no pending question`);
  if (event.type === 'BreakpointAnswered') {
    if (!call.answers.every(({ by }) => by !== event.by)) broken('J4', `${event.by} answered ${key} twice`);
    call.answers.push({ by: event.by, approved: event.approved });
    return;
  }
  // What was decided counts, whatever the rules are by now.
  if (!(event.by === 'timeout' || call.answers.length > 0)) broken('J4', `${key} was decided by no answer`);
  call.phase = 'closed';
  removePending(state, key);
}
