import { defineProcess, type ProcessDefinition } from '@pawl/sdk';

import { input, process } from './converge.ts';
import digest from './digest.ts';
import fanOut from './fan-out.ts';
import licenseAudit from './license-audit.ts';
import qualityGate from './quality-gate.ts';

/** Those whose journals are kept in journal-fixtures/. */
export type RecordedExample = 'converge' | 'license-audit' | 'quality-gate';
export type Example = RecordedExample | 'digest' | 'fan-out';

/** The processes of this folder, as the CLI loads them. */
export const RECORDED_EXAMPLES: { readonly [Name in RecordedExample]: ProcessDefinition } = {
  converge: defineProcess({ name: 'converge', input, run: process }),
  'license-audit': licenseAudit,
  'quality-gate': qualityGate,
};

export const EXAMPLES: { readonly [Name in Example]: ProcessDefinition } = {
  ...RECORDED_EXAMPLES,
  digest,
  'fan-out': fanOut,
};
