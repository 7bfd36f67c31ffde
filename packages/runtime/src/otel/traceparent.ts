import type { TraceOrigin } from '../ports/telemetry.ts';

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** What the header of W3C Trace Context says; undefined where it is none, which by W3C is no error. */
export function parseTraceparent(header: string): TraceOrigin | undefined {
  const [, traceId, spanId, flags = '', rest] = TRACEPARENT.exec(header.trim()) ?? [];
  if (traceId === undefined || spanId === undefined) return undefined;
  // Version 00 has four fields.
  if (rest !== undefined && header.trim().startsWith('00-')) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}
