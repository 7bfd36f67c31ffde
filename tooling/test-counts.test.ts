import { expect, test } from 'vitest';

import { addCount, closingLine, NO_TESTS } from './test-counts.ts';

test('the closing line names skipped tests only where there are some', () => {
  expect(closingLine({ passed: 3, failed: 1, skipped: 0 })).toBe('3 passed, 1 failed');
  expect(closingLine({ passed: 3, failed: 0, skipped: 2 })).toBe('3 passed, 0 failed, 2 skipped');
});

test('counting leaves the given counts as they were', () => {
  expect(addCount(NO_TESTS, 'failed')).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(NO_TESTS.failed).toBe(0);
});
