import { expect, it } from 'vitest';
import { groupResult } from './result.ts';

it('some that was asked for more values than it has branches says so: nothing failed', () => {
  const result = groupResult({
    mode: 'some',
    names: undefined,
    branches: [
      { status: 'fulfilled', value: 1 },
      { status: 'fulfilled', value: 2 },
    ],
    settleOrder: [0, 1],
    preserveOrder: false,
    decided: { outcome: 'rejected', winner: null },
    interrupted: new Error('not this'),
  });
  expect(result).toMatchObject({
    ok: false,
    reason: { name: 'AggregateError', errors: [], message: /^all 2 branches of parallel\.some succeeded/ },
  });
});
