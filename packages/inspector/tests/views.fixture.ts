import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { openRuntime } from '@pawl/runtime';
import { defineProcess, defineTask } from '@pawl/sdk';

/* A journal for every view: recorded in this program, so that it takes no time. */

export const HOSTILE = '<img src=x onerror="document.title=1">';

const reserve = defineTask({ name: 'reserve', run: (sku: string) => ({ sku, held: true }) });
const charge = defineTask({
  name: 'charge',
  retry: { attempts: 2, delay: 1 },
  run: (total: number, task) => {
    task.log.warn(`asks for ${total} ${HOSTILE}`);
    if (total > 50) throw new RangeError(`declined ${HOSTILE}`);
    return { charged: total };
  },
});
const mail = defineTask({ name: 'mail', run: (to: string) => `sent to ${to}` });

const notify = defineProcess({
  name: 'notify',
  run: async (to: string, ctx) => {
    await ctx.task(mail, to);
    return to;
  },
});

interface Order {
  readonly total: number;
  readonly customer: string;
}

const order = defineProcess({
  name: 'order',
  run: async ({ total, customer }: Order, ctx) => {
    ctx.setState('customer', customer);
    await ctx.parallel.map(['apple', 'pear'], (sku) => ctx.task(reserve, sku));
    await ctx.task(charge, total);
    return await ctx.run(notify, customer);
  },
});

/** Into `.pawl/journal.db` of a folder: order-1, order-2 and their children, and order-3, which failed. */
export async function recordOrders(folder: string): Promise<string> {
  mkdirSync(join(folder, '.pawl'), { recursive: true });
  const path = join(folder, '.pawl/journal.db');
  await using runtime = await openRuntime({ path, durability: 'normal' });
  await runtime.start(order, { total: 10, customer: 'ada' }, { id: 'order-1' }).result();
  await runtime.start(order, { total: 20, customer: HOSTILE }, { id: 'order-2' }).result();
  await runtime
    .start(order, { total: 90, customer: 'ada' }, { id: 'order-3' })
    .result()
    .catch(() => undefined);
  return path;
}
