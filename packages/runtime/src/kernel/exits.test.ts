import { describe, expect, it } from 'vitest';
import type { JournalEvent } from '../journal/event.ts';
import { fingerprintOf } from './fingerprint.ts';
import { given, opened, scheduled, started, when } from './given.fixture.ts';
import { owesExits } from './owed-exits.ts';
import { leftWithin } from './resume.ts';
import { isFenced } from './state.ts';

const REGISTERED = {
  type: 'ExitRegistered',
  key: '0/0/0',
  scope: '0',
  when: 'always',
  task: 't',
  version: null,
  inputHash: 'i',
  args: null,
} as const;
const { type: _, ...facts } = REGISTERED;
const scope = opened('0', { mode: 'scope', width: null });
const closed = (outcome: 'fulfilled' | 'rejected', key = '0'): JournalEvent => ({
  type: 'ScopeClosed',
  key,
  outcome,
  winner: null,
});
const cancelling: JournalEvent = { type: 'CancelRequested', reason: 'enough' };
const succeeded = (key: string): JournalEvent => ({
  type: 'TaskSucceeded',
  key,
  output: null,
  by: 'attempt',
});
const onFailure = { ...REGISTERED, when: 'failure' } as const;

describe('what a scope registers for its end', () => {
  it('is recorded, and nothing starts', () => {
    const state = given(scope);
    expect(when(state, { type: 'RegisterExit', ...facts })).toEqual({ events: [REGISTERED], effects: [] });
    expect(state.pending.size).toBe(0);
  });

  it('J3: once', () => expect(() => given(scope, REGISTERED, REGISTERED)).toThrow('J3'));

  it('is the same by its task, version, input, and when it runs', () => {
    const same = fingerprintOf(REGISTERED);
    expect(fingerprintOf({ ...REGISTERED, scope: '1' })).toBe(same);
    for (const other of [{ task: 'u' }, { version: '2' }, { inputHash: 'j' }, { when: 'failure' as const }])
      expect(fingerprintOf({ ...REGISTERED, ...other })).not.toBe(same);
  });

  it.each<[string, readonly JournalEvent[], boolean]>([
    ['its own scope was closed', [closed('rejected')], false],
    ['the run is being cancelled', [cancelling], false],
    ['the process has ended', [closed('fulfilled', '')], false],
    ['the run is cancelled by force', [{ type: 'CancelForced', reason: 'now' }], true],
  ])('runs where %s: fenced %s', (_what, events, isGivenUp) => {
    const state = given(scope, REGISTERED, ...events, scheduled('0/exit/0'));
    expect(isFenced(state, '0/exit/0')).toBe(isGivenUp);
    expect(when(state, { type: 'SlotGranted', key: '0/exit/0' }).events).toHaveLength(isGivenUp ? 0 : 1);
  });

  it('is nothing that a reduce leaves behind', () => {
    const state = given(scope, REGISTERED, scheduled('0/0/1'), scheduled('0/exit/0'));
    expect(leftWithin(state, '0')).toEqual(['0/0/1']);
  });

  it('goes on at the head of a run that is being cancelled', () => {
    const state = given(scope, REGISTERED, cancelling, scheduled('0/exit/0'), started('0/exit/0'));
    expect(when(state, { type: 'HeadReached' })).toEqual({
      events: [],
      effects: [
        { type: 'QueueAttempt', key: '0/exit/0' },
        { type: 'CancelWithin', scope: '', reason: 'the run was cancelled: enough' },
      ],
    });
  });
});

describe('cancelling by force', () => {
  it.each<[string, readonly JournalEvent[]]>([
    ['a run', []],
    ['one that is being cancelled', [cancelling]],
    ['one whose process has ended', [closed('fulfilled', '')]],
  ])('%s', (_what, events) => {
    const state = given(scope, ...events);
    expect(when(state, { type: 'ForceCancel', reason: 'now' })).toEqual({
      events: [{ type: 'CancelForced', reason: 'now' }],
      effects: [{ type: 'CancelWithin', scope: '', reason: 'the run was cancelled: now' }],
    });
    expect(when(state, { type: 'ForceCancel', reason: 'again' }).events).toEqual([]);
    expect(when(state, { type: 'CancelRun', reason: 'again' }).events).toEqual([]);
  });

  it('tells children that clean up', () => {
    const child = { type: 'ChildStarted', key: '1', process: 'p', inputHash: 'h', runId: 'r.1' } as const;
    const state = given(child, cancelling, { type: 'TaskCancelled', key: '1', reason: 'enough' });
    expect(when(state, { type: 'ForceCancel', reason: 'now' }).effects).toContainEqual({
      type: 'CancelChild',
      key: '1',
      runId: 'r.1',
      reason: 'now',
      isForced: true,
    });
    const again = when(state, { type: 'HeadReached' }).effects;
    expect(again).toContainEqual(expect.objectContaining({ type: 'CancelChild', isForced: true }));
  });

  it('leaves a run that has ended', () => {
    const state = given({ type: 'RunCancelled', reason: 'enough' });
    expect(when(state, { type: 'ForceCancel', reason: 'now' }).events).toEqual([]);
  });
});

describe('a run that nobody drives has to clean up', () => {
  it.each<[string, readonly JournalEvent[], boolean]>([
    ['nothing registered', [scope], false],
    ['a scope that is open', [scope, REGISTERED], true],
    ['a scope that is open, and only takes back', [scope, onFailure], true],
    ['a scope that gave a result', [scope, REGISTERED, closed('fulfilled')], true],
    ['a scope that gave a result, and only takes back', [scope, onFailure, closed('fulfilled')], false],
    ['a scope that failed, and takes back', [scope, onFailure, closed('rejected')], true],
    ['an exit that runs', [scope, REGISTERED, closed('fulfilled'), scheduled('0/exit/0')], true],
    [
      'all exits done',
      [scope, REGISTERED, closed('fulfilled'), scheduled('0/exit/0'), succeeded('0/exit/0')],
      false,
    ],
    [
      'one of two exits done',
      [
        scope,
        REGISTERED,
        { ...REGISTERED, key: '0/0/1' },
        closed('fulfilled'),
        scheduled('0/exit/0'),
        succeeded('0/exit/0'),
      ],
      true,
    ],
    ['force', [scope, REGISTERED, { type: 'CancelForced', reason: 'now' }], false],
  ])('%s: %s', (_what, events, expected) => expect(owesExits(given(...events))).toBe(expected));
});
