import type { CallKey } from '../journal/call-key.ts';
import type { Millis } from '../journal/ids.ts';
import type { JournalEvent } from '../journal/event.ts';
import { unreachable } from '../journal/invariant.ts';
import type { Decision } from './decide.ts';
import type { Command, Effect, Report } from './input.ts';
import { backoffMs } from './retry.ts';
import { isFenced, type OfferCall, type RunState } from './state.ts';

const NOTHING: Decision = { events: [], effects: [] };

/** The process asks for work that somebody else does: nothing starts here but its time. */
export function offerTask({ type: _, ...facts }: Extract<Command, { type: 'OfferTask' }>): Decision {
  const { key, policy } = facts;
  const effects = policy.timeoutMs === null ? [] : [deadline(key, policy.timeoutMs)];
  return { events: [{ type: 'TaskOffered', ...facts }], effects };
}

function deadline(key: CallKey, delayMs: number): Effect {
  return { type: 'SetTimer', delayMs, report: { type: 'DeadlinePassed', key } };
}

/** The call that an answer is for; undefined where it is settled, or given up. */
export function openOffer(state: Readonly<RunState>, key: CallKey): OfferCall | undefined {
  const call = state.calls.get(key);
  if (call?.kind !== 'offer' || !state.pending.has(key) || isFenced(state, key)) return undefined;
  return call;
}

export function decideOffer(
  state: Readonly<RunState>,
  report: Extract<Report, { type: 'AnswerGiven' | 'AnswerUnfit' }>,
  now: Millis,
): Decision {
  const call = openOffer(state, report.key);
  if (call === undefined) return NOTHING;
  if (report.type === 'AnswerGiven') return answered(call, report, now);
  const { type: _, ...facts } = report;
  return { events: [{ type: 'AnswerRefused', ...facts }], effects: [] };
}

function answered(
  call: OfferCall,
  { key, worker, answer, draw }: Extract<Report, { type: 'AnswerGiven' }>,
  now: Millis,
): Decision {
  switch (answer.status) {
    case 'done':
      return settle({ type: 'TaskSucceeded', key, output: answer.output, by: 'worker', worker });
    case 'cancelled':
      return settle({ type: 'TaskCancelled', key, reason: answer.reason });
    case 'failed': {
      const failures = call.failures + 1;
      const delayMs = backoffMs(call.retry, failures, draw);
      const { error } = answer;
      const { timeoutMs, retry } = call;
      const inTime = timeoutMs === null || now + delayMs < call.offeredAt + timeoutMs;
      if (failures >= retry.attempts || !inTime)
        return settle({ type: 'TaskFailed', key, error, cause: 'error', failures, by: 'worker', worker });
      const retryAt = now + delayMs;
      // No timer: whoever looks for work finds it when its time has come.
      return {
        events: [{ type: 'AttemptFailed', key, attempt: failures, error, retryAt, delayMs }],
        effects: [],
      };
    }
    default:
      return unreachable(answer);
  }
}

/** Nobody answered in time. */
export function offerExpired(state: Readonly<RunState>, key: CallKey): Decision {
  const call = openOffer(state, key);
  if (call === undefined) return NOTHING;
  const error = { name: 'TimeoutError', message: `nobody did it within ${call.timeoutMs} ms` };
  const { failures } = call;
  return settle({ type: 'TaskFailed', key, error, cause: 'timeout', failures, by: 'attempt' });
}

function settle(fact: JournalEvent & { readonly key: CallKey }): Decision {
  return { events: [fact], effects: [{ type: 'ClearTimers', key: fact.key }] };
}
