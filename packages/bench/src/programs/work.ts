import { defineProcess, defineTask, type ProcessDefinition, type TaskDefinition } from '@pawl/sdk';

/** The trivial step of every case. */
export const addOne: TaskDefinition<number, number> = defineTask({
  name: 'addOne',
  run: async (n: number) => n + 1,
});

export const sequence: ProcessDefinition<number, number> = defineProcess({
  name: 'sequence',
  run: async (steps: number, ctx) => {
    let n = 0;
    while (n < steps) n = await ctx.task(addOne, n);
    return n;
  },
});

/** @param concurrency 0: the default of `ctx.parallel.map` */
export function fan(concurrency: number): ProcessDefinition<number, number> {
  return defineProcess({
    name: 'fan',
    run: async (width: number, ctx) => {
      const items = Array.from({ length: width }, (_, i) => i);
      const options = concurrency === 0 ? {} : { concurrency };
      const results = await ctx.parallel.map(items, (n) => ctx.task(addOne, n), options);
      return results.length;
    },
  });
}
