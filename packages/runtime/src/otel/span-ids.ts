import { hash } from 'node:crypto';
import { TraceFlags, type SpanContext } from '@opentelemetry/api';
import type { RunId } from '../journal/ids.ts';
import type { AttemptId } from '../ports/telemetry.ts';

/** 32 and 16 digits of it are a trace id and a span id; by W3C only zeros are not, and no digest is that. */
const TRACE_DIGITS = 32;
const SPAN_DIGITS = 16;

/**
 * Where the span of a whole run stands. It follows from what is recorded, so each program that goes on with the run
 * finds it, and nothing has to be stored for it. The seed keeps runs of one id in different journals apart.
 */
export function runContext(runId: RunId, seed: string): SpanContext {
  const digest = hash('sha256', `pawl run ${runId} ${seed}`);
  return {
    traceId: digest.slice(0, TRACE_DIGITS),
    spanId: digest.slice(TRACE_DIGITS, TRACE_DIGITS + SPAN_DIGITS),
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  };
}

/** Of an attempt within its run's trace. */
export function attemptSpanId({ runId, key, attempt }: AttemptId, traceId: string): string {
  return hash('sha256', `pawl attempt ${traceId} ${runId} ${key} ${attempt}`).slice(0, SPAN_DIGITS);
}

type Wanted = Pick<SpanContext, 'traceId' | 'spanId'>;

/** Set while one span of ours starts, which is synchronous. */
let wanted: Wanted | undefined;
let isInstalled = false;

/** Whether spans get the ids that are asked for. */
export function givesIds(): boolean {
  return isInstalled;
}

/** Starts a span that has these ids, where the SDK was given our generator. */
export function withIds<T>(ids: Wanted, start: () => T): T {
  wanted = ids;
  try {
    return start();
  } finally {
    wanted = undefined;
  }
}

/** What the SDK takes as `idGenerator`. */
export interface IdGenerator {
  generateTraceId(): string;
  generateSpanId(): string;
}

/**
 * The `idGenerator` for the OpenTelemetry SDK of the program: random ids for all spans, but for those of runs, whose
 * ids follow from the run. Without it a run's trace has no span at its root.
 */
export function runSpanIds(): IdGenerator {
  isInstalled = true;
  return {
    generateTraceId: () => wanted?.traceId ?? randomDigits(TRACE_DIGITS),
    generateSpanId: () => wanted?.spanId ?? randomDigits(SPAN_DIGITS),
  };
}

function randomDigits(digits: number): string {
  return crypto.getRandomValues(Buffer.allocUnsafe(digits / 2)).toString('hex');
}
