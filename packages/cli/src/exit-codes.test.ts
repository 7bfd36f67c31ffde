import { EXIT_CODES, InvariantError, RuntimeError, type RuntimeErrorCode } from '@pawl/runtime';
import {
  CancelledError,
  InvalidArgumentError,
  InvalidOptionError,
  LimitError,
  NonDeterminismError,
  RunLockedError,
  UnserializableError,
  ValidationError,
} from '@pawl/sdk';
import { expect, test } from 'vitest';

import { exitCodeOf, SIGNAL_EXIT_CODES } from './exit-codes.ts';

// Frozen: a change here breaks scripts.
const FROZEN: Readonly<Record<RuntimeErrorCode, number>> = {
  UNEXPECTED: 1,
  USAGE: 2,
  RUN_FAILED: 3,
  NOT_FOUND: 4,
  BUSY: 5,
  FENCED: 6,
  NON_DETERMINISM: 7,
  STALLED: 7,
  CORRUPT: 8,
  NEWER: 9,
  STORAGE: 10,
  REFUSED: 11,
  SEALED: 11,
  CANCELLED: 12,
  WAITING: 13,
  STOPPED: 130,
};

test('the table', () => {
  expect(EXIT_CODES).toEqual(FROZEN);
  expect(SIGNAL_EXIT_CODES).toEqual({ SIGHUP: 129, SIGINT: 130, SIGTERM: 143 });
});

test.each(Object.entries(FROZEN))('%s exits %i', (code, exitCode) => {
  expect(exitCodeOf(new RuntimeError(code as RuntimeErrorCode, ''))).toBe(exitCode);
});

test.each([
  [new NonDeterminismError(''), 7],
  [new RunLockedError(''), 5],
  [new ValidationError('', []), 11],
  [new UnserializableError('', '', ''), 11],
  [new InvalidOptionError('', 1, ''), 11],
  [new InvalidArgumentError(''), 11],
  [new LimitError('', ''), 11],
  [new CancelledError(''), 11],
  [new InvariantError('J1', ''), 1],
  [new TypeError(''), 1],
  ['thrown', 1],
  [undefined, 1],
])('%s exits %i', (error, exitCode) => {
  expect(exitCodeOf(error)).toBe(exitCode);
});

test('an error of another copy of the runtime, as of a package that is loaded from a folder, has its code too', () => {
  const other = Object.assign(new Error('nobody listens there'), {
    name: 'RuntimeError',
    code: 'NOT_FOUND',
    exitCode: 4,
  });
  expect([exitCodeOf(other), exitCodeOf(Object.assign(other, { code: 'ENOENT' }))]).toEqual([4, 1]);
});
