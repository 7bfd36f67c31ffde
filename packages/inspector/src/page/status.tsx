import type { JSX } from 'preact';

import type { CallStatus } from '../statuses.ts';
import type { Status } from './api.ts';

type Tone = 'good' | 'bad' | 'busy' | 'attention' | 'dim';

/** As the command line has them. */
const MARKS: Readonly<Record<Status | CallStatus, readonly [sign: string, tone: Tone]>> = {
  queued: ['·', 'dim'],
  running: ['●', 'busy'],
  backoff: ['↻', 'attention'],
  asked: ['?', 'attention'],
  waiting: ['?', 'attention'],
  stopped: ['◌', 'attention'],
  interrupted: ['◌', 'attention'],
  cancelling: ['◌', 'attention'],
  sleeping: ['◌', 'dim'],
  succeeded: ['✓', 'good'],
  failed: ['✗', 'bad'],
  continued: ['→', 'good'],
  cancelled: ['○', 'dim'],
};

export function toneOf(status: Status | CallStatus): Tone {
  return MARKS[status][1];
}

export function Mark({ status }: { readonly status: Status | CallStatus }): JSX.Element {
  const [sign, tone] = MARKS[status];
  return (
    <span class={`mark ${tone}${status === 'running' ? ' alive' : ''}`} aria-hidden="true" title={status}>
      {sign}
    </span>
  );
}

export function StatusBadge({ status }: { readonly status: Status | CallStatus }): JSX.Element {
  return (
    <span class={`badge ${toneOf(status)}`}>
      <Mark status={status} />
      {status}
    </span>
  );
}
