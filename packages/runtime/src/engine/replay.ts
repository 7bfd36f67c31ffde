import { NonDeterminismError } from '@pawl/sdk';
import { toErrorRecord } from '../journal/error-record.ts';
import { identityText } from '../journal/canonical.ts';
import {
  isCommand,
  isOutcome,
  isTerminal,
  type CommandEvent,
  type Encoded,
  type Recorded,
  type TerminalEvent,
} from '../journal/event.ts';
import type { RunId, Seq } from '../journal/ids.ts';
import {
  describeDivergence,
  describeEvent,
  firstDifference,
  remediesOf,
  renderDivergence,
  type Divergence,
} from '../kernel/divergence.ts';
import type { RunResult } from '../kernel/input.ts';
import { hintsOf } from '../kernel/likely-cause.ts';
import { recorderAt } from '../kernel/evolve-fork.ts';
import { isBehindMark, type RunState } from '../kernel/state.ts';
import type { Clock } from '../ports/clock.ts';
import type { JournalStore } from '../ports/journal-store.ts';
import { RuntimeError } from '../errors.ts';
import type { EngineOptions } from './engine.ts';
import type { HeadLook } from './head-look.ts';
import { EVIDENT_SHARE } from './stall-bound.ts';
import type { ReplayPace } from './replay-pace.ts';
import type { RunPlan } from './run-plan.ts';
import { resultOf } from './run-result.ts';
import type { Contradiction } from '../process/admission.ts';
import { callSite } from '../process/call-site.ts';
import type { ProcessHost } from '../process/host.ts';
import { placeOf } from '../process/place.ts';
import type { OpenGroup } from '../process/parallel/group-host.ts';
import { idleBranchOf } from '../process/parallel/out-of-order.ts';

const PAGE = 500;
/** Looks at a blocked place before it is judged. */
const PATIENCE_TURNS = 3;

export type ReplayStep =
  /** Process code was woken: let it run to its next wait. */
  | 'delivered'
  /** A recorded call was not asked for again yet. */
  | 'blocked'
  /** It may go no further for now. */
  | 'held'
  | 'head'
  /** The run had ended, and the process ends the same way. */
  | 'finished';

/**
 * Walks all recorded events: an outcome is delivered only when every call recorded before it has been
 * asked for again. Writes nothing and starts nothing.
 *
 * Owns the cursor. Talks to the host and reads the store, a page at a time.
 * A blocked place gets max(stallMs, 3 x the recorded gap), and then the run is stalled. Where the
 * process asks for something else it is a divergence: at once if nothing outside ctx was ever waited
 * for, else in a thirtieth of that (docs/decisions/0002).
 */
export class Replay {
  readonly #runId: RunId;
  readonly #store: JournalStore;
  readonly #state: Readonly<RunState>;
  readonly #host: ProcessHost;
  readonly #clock: Clock;
  readonly #stallMs: number;
  readonly #endSeq: Seq;
  readonly #payloadBytes: number;
  /** Of one that goes no further: what the process would do there. */
  readonly #look: HeadLook | undefined;
  readonly #pace: ReplayPace | undefined;
  #page: readonly Recorded[];
  #index = 0;
  #seq: Seq = 0;
  #previousAt = 0;
  #blockedTurns = 0;
  #blockedSince = 0;
  /** Named branches may stand in another order by now: the one that is recorded next is invoked. */
  #mayReorder = false;

  constructor(
    { runId, state, recorded = [], pace }: Pick<RunPlan, 'runId' | 'state' | 'recorded' | 'pace'>,
    host: ProcessHost,
    { store, clock, stallMs, limits }: Pick<EngineOptions, 'store' | 'clock' | 'stallMs' | 'limits'>,
    look?: HeadLook,
  ) {
    this.#look = look;
    this.#pace = pace;
    this.#runId = runId;
    this.#store = store;
    this.#state = state;
    this.#host = host;
    host.runIdNow = recorderAt(state, 1) ?? runId;
    this.#clock = clock;
    this.#stallMs = stallMs;
    this.#endSeq = state.seq;
    this.#page = recorded;
    this.#payloadBytes = limits.payloadBytes;
  }

  /** Moves on to the next delivery. The caller opened the turn. */
  step(): ReplayStep {
    this.#throwContradiction();
    for (;;) {
      const recorded = this.#pass();
      if (this.#pace?.holds(recorded?.seq ?? this.#endSeq + 1) === true) return 'held';
      if (recorded === undefined) {
        this.#host.runIdNow = this.#runId;
        return this.#look?.reached() ?? 'head';
      }
      const { event } = recorded;
      if (isTerminal(event)) {
        if (this.#host.result === undefined && event.type !== 'RunCancelled') return this.#blocked();
        this.#compareEnd(recorded, event);
        return 'finished';
      }
      if (isCommand(event)) {
        if (!this.#isRootClosed(event)) return this.#admit(event) ? this.#admitted() : this.#blocked();
        this.#advance(recorded);
        continue;
      }
      this.#advance(recorded);
      if (isOutcome(event)) {
        if (recorded.seq === this.#state.lastDecisiveSeq) this.#host.quiet = false;
        this.#host.runIdNow = recorderAt(this.#state, recorded.seq) ?? this.#runId;
        this.#host.deliver({ seq: recorded.seq, at: recorded.at, event });
      } else if (event.type === 'ScopeRetuned') {
        this.#host.openGroups.get(event.key)?.retune(event.concurrency ?? Infinity);
      }
      return 'delivered';
    }
  }

  /**
   * Whether this recorded call or decision (null: the journal's end) is what comes next: all that was
   * recorded before it has been delivered or asked for again.
   */
  isAt(place: string | null): boolean {
    if (this.isHeld) return false;
    try {
      const recorded = this.#pass();
      if (recorded === undefined) return place === null;
      return isCommand(recorded.event) && placeOf(recorded.event) === place;
    } catch {
      // Process code runs now, and a journal that cannot be read is none of its business (P4): the next
      // step meets it again.
      return false;
    }
  }

  /** Goes past all that needs nothing more of the process; the first event that does. */
  #pass(): Recorded | undefined {
    for (;;) {
      const recorded = this.#peek();
      if (recorded === undefined) return undefined;
      const { event } = recorded;
      if (isOutcome(event) || isTerminal(event) || event.type === 'ScopeRetuned') return recorded;
      if (isCommand(event) && !this.#isAsked(recorded.seq, event)) return recorded;
      this.#advance(recorded);
      if (event.type === 'AttemptFailed') this.#host.noteFailure(event.key, event.error);
      if (event.type === 'BreakpointAnswered') this.#host.noteAnswer(event);
    }
  }

  /** Whether the process has asked for it again, or made that decision again. */
  #isAsked(seq: Seq, event: CommandEvent): boolean {
    const { admission } = this.#host;
    const place = placeOf(event);
    return place === event.key ? admission.hasIssuedCall(seq) : admission.hasIssued(place);
  }

  /** Whether a blocked replay should look again in the next turn rather than wait to be woken. */
  get isImpatient(): boolean {
    if (this.isHeld) return false;
    return this.#blockedTurns < PATIENCE_TURNS && this.#look?.isWaiting !== true;
  }

  get isHeld(): boolean {
    return this.#pace?.isHeld === true;
  }

  /** What is left of the bound of a blocked place. */
  get remainingMs(): number {
    if (this.#look?.isWaiting === true) return this.#look.remainingMs;
    return Math.max(0, this.#blockedSince + this.#boundMs() - this.#clock.monotonic());
  }

  /** Throws where a blocked place cannot be waited for any longer. */
  judge(): void {
    const recorded = this.#peek();
    if (recorded === undefined || this.#blockedTurns < PATIENCE_TURNS) return;
    const isElsewhere = this.#wentAnotherWay(recorded);
    const isBehind = this.#waitsFor(recorded) !== undefined;
    const isEvident = (isElsewhere || isBehind) && !this.#host.wentOutside;
    if (!isEvident && this.remainingMs > 0) return;
    if (!this.#mayReorder && (isBehind || idleBranchOf(this.#host.openGroups, this.#keyOf(recorded)))) {
      this.#mayReorder = true;
      this.#blockedTurns = 0;
      return;
    }
    throw isElsewhere ? this.#diverged(recorded) : this.#stalled(recorded);
  }

  /** What holds up the decision that is recorded here. */
  #waitsFor({ event }: Recorded): OpenGroup['waitsFor'] {
    return event.type === 'ScopeClosed' ? this.#host.openGroups.get(event.key)?.waitsFor : undefined;
  }

  /** The process asks for something else, or the branch that made the call is at its end. */
  #wentAnotherWay(recorded: Recorded): boolean {
    const key = this.#keyOf(recorded);
    // It comes with the task's own call, which was passed.
    if (recorded.event.type === 'StreamOpened' && recorded.event.kind === 'progress')
      return this.#host.admission.hasIssuedCall(this.#state.calls.get(key)?.seq ?? 0);
    return this.#host.admission.instead(key) !== undefined || !this.#host.isScopeOpen(key);
  }

  #boundMs(): number {
    const recorded = this.#peek();
    if (recorded === undefined) return 0;
    const isOver = this.#wentAnotherWay(recorded) || this.#waitsFor(recorded) === 'decider';
    const isLikelyOver = isOver && this.#host.foreign.current === undefined;
    const shortest = isLikelyOver ? this.#stallMs * EVIDENT_SHARE : this.#stallMs;
    return Math.max(shortest, 3 * (recorded.at - this.#previousAt));
  }

  /** Not past what was folded at the start: another program may drive the run meanwhile. */
  #peek(): Recorded | undefined {
    for (;;) {
      if (this.#seq >= this.#endSeq) return undefined;
      if (this.#index === this.#page.length) {
        this.#page = this.#store.read(this.#runId, this.#seq, PAGE);
        this.#index = 0;
      }
      const recorded = this.#page[this.#index];
      if (recorded === undefined || !this.#isPassedOver(recorded)) return recorded;
      this.#advance(recorded);
    }
  }

  /** What the latest mark of a reduce stands for, whether or not its rows are still there. */
  #isPassedOver(recorded: Recorded): boolean {
    const { seq, event } = recorded;
    if (event.type !== 'Compacted') return isBehindMark(this.#state, recorded);
    if (seq - event.count === this.#seq && seq <= this.#endSeq) return true;
    throw new RuntimeError(
      'BUSY',
      `The journal of run ${this.#runId} was compacted while it was replayed: its owner goes on with it.`,
      { hint: 'Replay it when it rests', data: { runId: this.#runId, seq } },
    );
  }

  #advance(recorded: Recorded): void {
    this.#index += 1;
    this.#seq = recorded.seq;
    this.#previousAt = recorded.at;
    this.#blockedTurns = 0;
    this.#mayReorder = false;
  }

  #isRootClosed(event: CommandEvent): boolean {
    if (event.type !== 'ScopeClosed' || event.key !== '' || this.#host.result === undefined) return false;
    this.#host.closeRoot();
    return true;
  }

  /** Gives a request, or a decision, that came early the place that was recorded for it. */
  #admit(event: CommandEvent): boolean {
    if (this.#mayReorder) {
      this.#mayReorder = false;
      const { openGroups } = this.#host;
      const idle = idleBranchOf(openGroups, event.key);
      if (idle !== undefined) idle.group.beginOutOfOrder?.(idle.path);
      else if (event.type === 'ScopeClosed') openGroups.get(event.key)?.giveWay?.(event);
      // What they ask for has its place now.
      return true;
    }
    if (event.type === 'ScopeClosed') {
      return this.#host.admitClose(event.key, { outcome: event.outcome, winner: event.winner });
    }
    if (event.type === 'StreamClosed')
      return this.#host.openCalls.get(event.key)?.stream?.takeHeld(event.consumed) ?? false;
    const call = this.#state.calls.get(event.key);
    return call !== undefined && this.#host.admission.admitAt(event.key, call.fingerprint);
  }

  #admitted(): 'delivered' {
    this.#blockedTurns = 0;
    return 'delivered';
  }

  #blocked(): 'blocked' {
    if (this.#blockedTurns === 0) this.#blockedSince = this.#clock.monotonic();
    this.#blockedTurns += 1;
    return 'blocked';
  }

  #keyOf(recorded: Recorded): string {
    return 'key' in recorded.event ? recorded.event.key : '';
  }

  #throwContradiction(): void {
    const { contradiction } = this.#host.admission;
    if (contradiction === undefined) return;
    const seq = contradiction.seq ?? this.#state.calls.get(contradiction.key)?.seq ?? 0;
    const recorded = this.#store.read(this.#runId, seq - 1, 1)[0];
    if (recorded !== undefined) throw this.#diverged(recorded);
  }

  #diverged(recorded: Recorded): NonDeterminismError {
    const key = this.#keyOf(recorded);
    const instead = this.#host.admission.instead(key);
    const asked = instead && { what: instead.asked.what, ...argsOf(instead), where: instead.where };
    const as = instead && { fingerprint: instead.asked.fingerprint, key: instead.askedKey ?? key };
    const { lastCall = null } = this.#host.admission;
    const hints = { ...hintsOf(this.#state, recorded.seq, key, as), lastCall };
    const divergence = describeDivergence(recorded.seq, key, recorded.event, asked, hints);
    return this.#error(asked === undefined ? this.#orThrew(divergence) : divergence);
  }

  /** Where the process ended by an error and did not come to the call, that error is what to look at. */
  #orThrew(divergence: Divergence): Divergence {
    const { result } = this.#host;
    if (result?.ok !== false) return divergence;
    const { name, message, stack } = toErrorRecord(result.error);
    const where = callSite(stack) ?? null;
    const likelyCause = 'the code throws before it comes to this call';
    return { ...divergence, asked: `nothing: the process threw ${name}: ${message}`, where, likelyCause };
  }

  #error(divergence: Divergence): NonDeterminismError {
    return new NonDeterminismError(renderDivergence(this.#runId, divergence), {
      runId: this.#runId,
      ...divergence,
      remedies: remediesOf(this.#runId, this.#state.phase.status === 'ended'),
    });
  }

  #stalled(recorded: Recorded): RuntimeError {
    const key = this.#keyOf(recorded);
    const wait = this.#host.foreign.current;
    const on =
      wait === undefined
        ? 'something outside ctx that cannot be seen'
        : `something outside ctx (${wait.type}) at ${wait.where ?? 'an unknown place'}`;
    return new RuntimeError(
      'STALLED',
      `Run ${this.#runId} stalls at seq ${recorded.seq}: the process has not come back to call ${key} (${describeEvent(recorded.event)}); it waits for ${on}.`,
      {
        hint: `Put the outside work into a task (defineTask), so that its result is recorded; then: pawl resume ${this.#runId}`,
        data: { runId: this.#runId, seq: recorded.seq, key, where: wait?.where ?? null },
      },
    );
  }

  #compareEnd(recorded: Recorded, event: TerminalEvent): void {
    const { result } = this.#host;
    if (event.type === 'RunCancelled' || result === undefined) return;
    const now = resultOf(result, this.#payloadBytes, event.type === 'RunContinued' ? event.nextRunId : '');
    if (isSameEnd(event, now)) return;
    throw this.#error({
      ...describeDivergence(recorded.seq, '', recorded.event, undefined),
      asked:
        now.status === 'failed'
          ? `the process threw ${now.error.name}: ${now.error.message}`
          : now.status === 'continued'
            ? 'the process asked for a run that follows it, with inputs of its own'
            : 'the process returned something else',
      difference:
        event.type === 'RunSucceeded' && now.status === 'succeeded'
          ? firstDifference(event.output, now.output, '$')
          : null,
      likelyCause: 'the code that makes the result changed',
    });
  }
}

function argsOf({ asked: { args } }: Contradiction): { readonly args?: Encoded } {
  return args === undefined ? {} : { args };
}

function isSameEnd(event: TerminalEvent, now: RunResult): boolean {
  switch (event.type) {
    case 'RunFailed':
      return now.status === 'failed';
    case 'RunContinued':
      return now.status === 'continued' && now.inputsHash === event.inputsHash;
    case 'RunSucceeded':
      return now.status === 'succeeded' && identityText(now.output) === identityText(event.output);
    default:
      return false;
  }
}
