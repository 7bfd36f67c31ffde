import { afterEach, expect, it, vi } from 'vitest';
import { defects } from './defects.fixture.ts';
import type * as Generate from './generate.ts';
import type * as Simulate from './simulate.ts';

/*
 * A simulation that finds nothing proves something only if it finds what is there. Each known defect
 * is planted in the product, and must be found within so many programs.
 */

const PROGRAMS = 1000;
/** Where a rare one is looked for first, so that nobody waits for it. */
const FROM: Readonly<Record<string, number>> = {
  'undefined becomes null': 90,
  'all waits for everyone before it rejects': 50,
  'a full queue refuses nobody': 85,
  'a stream hands over what waits for an earlier one': 600,
  'what detached branches left behind in a scope is waited for': 350,
  'a message goes to whoever asked last': 120,
  'a merge gives the first source every turn': 36,
  'items are counted anew after a crash': 51,
};

afterEach(() => {
  vi.resetModules();
});

it.each(Object.entries(defects))('finds that %s', { timeout: 240_000 }, async (name, { module, plant }) => {
  vi.resetModules();
  vi.doMock(module, async (importOriginal) => {
    const original = await importOriginal<object>();
    return { ...original, ...plant(original) };
  });
  try {
    const { generate }: typeof Generate = await import('./generate.ts');
    const { simulate }: typeof Simulate = await import('./simulate.ts');
    const found: string[] = [];
    const from = FROM[name] ?? 0;
    for (let i = 0; i < PROGRAMS && found.length === 0; i += 1) {
      const seed = (from + i) % PROGRAMS;
      const failure = await simulate(generate(seed), new Map());
      if (failure !== undefined) found.push(`seed ${seed}: ${failure.problem}`);
    }
    expect(found).toHaveLength(1);
    if (process.env['PAWL_SIM_SHOW'] !== undefined) console.log(found[0]?.slice(0, 600));
  } finally {
    vi.doUnmock(module);
  }
});
