/**
 * Left where it waits for all that a run can wait for, in a journal that this version wrote as a file. It never changes:
 * `journal.db` goes on with it.
 */
import { defineProcess, defineTask, externalTask } from '@pawl/sdk';

const kept = defineTask({ name: 'kept', cache: { ttl: '1000d' }, run: (n: number) => n + 1 });
const breaking = defineTask({
  name: 'breaking',
  circuit: { threshold: 1, openFor: '1000d' },
  run: (_: null, task): never => {
    task.log('it breaks');
    throw new RangeError('it does not work');
  },
});
const drawn = externalTask<{ readonly what: string }, string>({ name: 'drawn' });
const shipped = defineTask({ name: 'shipped', pool: 'harbour', run: (what: string) => `shipped ${what}` });

export default defineProcess({
  name: 'waiting',
  run: async (inputs: { readonly what: string }, ctx) => {
    const { what } = inputs;
    ctx.log(`about ${what}`);
    ctx.setState('what', what);
    const n = await ctx.task(kept, 1);
    const failure = await ctx.task(breaking, null).catch((error: unknown) => String(error));
    const [drawing, { approved }, word] = await ctx.parallel.all([
      () => ctx.task(drawn, { what }),
      () => ctx.breakpoint({ title: 'ship', question: `Ship ${what}?` }),
      () => ctx.receive<string>('word'),
    ]);
    return { n, failure, drawing, approved, word, end: await ctx.task(shipped, what) };
  },
});
