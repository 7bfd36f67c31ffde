import type { Context } from '@pawl/sdk';
import { describe, expect, test } from 'vitest';
import type { WaitNotice } from '../../src/index.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, shape } from '../lab.fixture.ts';
import { told } from './hearer.fixture.ts';
import { replays, seqOf, Stage, t, watchForLeaks, type Program } from './stage.fixture.ts';

/* Somebody outside is told of waits for people. */

watchForLeaks();

const asks: Program = () => async (_, ctx: Context) => {
  const { approved } = await ctx.breakpoint({ title: 'Ship', question: 'ship it?' });
  return [approved, await ctx.receive('word', { prompt: 'say it' })];
};
const approve = (runtime: Parameters<Parameters<Stage['use']>[2]>[0]): unknown =>
  runtime.respond('r', '0', { approved: true });
const say = (runtime: Parameters<Parameters<Stage['use']>[2]>[0]): unknown => runtime.send('r', 'word', 'w');
const notified = (store: MemoryStore): string[] =>
  shape(store).filter((line) => line.startsWith('WaitNotified'));

/** Keeps what it was told; the first `failures` times it fails. */
function ear(failures = 0): { heard: WaitNotice[]; notify: (notice: WaitNotice) => void } {
  const heard: WaitNotice[] = [];
  const notify = (notice: WaitNotice): void => {
    heard.push(notice);
    if (heard.length <= failures) throw new Error('out of order');
  };
  return { heard, notify };
}

describe('a notice', () => {
  test('⟲ is given once a wait, after its row, and that is recorded', async () => {
    const { heard, notify } = ear();
    const { value, store } = await told(asks, { 20: approve, 40: say }, { notify });
    expect(value).toEqual([true, 'w']);
    expect(heard.map(({ runId, key, kind, prompt }) => [runId, key, kind, prompt])).toEqual([
      ['r', '0', 'breakpoint', 'ship it?'],
      ['r', '1', 'message', 'say it'],
    ]);
    expect(notified(store)).toEqual(['WaitNotified 0', 'WaitNotified 1']);
    await replays(store, asks);
  });

  test('⟲ crashed between the telling and its record: told once more, recorded once', async () => {
    const { store } = await told(asks, { 20: approve, 40: say }, ear());
    const at = seqOf(store, 'WaitNotified', '0');
    for (const [seq, times] of [
      [at - 1, 1],
      [at, 0],
    ] as const) {
      const again = ear();
      const stage = Stage.at(journal(store)[seq - 1]?.at ?? 0);
      const rest = await told(
        asks,
        { 20: approve, 40: say },
        { ...again, store: store.prefix('r', seq), stage },
      );
      expect(rest.value).toEqual([true, 'w']);
      expect(again.heard.filter(({ key }) => key === '0')).toHaveLength(times);
      expect(notified(rest.store)).toEqual(['WaitNotified 0', 'WaitNotified 1']);
    }
  });

  test('is tried again where it fails, and not for ever', async () => {
    const twice = ear(2);
    expect((await told(asks, { 20_000: approve, 40_000: say }, twice)).value).toEqual([true, 'w']);
    expect(twice.heard.map(({ key }) => key)).toEqual(['0', '0', '0', '1']);
    const always = ear(Infinity);
    const { store, stage, value } = await told(asks, { 20_000: approve, 40_000: say }, always);
    expect(value).toEqual([true, 'w']);
    expect(always.heard).toHaveLength(6);
    expect(notified(store)).toEqual([]);
    expect(stage.warnings).toEqual([
      expect.stringContaining('call 0 waits for people: out of order'),
      expect.stringContaining('call 1 waits for people: out of order'),
    ]);
  });

  test('is not given of what was answered before, nor of what is no question', async () => {
    const { heard, notify } = ear();
    const program: Program = (stage) => async (_, ctx: Context) => {
      await ctx.task(stage.step, t(20));
      return [await ctx.receive('word', { prompt: 'say it' }), await ctx.receive('machine')];
    };
    const { value } = await told(
      program,
      { 5: say, 40: (runtime) => runtime.send('r', 'machine', 1) },
      { notify },
    );
    expect([value, heard]).toEqual([['w', 1], []]);
  });

  test('ends before the run is said to wait, so that who stops it then loses none', async () => {
    const order: string[] = [];
    const stage = new Stage();
    const notify = async ({ key }: WaitNotice): Promise<void> => {
      await stage.clock.sleep(50);
      order.push(`told of ${key}`);
    };
    await told(
      asks,
      { 200: approve, 400: say },
      { notify, stage, onWaiting: (_, keys) => order.push(`waits for ${keys.join()}`) },
    );
    expect(order).toEqual(['told of 0', 'waits for 0', 'told of 1', 'waits for 1']);
  });

  test('that hangs is given up after its time, and when the run is stopped', async () => {
    const signals: AbortSignal[] = [];
    const notify = (_: WaitNotice, signal: AbortSignal): Promise<void> => {
      signals.push(signal);
      return new Promise(() => undefined);
    };
    const store = new MemoryStore();
    const stage = new Stage();
    await stage.use(store, { notify }, async (runtime) => {
      const ended = runtime.start(asks(stage), null as never, { id: 'r' }).result();
      ended.catch(() => undefined);
      await stage.clock.sleep(32_000);
      expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
      await runtime.stop('r');
    });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect(notified(store)).toEqual([]);
  });

  test('of many is given of a few at a time', async () => {
    let now = 0;
    let most = 0;
    const stage = new Stage();
    const notify = async (): Promise<void> => {
      most = Math.max(most, (now += 1));
      await stage.clock.sleep(5);
      now -= 1;
    };
    const program: Program = () => (_, ctx: Context) =>
      ctx.parallel.map(
        Array.from({ length: 50 }, (_unused, i) => i),
        (i) => ctx.breakpoint({ title: `q${i}`, question: 'q' }, { timeout: 5000, onTimeout: 'reject' }),
        { concurrency: Infinity },
      );
    const { store } = await told(program, {}, { notify, stage });
    expect(most).toBe(4);
    expect(notified(store)).toHaveLength(50);
    await replays(store, program);
  });
});
