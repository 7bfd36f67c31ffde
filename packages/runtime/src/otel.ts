/** Traces and metrics by OpenTelemetry: `openRuntime({ telemetry: openTelemetry() })`. See docs/telemetry.md. */
import {
  context,
  isSpanContextValid,
  metrics as metricsApi,
  trace,
  type MeterProvider,
  type SpanContext,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api';
import type { Recorded } from './journal/event.ts';
import type { Millis, RunId } from './journal/ids.ts';
import { RunMetrics } from './otel/run-metrics.ts';
import { RunTrace } from './otel/run-trace.ts';
import { RunWatch } from './otel/run-watch.ts';
import { runContext } from './otel/span-ids.ts';
import { parseTraceparent } from './otel/traceparent.ts';
import type {
  AttemptId,
  RunBirth,
  Telemetry,
  TelemetrySink,
  ToldRun,
  TraceOrigin,
} from './ports/telemetry.ts';

export { runSpanIds, type IdGenerator } from './otel/span-ids.ts';

/** The instrumentation scope. */
const SCOPE = '@pawl/runtime';
const DEFAULT_FLUSH_MS = 2000;

export interface OpenTelemetryOptions {
  /** Default: the program's. */
  readonly tracerProvider?: TracerProvider;
  /** Default: the program's. */
  readonly meterProvider?: MeterProvider;
  /** How long the closing of a runtime waits until what it told is exported, in ms (default 2,000). */
  readonly flushMs?: number;
}

/**
 * Spans and metrics of what a runtime does, by the OpenTelemetry SDK that the program has set up; without one they go
 * nowhere.
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Telemetry {
  return { attach: (birthOf) => new Sink(options, birthOf) };
}

/** What one runtime tells. Owns what its runs have open. */
class Sink implements TelemetrySink {
  readonly #birthOf: (runId: RunId) => RunBirth | undefined;
  readonly #tracer: Tracer;
  readonly #metrics: RunMetrics;
  readonly #flush: () => Promise<void>;
  readonly #runs = new Map<RunId, RunWatch>();

  constructor(options: OpenTelemetryOptions, birthOf: (runId: RunId) => RunBirth | undefined) {
    const { tracerProvider = trace.getTracerProvider(), flushMs = DEFAULT_FLUSH_MS } = options;
    const { meterProvider = metricsApi.getMeterProvider() } = options;
    this.#birthOf = birthOf;
    this.#tracer = tracerProvider.getTracer(SCOPE);
    this.#metrics = new RunMetrics(meterProvider.getMeter(SCOPE));
    this.#flush = () => flushed([tracerProvider, meterProvider], flushMs);
  }

  committed(runId: RunId, events: readonly Recorded[], describe: () => ToldRun): void {
    const [first] = events;
    if (first === undefined) return;
    const watch = this.#runs.get(runId) ?? this.#watch(runId, first, describe());
    if (watch === undefined) return;
    this.#runs.set(runId, watch);
    for (const recorded of events) if (watch.saw(recorded)) this.#runs.delete(runId);
  }

  wrote(): void {
    this.#metrics.wrote();
  }

  left(runId: RunId, at: Millis, why: unknown): void {
    this.#runs.get(runId)?.left(at, why);
    this.#runs.delete(runId);
  }

  within<T>({ runId, key, attempt }: AttemptId, work: () => T): T {
    const place = this.#runs.get(runId)?.contextOf(key, attempt);
    return place === undefined ? work() : context.with(place, work);
  }

  originHere(traceparent: string | undefined): TraceOrigin | undefined {
    const given = traceparent === undefined ? undefined : parseTraceparent(traceparent);
    const here = given ?? trace.getSpanContext(context.active());
    return here !== undefined && isSpanContextValid(here) ? here : undefined;
  }

  originIn(runId: RunId): TraceOrigin | undefined {
    return this.#contextOf(runId);
  }

  close(): Promise<void> {
    return this.#flush();
  }

  #watch(runId: RunId, first: Recorded, told: ToldRun): RunWatch | undefined {
    const birth = this.#birthOf(runId);
    if (birth === undefined) return undefined;
    const { process, parentRunId, origin, forked } = told;
    // What another run or the queue began has its start, and its parent, recorded already.
    const begun = forked?.seq ?? (parentRunId === undefined ? 1 : 2);
    const isFresh = first.seq <= begun + 1;
    const startedAt = forked?.at ?? birth.at;
    const parent = parentRunId === undefined ? undefined : this.#contextOf(parentRunId);
    const root = runContext(runId, birth.seed);
    const from = forked === undefined ? undefined : this.#contextOf(forked.parentRunId);
    const traced = { runId, process, root, startedAt, parent, from, origin };
    const runTrace = new RunTrace(this.#tracer, traced, isFresh, first.at);
    if (isFresh) this.#metrics.runStarted(process);
    this.#metrics.opened(process);
    const watched = { trace: runTrace, told, startedAt };
    return new RunWatch(watched, this.#metrics, (id) => this.#contextOf(id));
  }

  #contextOf(runId: RunId): SpanContext | undefined {
    const birth = this.#birthOf(runId);
    return birth === undefined ? undefined : runContext(runId, birth.seed);
  }
}

/** The API does not say that a provider can flush; those of the SDK can. */
interface Flushing {
  getDelegate?(): Flushing;
  forceFlush?(): Promise<void>;
}

async function flushed(providers: readonly object[], flushMs: number): Promise<void> {
  const flushes = providers.map(async (provider: Flushing) => {
    try {
      await (provider.getDelegate?.() ?? provider).forceFlush?.();
    } catch {
      // The exporter tells by the SDK's own diagnostics.
    }
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, flushMs);
  });
  await Promise.race([Promise.all(flushes), late]);
  clearTimeout(timer);
}
