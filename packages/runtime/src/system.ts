import { hash, randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { ulid } from 'ulid';
import type { Clock } from './ports/clock.ts';
import type { Digest } from './journal/digest.ts';
import type { Entropy } from './ports/entropy.ts';

/** The longest delay that Node's timers take; more would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    const end = performance.now() + delayMs;
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const left = Math.max(0, end - performance.now());
      timer = setTimeout(
        () => {
          // Node may fire up to a millisecond early.
          if (performance.now() < end) arm();
          else callback();
        },
        Math.min(MAX_TIMEOUT_MS, Math.ceil(left)),
      );
    };
    arm();
    return () => clearTimeout(timer);
  },
};

export const systemEntropy: Entropy = {
  ulid: () => ulid().toLowerCase(),
  token: () => randomBytes(16).toString('hex'),
  random: () => Math.random(),
};

export const sha256: Digest = (text) => hash('sha256', text, 'hex');
