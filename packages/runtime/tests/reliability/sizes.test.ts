import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freshFolder, Program } from './program.fixture.ts';

const MIB = 1024 * 1024;
const ALL_KEPT = { output: 'kept', input: 'kept', message: 'kept', inputs: 'kept' };
const NONE_KEPT = {
  output: 'TaskError < LimitError',
  input: 'LimitError',
  message: 'LimitError',
  inputs: 'LimitError',
};

/** An error is kept within bounds, whatever it holds; a state of 64 KiB at most. */
test.each([
  [1, ALL_KEPT, ALL_KEPT, 'kept'],
  [MIB, ALL_KEPT, ALL_KEPT, 'LimitError'],
  [12 * MIB, NONE_KEPT, ALL_KEPT, 'LimitError'],
  [17 * MIB, NONE_KEPT, NONE_KEPT, 'LimitError'],
  [64 * MIB, NONE_KEPT, NONE_KEPT, 'LimitError'],
  [512 * MIB, NONE_KEPT, undefined, 'LimitError'],
])(
  'values of %i bytes are kept or refused in a heap of 512 MiB, and the same on replay',
  { timeout: 300_000 },
  async (bytes, asBytes, asText, state) => {
    const program = new Program('sizes-main.fixture.ts', {
      nodeFlags: ['--max-old-space-size=512'],
      args: [join(freshFolder(), 'journal.db'), String(bytes)],
    });
    expect(await program.ended, program.tail()).toEqual({ code: 0, signal: null });
    const always = { at: 'size', error: 'TaskError < RangeError', state, reached: 'end' };
    const expected = [{ how: 'bytes', ...asBytes, ...always }];
    if (asText !== undefined) expected.push({ how: 'text', ...asText, ...always });
    expect(program.lines).toEqual([...expected, { at: 'verified', damage: [] }]);
  },
);
