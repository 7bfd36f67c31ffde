import { expect, test } from 'vitest';

import { patientClock } from './patient-clock.ts';

/** A clock of which the timers ring only when the program runs: while a debugger holds it, only time passes. */
function heldClock(): {
  readonly clock: Parameters<typeof patientClock>[0];
  hold(ms: number): void;
  run(ms: number): void;
} {
  let at = 0;
  let timers: { readonly due: number; readonly callback: () => void }[] = [];
  const ring = (): void => {
    const due = timers.filter((timer) => timer.due <= at);
    timers = timers.filter((timer) => timer.due > at);
    for (const { callback } of due) callback();
  };
  return {
    clock: {
      now: () => at,
      monotonic: () => at,
      after: (delayMs, callback) => {
        const timer = { due: at + delayMs, callback };
        timers.push(timer);
        return () => (timers = timers.filter((other) => other !== timer));
      },
    },
    hold: (ms) => (at += ms),
    run: (ms) => {
      for (const end = at + ms; at < end; at += 50) ring();
      ring();
    },
  };
}

test('time passes as it does while the program runs, and not while a debugger holds it', () => {
  const { clock, hold, run } = heldClock();
  const patient = patientClock(clock);
  let rung = 0;
  patient.after(30_000, () => (rung += 1), 'stall');
  run(10_000);
  expect(patient.monotonic()).toBe(10_000);
  hold(3_600_000);
  run(15_000);
  expect(patient.monotonic()).toBeLessThanOrEqual(26_000);
  expect(rung).toBe(0);
  run(6000);
  expect(rung).toBe(1);
});

test('a timer that is cancelled does not ring', () => {
  const { clock, run } = heldClock();
  const patient = patientClock(clock);
  let rung = false;
  const cancel = patient.after(600, () => (rung = true));
  run(250);
  cancel();
  run(1000);
  expect(rung).toBe(false);
});
