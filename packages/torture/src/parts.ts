import { crashStates } from './crash/crash-states.ts';
import type { Part } from './part.ts';
import { dataFaults } from './data/data-faults.ts';
import { hostileJournals } from './data/hostile-journals.ts';
import { kills } from './kills/kills.ts';
import { SUITES } from './suites.ts';
import { faultSweep } from './sweep/fault-sweep.ts';

/** In the order of their worth. */
export const PARTS: readonly Part[] = [
  crashStates,
  faultSweep,
  dataFaults,
  hostileJournals,
  kills,
  ...SUITES,
];
