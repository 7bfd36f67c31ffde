import type { Entropy } from '../ports/entropy.ts';

/** The same sequence for the same seed (mulberry32). */
export function seededEntropy(seed: number): Entropy {
  let state = seed >>> 0;
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const word = (): string =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  let count = 0;
  return {
    random,
    token: () => word() + word() + word() + word(),
    ulid: () => {
      count += 1;
      return `${word()}${count.toString(32).padStart(18, '0')}`;
    },
  };
}
