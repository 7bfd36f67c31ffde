import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freshFolder, type Line, LONG_MS, Program, TORTURE } from './program.fixture.ts';

const RUNS = TORTURE ? 10_000 : 2000;
const TASKS = TORTURE ? 100_000 : 20_000;
const MIB = 1024 * 1024;

interface Memory {
  readonly done: number;
  readonly rss: number;
  readonly heapUsed: number;
  readonly ms: number;
}

async function endure(
  what: string,
  amount: number,
  ...nodeFlags: string[]
): Promise<{ lines: Line[]; memory: Memory[] }> {
  const program = new Program('endurance-main.fixture.ts', {
    nodeFlags: ['--expose-gc', ...nodeFlags],
    args: [join(freshFolder(), 'journal.db'), what, String(amount)],
  });
  expect(await program.ended, program.tail()).toEqual({ code: 0, signal: null });
  const memory = program.lines.filter(({ at }) => at === 'memory') as unknown as Memory[];
  const figures = memory.map(
    ({ done, rss, heapUsed, ms }) =>
      `${done}: ${Math.round(rss / MIB)} MiB rss, ${(heapUsed / MIB).toFixed(1)} MiB heap, ${ms} ms`,
  );
  console.info([`${what} ${amount}`, ...figures].join('\n  '));
  return { lines: program.lines, memory };
}

describe('memory', () => {
  it(`of ${RUNS} runs, one after the other, does not grow with them`, { timeout: LONG_MS }, async () => {
    const { memory } = await endure('manyRuns', RUNS);
    const early = memory[1];
    const late = memory.at(-1);
    expect(memory).toHaveLength(10);
    expect((late?.heapUsed ?? Infinity) - (early?.heapUsed ?? 0)).toBeLessThan(2 * MIB);
    // The collector takes its time; it is the heap that tells.
    expect((late?.rss ?? Infinity) - (early?.rss ?? 0)).toBeLessThan(256 * MIB);
  });

  it(
    `of one run of ${TASKS} tasks, and of its replay, is under 1 KiB a task`,
    { timeout: LONG_MS },
    async () => {
      const { memory, lines } = await endure('manyTasks', TASKS);
      const first = memory[0]?.heapUsed ?? 0;
      for (const { heapUsed } of memory) expect(heapUsed - first).toBeLessThan(8 * MIB + TASKS * 1024);
      // The run has ended, and nothing of it stays.
      const ended = memory.find(({ done }, i) => done === TASKS && i > 2);
      expect((ended?.heapUsed ?? Infinity) - first).toBeLessThan(8 * MIB);
      const replay = lines.find(({ at }) => at === 'replay');
      expect(replay).toMatchObject({ reached: 'end' });
      expect(replay?.['events']).toBeGreaterThan(3 * TASKS);
      console.info(`replay of ${String(replay?.['events'])} events: ${String(replay?.['ms'])} ms`);
    },
  );

  it('of large values is that of a few of them, however many are read', { timeout: LONG_MS }, async () => {
    const { lines } = await endure('large', TORTURE ? 500 : 14, '--max-old-space-size=72');
    expect(lines.find(({ at }) => at === 'replay')).toMatchObject({ reached: 'end' });
  });

  it(`of ${TASKS} tasks at once suffices in a small heap`, { timeout: LONG_MS }, async () => {
    await endure('wide', TASKS, '--max-old-space-size=512');
  });
});
