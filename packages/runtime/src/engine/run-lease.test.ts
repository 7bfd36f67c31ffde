import { expect, it } from 'vitest';

import { RuntimeError } from '../errors.ts';
import type { Engine } from './engine.ts';
import { RunLease } from './run-lease.ts';

/** A store that answers as it is told, and what was asked of it. */
function stage(renews = true): {
  readonly engine: Engine;
  readonly asked: string[];
  pass: (ms: number) => void;
} {
  let now = 0;
  const asked: string[] = [];
  const engine = {
    claim: { owner: 'o', now: 0, ttlMs: 300 },
    options: {
      leaseMs: 300,
      clock: { monotonic: () => now, now: () => now },
      store: {
        renewLease: () => {
          asked.push('renew');
          return renews;
        },
        releaseLease: (_: string, __: number, rest: unknown) =>
          void asked.push(`release ${JSON.stringify(rest)}`),
        work: {
          setBack: (run: object, _: number, problem: string, kind: string) =>
            void asked.push(`set back ${JSON.stringify(run)} ${kind}: ${problem}`),
        },
      },
    },
  } as unknown as Engine;
  return { engine, asked, pass: (ms) => (now += ms) };
}

it('is renewed after a third of its time, and before an attempt after half of it', () => {
  const { engine, asked, pass } = stage();
  const lease = new RunLease(engine, 'r', 1, true);
  pass(99);
  expect([lease.keep(), lease.prove(), asked]).toEqual([true, true, []]);
  pass(1);
  expect([lease.prove(), asked]).toEqual([true, []]);
  expect([lease.keep(), asked]).toEqual([true, ['renew']]);
  pass(149);
  expect([lease.prove(), asked.length]).toEqual([true, 1]);
  pass(1);
  expect([lease.prove(), asked.length]).toEqual([true, 2]);
});

it('that was lost is told so, each time', () => {
  const { engine, pass } = stage(false);
  const lease = new RunLease(engine, 'r', 1, true);
  pass(150);
  expect([lease.keep(), lease.prove()]).toEqual([false, false]);
});

it('that there is not yet is neither renewed nor given back', () => {
  const { engine, asked, pass } = stage();
  const lease = new RunLease(engine, 'r', 1, false);
  pass(1000);
  expect([lease.keep(), lease.prove()]).toEqual([true, true]);
  lease.release({ status: 'replayed', reached: 'head', asks: null });
  expect(asked).toEqual([]);
  lease.proven();
  pass(1000);
  expect([lease.keep(), asked]).toEqual([true, ['renew']]);
});

it.each([
  ['rested', { status: 'rested', rest: { wakeAt: 5 } }, ['release {"wakeAt":5}']],
  [
    'stopped',
    { status: 'left', error: new RuntimeError('STOPPED', 'm'), rest: 'none of its own' },
    ['release undefined'],
  ],
  [
    'in trouble',
    { status: 'left', error: new RangeError('m') },
    ['set back {"runId":"r","epoch":1} error: m'],
  ],
  ['followed', { status: 'continued', next: {} }, []],
  ['over', { status: 'ended', event: { type: 'RunCancelled', reason: 'r' } }, []],
])('a run that is %s gives it back once, with how it was left', (_, exit, expected) => {
  const { engine, asked } = stage();
  const lease = new RunLease(engine, 'r', 1, true);
  lease.release(exit as never);
  lease.release(exit as never);
  expect(asked.map((each) => each.replace('RangeError: ', ''))).toEqual(expected);
});
