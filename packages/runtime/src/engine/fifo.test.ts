import { expect, test } from 'vitest';

import { seededEntropy } from '../testing/seeded-entropy.ts';
import { Fifo } from './fifo.ts';

test('gives what it was given, in that order, whatever the mix', () => {
  const { random } = seededEntropy(1);
  const fifo = new Fifo<number>();
  const model: number[] = [];
  for (let i = 0; i < 50_000; i += 1) {
    // Grows in the first half, shrinks in the second.
    if (random() < (i < 25_000 ? 0.7 : 0.3)) {
      fifo.push(i);
      model.push(i);
    } else {
      expect(fifo.shift()).toBe(model.shift());
    }
    expect(fifo.length).toBe(model.length);
  }
  while (model.length > 0) expect(fifo.shift()).toBe(model.shift());
  expect(fifo.shift()).toBeUndefined();
  expect(fifo.length).toBe(0);
});
