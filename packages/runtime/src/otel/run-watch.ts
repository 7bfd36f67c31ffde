import type { Attributes, Context, Link, Span, SpanContext } from '@opentelemetry/api';
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import type { CallKey } from '../journal/call-key.ts';
import type { ErrorRecord } from '../journal/error-record.ts';
import type { JournalEvent, Recorded, TerminalEvent } from '../journal/event.ts';
import type { Millis, RunId } from '../journal/ids.ts';
import type { ToldRun } from '../ports/telemetry.ts';
import { setFailed } from './exception.ts';
import type { AttemptOutcome, RunMetrics } from './run-metrics.ts';
import { linkTo, type RunResult, type RunTrace } from './run-trace.ts';

/** A call that is not settled. */
interface OpenCall {
  readonly name: string;
  /** Null = the slots that all tasks share. */
  readonly pool: string | null;
  /** Since when its next attempt could start; undefined where another program recorded that. */
  queuedAt: Millis | undefined;
  attempt: { readonly n: number; readonly span: Span; readonly startedAt: Millis } | undefined;
}

/** What the runtime calls the slots of tasks that name no pool. */
const DEFAULT_POOL = 'default';

type Ending = { readonly outcome: AttemptOutcome; readonly error?: ErrorRecord };

/**
 * What one run does in this program, as spans and as counts: a fold of its events from where this program began to
 * record it.
 *
 * Owns what is open. Talks to the trace and the metrics.
 */
export class RunWatch {
  readonly #trace: RunTrace;
  readonly #metrics: RunMetrics;
  readonly #told: ToldRun;
  readonly #startedAt: Millis;
  readonly #contextOf: (runId: RunId) => SpanContext | undefined;
  readonly #calls = new Map<CallKey, OpenCall>();
  /** Waits, and what others do. */
  readonly #waits = new Map<CallKey, Span>();

  constructor(
    watched: { readonly trace: RunTrace; readonly told: ToldRun; readonly startedAt: Millis },
    metrics: RunMetrics,
    contextOf: (runId: RunId) => SpanContext | undefined,
  ) {
    this.#trace = watched.trace;
    this.#told = watched.told;
    this.#startedAt = watched.startedAt;
    this.#metrics = metrics;
    this.#contextOf = contextOf;
  }

  /** Where the work of an attempt belongs; undefined where its start was not told. */
  contextOf(key: CallKey, attempt: number): Context | undefined {
    const current = this.#calls.get(key)?.attempt;
    return current?.n === attempt ? trace.setSpan(ROOT_CONTEXT, current.span) : undefined;
  }

  /** @returns whether the run has ended */
  saw({ at, event }: Recorded): boolean {
    switch (event.type) {
      case 'TaskScheduled':
        this.#calls.set(event.key, { name: event.task, pool: event.pool, queuedAt: at, attempt: undefined });
        return false;
      case 'StreamOpened':
        if (event.kind === 'source')
          this.#calls.set(event.key, {
            name: event.name,
            pool: null,
            queuedAt: undefined,
            attempt: undefined,
          });
        return false;
      case 'AttemptStarted':
        this.#attemptStarted(event.key, event.attempt, at);
        return false;
      case 'AttemptFailed':
        this.#attemptEnded(event.key, failed(event.error), at, event.retryAt);
        return false;
      case 'AttemptInterrupted':
        this.#attemptEnded(event.key, { outcome: 'interrupted' }, at, at);
        return false;
      case 'RunSucceeded':
      case 'RunFailed':
      case 'RunCancelled':
      case 'RunContinued':
        this.#ended(event, at);
        return true;
      default:
        this.#sawCall(event, at);
        return false;
    }
  }

  /** @param why an error, or a request to stop */
  left(at: Millis, why: unknown): void {
    this.#closeAll(at);
    const { code, name, message } = Object(why) as { code?: unknown; name?: unknown; message?: unknown };
    const reason = typeof code === 'string' ? code : why === undefined ? undefined : String(name);
    const isWanted = why === undefined || code === 'STOPPED';
    const error = isWanted ? undefined : { name: String(name), message: String(message) };
    this.#trace.left(reason, error, at);
    this.#metrics.closed(this.#told.process);
  }

  #attemptStarted(key: CallKey, n: number, at: Millis): void {
    const call = this.#calls.get(key) ?? this.#recordedEarlier(key);
    if (call === undefined) return;
    this.#calls.set(key, call);
    if (call.queuedAt !== undefined)
      this.#metrics.attemptStarted(call.pool ?? DEFAULT_POOL, at - call.queuedAt);
    const span = this.#trace.startAttempt(key, n, call.name, call.pool, at);
    call.attempt = { n, span, startedAt: at };
  }

  #recordedEarlier(key: CallKey): OpenCall | undefined {
    const doer = this.#told.doer(key);
    return doer === undefined ? undefined : { ...doer, queuedAt: undefined, attempt: undefined };
  }

  /** @param queuedAt when the next one can start; undefined where none follows */
  #attemptEnded(key: CallKey, ending: Ending, at: Millis, queuedAt: Millis | undefined): void {
    const call = this.#calls.get(key);
    if (call?.attempt === undefined) return;
    const { outcome, error } = ending;
    const { span, startedAt } = call.attempt;
    endSpan(span, 'pawl.attempt.outcome', ending, at);
    this.#metrics.attemptEnded(call.name, outcome, at - startedAt, error?.name);
    if (queuedAt !== undefined && outcome !== 'interrupted') this.#metrics.retried(call.name);
    call.attempt = undefined;
    call.queuedAt = queuedAt;
  }

  /** What opens a call that is no task, and what settles one. */
  #sawCall(event: JournalEvent, at: Millis): void {
    const wait = waitOf(event);
    if (wait !== undefined) this.#waitStarted(wait, at);
    const settled = endingOf(event);
    if (settled === undefined || !('key' in event)) return;
    const { key } = event;
    this.#attemptEnded(key, settled, at, undefined);
    this.#calls.delete(key);
    this.#trace.forget(key);
    const span = this.#waits.get(key);
    this.#waits.delete(key);
    if (span !== undefined) endSpan(span, 'pawl.call.outcome', settled, at);
  }

  #waitStarted({ key, name, attributes, childRunId }: Wait, at: Millis): void {
    const child = childRunId === undefined ? undefined : this.#contextOf(childRunId);
    const links: Link[] = child === undefined ? [] : [linkTo(child, 'child run')];
    const given = { 'pawl.call.key': key, ...attributes };
    this.#waits.set(key, this.#trace.startCall(name, at, given, links));
  }

  #ended(event: TerminalEvent, at: Millis): void {
    this.#closeAll(at);
    const result = this.#resultOf(event);
    this.#trace.ended(result, at);
    const { process } = this.#told;
    this.#metrics.runEnded(process, result.status, at - this.#startedAt);
    this.#metrics.closed(process);
  }

  #resultOf(event: TerminalEvent): RunResult {
    switch (event.type) {
      case 'RunSucceeded':
        return { status: 'succeeded' };
      case 'RunFailed':
        return { status: 'failed', error: event.error };
      case 'RunCancelled':
        return { status: 'cancelled' };
      case 'RunContinued': {
        const next = this.#contextOf(event.nextRunId);
        return { status: 'continued', ...(next === undefined ? {} : { next }) };
      }
    }
  }

  /** What becomes of it is told by nobody here. */
  #closeAll(at: Millis): void {
    for (const key of this.#calls.keys()) this.#attemptEnded(key, { outcome: 'unrecorded' }, at, undefined);
    this.#calls.clear();
    for (const span of this.#waits.values())
      endSpan(span, 'pawl.call.outcome', { outcome: 'unrecorded' }, at);
    this.#waits.clear();
  }
}

interface Wait {
  readonly key: CallKey;
  readonly name: string;
  readonly attributes: Attributes;
  readonly childRunId?: RunId;
}

function waitOf(event: JournalEvent): Wait | undefined {
  switch (event.type) {
    case 'TimerStarted':
      return { key: event.key, name: 'sleep', attributes: {} };
    case 'SignalAwaited':
      return { key: event.key, name: 'receive', attributes: { 'pawl.message.name': event.name } };
    case 'BreakpointOpened':
      return { key: event.key, name: 'breakpoint', attributes: {} };
    case 'TaskOffered': {
      const attributes = { 'pawl.task.name': event.task, 'pawl.task.kind': event.kind };
      return { key: event.key, name: `external ${event.task}`, attributes };
    }
    case 'ChildStarted': {
      const attributes = { 'pawl.child.process.name': event.process, 'pawl.child.run.id': event.runId };
      return { key: event.key, name: `child ${event.process}`, attributes, childRunId: event.runId };
    }
    default:
      return undefined;
  }
}

/** How a call was settled; undefined where it was not. */
function endingOf(event: JournalEvent): Ending | undefined {
  switch (event.type) {
    case 'TaskSucceeded':
    case 'StreamEnded':
    case 'TimerFired':
    case 'SignalReceived':
    case 'BreakpointClosed':
      return { outcome: 'succeeded' };
    case 'TaskFailed':
      return event.cause === 'timeout' ? { outcome: 'timed_out', error: event.error } : failed(event.error);
    case 'StreamFailed':
      return failed(event.error);
    case 'SignalTimedOut':
      return { outcome: 'timed_out' };
    case 'TaskCancelled':
    case 'StreamClosed':
      return { outcome: 'cancelled' };
    case 'ChildFinished':
      switch (event.outcome.status) {
        case 'failed':
          return failed(event.outcome.error);
        case 'cancelled':
          return { outcome: 'cancelled' };
        default:
          return { outcome: 'succeeded' };
      }
    default:
      return undefined;
  }
}

function failed(error: ErrorRecord): Ending {
  return { outcome: error.name === 'TimeoutError' ? 'timed_out' : 'failed', error };
}

function endSpan(span: Span, attribute: string, { outcome, error }: Ending, at: Millis): void {
  span.setAttribute(attribute, outcome);
  if (error !== undefined) setFailed(span, error, at);
  span.end(new Date(at));
}
