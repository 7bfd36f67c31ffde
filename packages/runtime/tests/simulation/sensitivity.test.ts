import { afterEach, expect, it, vi } from 'vitest';
import { defects } from './defects.fixture.ts';
import type * as Generate from './generate.ts';
import type * as Simulate from './simulate.ts';

/*
 * A simulation that finds nothing proves something only if it finds what is there. Each known defect
 * is planted in the product, and must be found within so many programs.
 */

const PROGRAMS = 1000;

afterEach(() => {
  vi.resetModules();
});

it.each(Object.entries(defects))('finds that %s', { timeout: 240_000 }, async (_, { module, plant }) => {
  vi.resetModules();
  vi.doMock(module, async (importOriginal) => {
    const original = await importOriginal<object>();
    return { ...original, ...plant(original) };
  });
  try {
    const { generate }: typeof Generate = await import('./generate.ts');
    const { simulate }: typeof Simulate = await import('./simulate.ts');
    const found: string[] = [];
    for (let seed = 0; seed < PROGRAMS && found.length === 0; seed += 1) {
      const failure = await simulate(generate(seed), new Map());
      if (failure !== undefined) found.push(`seed ${seed}: ${failure.problem}`);
    }
    expect(found).toHaveLength(1);
    if (process.env['PAWL_SIM_SHOW'] !== undefined) console.log(found[0]?.slice(0, 600));
  } finally {
    vi.doUnmock(module);
  }
});
