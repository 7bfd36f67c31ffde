import { describe, expect, it } from 'vitest';
import type { JournalEvent } from '../journal/event.ts';
import { given, opened, type POLICY, scheduled, started, when } from './given.fixture.ts';
import type { Report } from './input.ts';

const ERROR = { name: 'Error', message: 'no' };
const RETRIED = { retry: { attempts: 2, delayMs: 7, factor: 1, maxDelayMs: 7, jitter: 0 } };
const done = (key = '0'): Report => ({
  type: 'TransactionEnded',
  key,
  result: { status: 'done', output: 1 },
});
const failed = (retryable = true): Report => ({
  type: 'TransactionEnded',
  key: '0',
  result: { status: 'failed', error: ERROR, retryable, draw: 0 },
});
const clear = { type: 'ClearTimers', key: '0' };
const final = (failures: number): JournalEvent => ({
  type: 'TaskFailed',
  key: '0',
  error: ERROR,
  cause: 'error',
  failures,
  by: 'attempt',
});
const again: JournalEvent = {
  type: 'AttemptFailed',
  key: '0',
  attempt: 1,
  error: ERROR,
  retryAt: 1007,
  delayMs: 7,
};

describe('a body that ended in the commit', () => {
  it.each<[string, Partial<typeof POLICY>, Report, JournalEvent, unknown]>([
    ['by a value', {}, done(), { type: 'TaskSucceeded', key: '0', output: 1, by: 'attempt' }, clear],
    ['by an error', {}, failed(), final(1), clear],
    ['by one that no retry helps', RETRIED, failed(false), final(1), clear],
    [
      'by one that is tried again',
      RETRIED,
      failed(),
      again,
      { type: 'SetTimer', delayMs: 7, report: { type: 'RetryDue', key: '0' } },
    ],
  ])('%s: its start is recorded with it', (_, policy, report, event, effect) => {
    const state = given(scheduled('0', policy));
    expect(when(state, report)).toEqual({ events: [started('0'), event], effects: [effect] });
  });

  it('is the second attempt after a failure, and the last one', () => {
    const state = given(scheduled('0', RETRIED), started('0'), { ...again, retryAt: 0 });
    expect(when(state, failed()).events).toEqual([started('0', 2), final(2)]);
    expect([...state.pending]).toEqual([]);
  });

  it.each<[string, readonly JournalEvent[], string]>([
    ['a call that is settled', [scheduled('0'), started('0'), final(1)], '0'],
    ['a call that nobody made', [], '0'],
    [
      'a loser',
      [
        opened('0', { mode: 'race' }),
        scheduled('0/0/0'),
        { type: 'ScopeClosed', key: '0', outcome: 'fulfilled', winner: 1 },
      ],
      '0/0/0',
    ],
  ])('says nothing of %s', (_, events, key) => {
    expect(when(given(...events), done(key))).toEqual({ events: [], effects: [] });
  });
});
