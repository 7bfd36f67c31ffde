import type { CallKey } from './call-key.ts';
import type { Millis } from './ids.ts';

export interface TimerStarted {
  readonly type: 'TimerStarted';
  readonly key: CallKey;
  /** What was given: a length or a point of time. It is the timer's identity on replay. */
  readonly timer: 'sleep' | 'sleepUntil';
  readonly dueAt: Millis;
  readonly durationMs: number;
}
export interface TimerFired {
  readonly type: 'TimerFired';
  readonly key: CallKey;
}
