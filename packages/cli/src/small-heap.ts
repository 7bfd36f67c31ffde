import { setFlagsFromString } from 'node:v8';

/**
 * Keeps the heap near what is alive in it. Node lets its young part grow with the machine's memory and never gives it
 * back, and lets four times what is alive pile up in the old part before it looks what can go: a fold over a million
 * items took 235 MB instead of 130, and not less time.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=100');
}
