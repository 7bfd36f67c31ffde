import type { Clock } from '../ports/clock.ts';

/** Between two looks at it. */
const LOOK_MS = 250;
/** A longer time between two looks is one in which nothing could run. */
const LONGEST_MS = 1000;

/**
 * A clock for code that somebody looks at: while a debugger holds the program, its monotonic time stands still, so
 * that no bound is passed meanwhile.
 */
export function patientClock(clock: Clock): Clock {
  let last = clock.monotonic();
  let passed = 0;
  const monotonic = (): number => {
    const at = clock.monotonic();
    passed += Math.min(at - last, LONGEST_MS);
    last = at;
    return passed;
  };
  return {
    now: () => clock.now(),
    monotonic,
    after: (delayMs, callback, kind) => {
      const due = monotonic() + delayMs;
      const look = (): void => {
        const left = due - monotonic();
        if (left <= 0) callback();
        else cancel = clock.after(Math.min(left, LOOK_MS), look, kind);
      };
      let cancel = clock.after(Math.min(delayMs, LOOK_MS), look, kind);
      return () => cancel();
    },
  };
}
