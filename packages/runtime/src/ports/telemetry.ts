import type { CallKey } from '../journal/call-key.ts';
import type { Recorded } from '../journal/event.ts';
import type { Millis, RunId, Seq } from '../journal/ids.ts';

/** A place in a trace, by the words of W3C Trace Context. */
export interface TraceOrigin {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly traceFlags: number;
}

/** What of a run's first event tells it from all other runs, also those of other journals. */
export interface RunBirth {
  readonly seed: string;
  readonly at: Millis;
}

/** A run beside its events. */
export interface ToldRun {
  readonly process: string;
  readonly parentRunId: RunId | undefined;
  /** Of a fork: what it shares its first events with, and when it began to differ. */
  readonly forked: { readonly parentRunId: RunId; readonly seq: Seq; readonly at: Millis } | undefined;
  /** Who asked for it in this program. */
  readonly origin: TraceOrigin | undefined;
  /** Of a call that is open: who does it; the pool is null for the slots that all tasks share. */
  doer(key: CallKey): { readonly name: string; readonly pool: string | null } | undefined;
}

export interface AttemptId {
  readonly runId: RunId;
  readonly key: CallKey;
  readonly attempt: number;
}

/**
 * What one runtime tells of itself to whoever measures it. All that is told is committed, and nothing of what it lets
 * happen has begun. Of what a replay does again nothing is told.
 */
export interface TelemetrySink {
  /** @param describe of the run, asked for only where it is not known yet */
  committed(runId: RunId, events: readonly Recorded[], describe: () => ToldRun): void;
  /** One transaction, of however many runs. */
  wrote(): void;
  /** The program drives the run no more; `why` where that is an error, or a request to stop. */
  left(runId: RunId, at: Millis, why: unknown): void;
  /** Does the work of an attempt that was told to have started. */
  within<T>(attempt: AttemptId, work: () => T): T;
  /** Who asks for a run now. @param traceparent the header of W3C Trace Context, where there is one */
  originHere(traceparent: string | undefined): TraceOrigin | undefined;
  /** What a run that another one asks for goes back to. */
  originIn(runId: RunId): TraceOrigin | undefined;
  /** Nothing more is told: resolves once what was told is on its way, or that takes too long. */
  close(): Promise<void>;
}

/** Measures runtimes, such as `openTelemetry()` of '@pawl/runtime/otel'. */
export interface Telemetry {
  /** @param birthOf of any run of the journal; undefined where it is not there */
  attach(birthOf: (runId: RunId) => RunBirth | undefined): TelemetrySink;
}
