import { defineTask, type Context } from '@pawl/sdk';
import { expect, it } from 'vitest';
import { mock, testRuntime } from '../../src/testing.ts';
import { pawlMatchers } from '../../src/testing/vitest-matchers.ts';

expect.extend(pawlMatchers);

const charge = defineTask({ name: 'charge', run: (_: { cents: number }) => ({ id: 'real' }) });
const order = async ({ cents }: { cents: number }, ctx: Context): Promise<{ id: string }> => {
  await ctx.sleep('1d');
  if (cents === 0) throw new RangeError('nothing to charge');
  return ctx.task(charge, { cents });
};

it('tell what ran, how it ended, and whether it replays', async () => {
  await using test = await testRuntime({ tasks: [mock(charge, () => ({ id: 'ch_1' }))] });
  expect(test).not.toHaveRunTask(charge);
  expect(test).not.toHaveSucceededWith('o1', {});
  await test.run(order, { cents: 900 }, { id: 'o1' });
  expect(test).toHaveRunTask(charge);
  expect(test).toHaveRunTask('charge', 1);
  expect(test).not.toHaveRunTask(charge, 2);
  expect(test).toHaveSucceededWith('o1', { id: expect.stringMatching(/^ch_/) });
  expect(test).not.toHaveSucceededWith('o1', { id: 'real' });
  await expect(test.journal('o1')).toReplay(order);
  const other = async (_: { cents: number }, ctx: Context): Promise<unknown> =>
    ctx.task(charge, { cents: 1 });
  await expect(test.journal('o1')).not.toReplay(other);
});

it('say what is otherwise', async () => {
  await using test = await testRuntime({ tasks: [mock(charge, () => ({ id: 'ch_1' }))] });
  await test.run(order, { cents: 900 }, { id: 'o1' });
  await test.run(order, { cents: 0 }, { id: 'o2' }).catch(() => undefined);
  expect(() => expect(test).toHaveRunTask('pay')).toThrow(/Task 'pay' ran 0 times.*What ran: charge\./);
  expect(() => expect(test).toHaveRunTask(charge, 3)).toThrow(/ran 1 times.*3 times/);
  expect(() => expect(test).toHaveSucceededWith('o1', 1)).toThrow(
    /Run o1 gave .*ch_1.*expected that it gives 1/s,
  );
  expect(() => expect(test).toHaveSucceededWith('o2', 1)).toThrow(
    'Run o2 failed with RangeError: nothing to charge',
  );
  expect(() => expect(test).toHaveSucceededWith('o3', 1)).toThrow('Run o3 is not there');
  await expect(
    expect(test.journal('o1')).toReplay(async (_: unknown, ctx: Context) => ctx.sleep('2d')),
  ).rejects.toThrow('The process asks for something else');
  await expect(expect('no journal\n').toReplay(order)).rejects.toThrow();
});
