import type { CallKey } from '../journal/call-key.ts';
import type { Encoded, Recorded } from '../journal/event.ts';
import type { Millis } from '../journal/ids.ts';

/** Something that a run waits for from outside. */
export interface OpenWait {
  readonly key: CallKey;
  /** Under which a message reaches it. */
  readonly name: string;
  readonly prompt: string | null;
  readonly data: Encoded;
  readonly since: Millis;
  /** It takes the message encrypted only. */
  readonly secret: boolean;
  /** When it gives up; null = never. */
  readonly dueAt: Millis | null;
}

/**
 * What is still waited for after these events, the oldest first.
 * @param ofAttempts waits of running attempts, which are not recorded
 */
export function openWaits(
  events: Iterable<Recorded>,
  ofAttempts: Iterable<Pick<OpenWait, 'key' | 'name' | 'since' | 'dueAt'>> = [],
): OpenWait[] {
  const open = new Map<CallKey, OpenWait>();
  for (const { at, event } of events) {
    switch (event.type) {
      case 'SignalAwaited': {
        const { key, name, prompt, data, timeoutMs, secret = false } = event;
        open.set(key, {
          key,
          name,
          prompt,
          data,
          since: at,
          secret,
          dueAt: timeoutMs === null ? null : at + timeoutMs,
        });
        break;
      }
      case 'SignalReceived':
      case 'SignalTimedOut':
      case 'TaskCancelled':
        open.delete(event.key);
        break;
      case 'RunSucceeded':
      case 'RunFailed':
      case 'RunCancelled':
        open.clear();
        break;
      default:
    }
  }
  const inAttempts = Array.from(ofAttempts, ({ key, name, since, dueAt }) => ({
    key,
    name,
    prompt: null,
    data: null,
    since,
    secret: false,
    dueAt,
  }));
  return [...open.values(), ...inAttempts].toSorted((a, b) => a.since - b.since);
}
