import { expect, it } from 'vitest';
import { SAMPLE_EVENTS as SAMPLE } from '../journal/sample-events.fixture.ts';
import { given, opened } from './given.fixture.ts';

/* What a run says of itself beside its calls: recorded, and done with. */

it('a version is a call of its own, and nothing that a replay waits for', () => {
  const state = given(opened('0'), { ...SAMPLE.ValueRecorded, key: '0/0/v:new-tax' });
  expect(state.calls.get('0/0/v:new-tax')).toEqual({
    kind: 'value',
    seq: 3,
    group: state.calls.get('0'),
    fingerprint: 'version 2 of "new-tax"',
    value: 2,
  });
  expect([state.pending.size, state.lastDecisiveSeq]).toEqual([0, 2]);
});

it('states are counted, and known by their names', () => {
  const set = (name: string) => ({ ...SAMPLE.StateSet, key: 'state', name });
  const state = given(set('customer'), set('order'), set('customer'));
  expect(state.calls.get('state')).toEqual({
    kind: 'state',
    seq: 2,
    group: undefined,
    fingerprint: 'state',
    count: 3,
  });
  expect([...state.stateNames]).toEqual(['customer', 'order']);
});

it('what is registered for the end of a scope says for which, and when', () => {
  const state = given({ ...SAMPLE.ExitRegistered, key: '0' });
  expect(state.calls.get('0')).toEqual({
    kind: 'exit',
    seq: 2,
    group: undefined,
    fingerprint: 'compensate task "refund" v2 beef',
    scope: '7',
    when: 'failure',
  });
});

it('code that was accepted is that of the run from then on', () => {
  expect(given().codeHash).toBeNull();
  expect(given(SAMPLE.CodeAccepted).codeHash).toBe('beef');
});
