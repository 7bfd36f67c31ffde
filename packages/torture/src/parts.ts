import { crashStates } from './crash/crash-states.ts';
import type { Part } from './part.ts';
import { faultSweep } from './sweep/fault-sweep.ts';

/** In the order of their worth. */
export const PARTS: readonly Part[] = [crashStates, faultSweep];
