import { fileURLToPath } from 'node:url';
import { SpanStatusCode, type Span } from '@opentelemetry/api';
import type { ErrorRecord } from '../journal/error-record.ts';
import type { Millis } from '../journal/ids.ts';

const SOURCES = new URL(import.meta.url.includes('/src/otel/') ? '..' : '.', import.meta.url);
/** Frames of Pawl and of Node say nothing of what failed. */
const NOT_THE_USERS = ['node:', '/@pawl/sdk/', '\\@pawl\\sdk\\', SOURCES.href, fileURLToPath(SOURCES)];

/** Status and exception of a span, from what the journal keeps of an error. */
export function setFailed(span: Span, error: ErrorRecord, at: Millis): void {
  span.setAttribute('error.type', error.name);
  span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
  const stack = usersStack(error);
  span.recordException(
    { name: error.name, message: error.message, ...(stack === undefined ? {} : { stack }) },
    new Date(at),
  );
}

/** With its causes: where a task failed stands in the cause of what its call rejected with. */
function usersStack({ stack, cause }: ErrorRecord): string | undefined {
  const own = stack
    ?.split('\n')
    .filter((line) => !/^\s+at /.test(line) || !NOT_THE_USERS.some((place) => line.includes(place)))
    .join('\n');
  const before = cause === undefined ? undefined : usersStack(cause);
  return before === undefined
    ? own
    : [...(own === undefined ? [] : [own]), `Caused by: ${before}`].join('\n');
}
