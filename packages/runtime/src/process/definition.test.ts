import { defineProcess } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { definitionOf } from './definition.ts';

describe('a process that is given', () => {
  it.each<[string, unknown, string]>([
    ['a generator', function* run() {}, 'a generator function'],
    ['an async generator', async function* run() {}, 'an async generator function'],
    [
      'a class',
      class run {
        readonly a = 1;
      },
      'a class',
    ],
  ])('is refused where it is %s: it would be started and do nothing', (_, run, what) => {
    expect(() => definitionOf(run as never)).toThrow(`Process 'run' is ${what}`);
    expect(() => definitionOf({ name: 'p', run } as never)).toThrow(`Process 'p' is ${what}`);
    expect(() => defineProcess({ name: 'p', run } as never)).toThrow(`'run' of process 'p' is ${what}`);
  });

  it('may be any function that can be called', () => {
    function plain(): void {}
    const asyncFunction = async (): Promise<void> => {};
    for (const run of [plain, asyncFunction, plain.bind(null), { run() {} }.run])
      expect(definitionOf(run).run).toBe(run);
  });
});
