/** How long the torture by those who mean harm is, and which: another seed draws other rounds. */
import { env } from 'node:process';

import { seededEntropy } from '@pawl/runtime/testing';

const ROUNDS_A_SEED = 1_000_003;

/** The one round to do again, or undefined. */
const only = env['PAWL_TORTURE_AT'] === undefined ? undefined : Number(env['PAWL_TORTURE_AT']);
const seed = Number(env['PAWL_TORTURE_SEED'] ?? 1);

/** @param usual how many without a torture that says otherwise */
export function roundCount(usual: number): number {
  return Number(env['PAWL_TORTURE_ROUNDS'] ?? usual);
}

/** Of a round alone nothing is to be counted. */
export const isOneRound: boolean = only !== undefined;

export function isAsked(round: number): boolean {
  return only === undefined || only === round;
}

/** @param base its own for each kind of round */
export function drawing(base: number, round: number): () => number {
  return seededEntropy(base + (seed - 1) * ROUNDS_A_SEED + round).random;
}
