import { defineProcess, type ProcessDefinition } from '@pawl/sdk';

import { input, process } from './converge.ts';
import licenseAudit from './license-audit.ts';
import qualityGate from './quality-gate.ts';

export type Example = 'converge' | 'license-audit' | 'quality-gate';

/** The processes of this folder, as the CLI loads them. */
export const EXAMPLES: { readonly [Name in Example]: ProcessDefinition } = {
  converge: defineProcess({ name: 'converge', input, run: process }),
  'license-audit': licenseAudit,
  'quality-gate': qualityGate,
};
