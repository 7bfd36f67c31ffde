import { chaos } from './chaos/chaos.ts';
import { clockJumps } from './clocks/clock-jumps.ts';
import { crashStates } from './crash/crash-states.ts';
import { crowds } from './crowds/crowds.ts';
import type { Part } from './part.ts';
import { upgrades } from './upgrades/upgrades.ts';
import { dataFaults } from './data/data-faults.ts';
import { hostileJournals } from './data/hostile-journals.ts';
import { kills } from './kills/kills.ts';
import { powerCuts } from './power/power-cuts.ts';
import { SUITES } from './suites.ts';
import { faultSweep } from './sweep/fault-sweep.ts';

/** In the order of their worth. */
export const PARTS: readonly Part[] = [
  crashStates,
  faultSweep,
  upgrades,
  dataFaults,
  hostileJournals,
  kills,
  crowds,
  powerCuts,
  clockJumps,
  chaos,
  ...SUITES,
];
