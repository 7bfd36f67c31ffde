/** A program whose run books on tables of its own, until it is killed; see transactions.test.ts. */
import { flushCompileCache } from 'node:module';
import { defineTask, transactionTask, type Process } from '@pawl/sdk';
import { openRuntime } from '@pawl/runtime';
import { tell } from './world.fixture.ts';

interface Booking {
  readonly n: number;
  readonly fails?: boolean;
}

const book = transactionTask({
  name: 'book',
  retry: { attempts: 2, delay: 1 },
  run: (db, { n, fails = false }: Booking, { key, attempt, idempotencyKey }) => {
    db.prepare('create table if not exists bookings (call text, amount integer)').run();
    db.prepare('create table if not exists outbox (id text primary key, text text)').run();
    db.prepare('insert into bookings values (?, ?)').run(key, n);
    // So that many kills come when half of it is there.
    for (const until = performance.now() + 2; performance.now() < until;);
    if (fails && attempt === 1) throw new Error('half of it is there');
    db.prepare('insert into outbox values (?, ?)').run(idempotencyKey, `booked ${n}`);
    return n;
  },
});

const step = defineTask({ name: 'step', run: (n: number) => n });

const books: Process<number, number> = async (rounds, ctx) => {
  let sum = 0;
  for (let i = 1; i <= rounds; i += 1) {
    const amounts = await ctx.parallel.all([
      () => ctx.task(book, { n: i, fails: i % 3 === 0 }),
      () => ctx.task(book, { n: 1000 * i }),
    ]);
    sum += amounts[0] + amounts[1] + (await ctx.task(book, { n: 1 }));
    if (i % 4 === 0) await ctx.task(step, i);
  }
  return sum;
};

const [path = '', rounds = ''] = process.argv.slice(2);
const runtime = await openRuntime({ path, onWarning: (_, message) => tell({ at: 'warning', message }) });
flushCompileCache();
const before = runtime.get('r')?.lastSeq ?? 0;
// A second start of the same id goes on with the run.
const handle = runtime.start(books, Number(rounds), { id: 'r' });
const telling = (async () => {
  for await (const { seq, event } of handle.events())
    if (seq > before && event.type === 'TaskSucceeded') tell({ at: 'booked', key: event.key });
})();
tell({ at: 'ready' });
tell({ at: 'end', value: await handle.result() });
await telling;
await runtime.close();
