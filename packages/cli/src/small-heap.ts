import { setFlagsFromString } from 'node:v8';

/**
 * Keeps the young part of the heap at the size that it starts with. Node lets it grow with the machine's memory, and
 * never gives it back: a fold over a million items took 235 MB instead of 130, and not less time.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
