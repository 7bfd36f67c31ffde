import {
  ROOT_CONTEXT,
  trace,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';
import type { CallKey } from '../journal/call-key.ts';
import type { ErrorRecord } from '../journal/error-record.ts';
import type { Millis, RunId } from '../journal/ids.ts';
import type { TraceOrigin } from '../ports/telemetry.ts';
import { setFailed } from './exception.ts';
import type { RunStatus } from './run-metrics.ts';
import { attemptSpanId, givesIds, withIds } from './span-ids.ts';

/** What a trace is of. */
export interface TracedRun {
  readonly runId: RunId;
  readonly process: string;
  /** Where the span of the whole run stands. */
  readonly root: SpanContext;
  readonly startedAt: Millis;
  /** Of the run that asked for this one. */
  readonly parent: SpanContext | undefined;
  /** Of the run that it is a fork of. */
  readonly from: SpanContext | undefined;
  readonly origin: TraceOrigin | undefined;
}

export interface RunResult {
  readonly status: RunStatus;
  readonly error?: ErrorRecord;
  /** Of a run that is followed by another. */
  readonly next?: SpanContext;
}

/**
 * The spans of one run in this program.
 *
 * Owns the span under which the program drives the run. It is the root of the trace where the run began here and the
 * SDK has our ids; then whoever ends the run tells it, and this program does not where it leaves before.
 */
export class RunTrace {
  readonly #tracer: Tracer;
  readonly #run: TracedRun;
  readonly #span: Span;
  readonly #isRoot: boolean;
  readonly #context: Context;
  /** By key, of the latest attempt that was told. */
  readonly #attempts = new Map<CallKey, SpanContext>();

  /** @param isFresh nothing was done in the run before */
  constructor(tracer: Tracer, run: TracedRun, isFresh: boolean, at: Millis) {
    this.#tracer = tracer;
    this.#run = run;
    this.#isRoot = isFresh && givesIds();
    this.#span = this.#isRoot ? this.#startRoot() : this.#startDrive(isFresh, at);
    this.#context = trace.setSpan(ROOT_CONTEXT, this.#span);
  }

  /** A wait, or work of others. */
  startCall(name: string, at: Millis, attributes: Attributes, links: Link[] = []): Span {
    return this.#tracer.startSpan(
      name,
      { startTime: new Date(at), attributes: { ...this.#attributes, ...attributes }, links },
      this.#context,
    );
  }

  startAttempt(key: CallKey, attempt: number, task: string, pool: string | null, at: Millis): Span {
    const { runId, root } = this.#run;
    const spanIdOf = (n: number): string => attemptSpanId({ runId, key, attempt: n }, root.traceId);
    const before = givesIds() && attempt > 1 ? { ...root, spanId: spanIdOf(attempt - 1) } : undefined;
    const earlier = this.#attempts.get(key) ?? before;
    const attributes = {
      'pawl.call.key': key,
      'pawl.task.name': task,
      'pawl.attempt.number': attempt,
      ...(pool === null ? {} : { 'pawl.pool.name': pool }),
    };
    const links = earlier === undefined ? [] : [linkTo(earlier, 'previous attempt')];
    const start = (): Span => this.startCall(`task ${task}`, at, attributes, links);
    const { traceId } = root;
    const span = givesIds() ? withIds({ traceId, spanId: spanIdOf(attempt) }, start) : start();
    this.#attempts.set(key, span.spanContext());
    return span;
  }

  /** No attempt of it follows. */
  forget(key: CallKey): void {
    this.#attempts.delete(key);
  }

  ended(result: RunResult, at: Millis): void {
    endRun(this.#span, result, at);
    // Whoever began the run left it before its end.
    if (givesIds() && !this.#isRoot) endRun(this.#startRoot(), result, at);
  }

  /** @param reason a code, where there is one */
  left(reason: string | undefined, error: ErrorRecord | undefined, at: Millis): void {
    const span = this.#isRoot ? this.startCall(`leave ${this.#run.process}`, at, {}) : this.#span;
    if (reason !== undefined) span.setAttribute('pawl.run.left', reason);
    if (error !== undefined) setFailed(span, error, at);
    span.end(new Date(at));
  }

  get #attributes(): Attributes {
    return { 'pawl.run.id': this.#run.runId, 'pawl.process.name': this.#run.process };
  }

  #startRoot(): Span {
    const { root, process, startedAt } = this.#run;
    const options = { root: true, startTime: new Date(startedAt), links: this.#links() };
    return withIds(root, () =>
      this.#tracer.startSpan(`run ${process}`, { ...options, attributes: this.#attributes }, ROOT_CONTEXT),
    );
  }

  #startDrive(isFresh: boolean, at: Millis): Span {
    const { root, process, startedAt } = this.#run;
    return this.#tracer.startSpan(
      `${isFresh ? 'run' : 'resume'} ${process}`,
      {
        startTime: new Date(isFresh ? startedAt : at),
        links: this.#links(),
        attributes: this.#attributes,
      },
      trace.setSpanContext(ROOT_CONTEXT, root),
    );
  }

  #links(): Link[] {
    const { parent, from, origin } = this.#run;
    return [
      ...(parent === undefined ? [] : [linkTo(parent, 'parent run')]),
      ...(from === undefined ? [] : [linkTo(from, 'forked from')]),
      ...(origin === undefined ? [] : [linkTo(origin, 'start')]),
    ];
  }
}

export function linkTo(context: SpanContext, kind: string): Link {
  return { context, attributes: { 'pawl.link': kind } };
}

function endRun(span: Span, { status, error, next }: RunResult, at: Millis): void {
  span.setAttribute('pawl.run.status', status);
  if (error !== undefined) setFailed(span, error, at);
  if (next !== undefined) span.addLink(linkTo(next, 'next run'));
  span.end(new Date(at));
}
