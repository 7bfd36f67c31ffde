import { expect, test } from 'vitest';

import { assert, broken, InvariantError, unreachable } from './invariant.ts';

function thrownBy(fn: () => void): unknown {
  try {
    fn();
    return undefined;
  } catch (error) {
    return error;
  }
}

test('a broken rule is named, and told as a bug of Pawl', () => {
  const error = thrownBy(() => broken('J4', 'two ends'));
  expect(error).toBeInstanceOf(InvariantError);
  expect(error).toMatchObject({
    name: 'InvariantError',
    invariant: 'J4',
    problem: 'two ends',
    message: 'Invariant J4 is broken: two ends. This is a bug in Pawl; the run was left as it was.',
  });
});

test('what holds is passed over, what does not is thrown', () => {
  expect(thrownBy(() => assert(true, 'J1', 'no'))).toBeUndefined();
  expect(thrownBy(() => assert(false, 'J1', 'no'))).toMatchObject({ invariant: 'J1', problem: 'no' });
});

test('a value that no type has is told', () => {
  expect(thrownBy(() => unreachable({ type: 'odd' } as never))).toMatchObject({
    invariant: 'K2',
    problem: 'unexpected value {"type":"odd"}',
  });
});
