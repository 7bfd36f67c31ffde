import { hash } from 'node:crypto';

import type { Digest } from '../journal/digest.ts';

/** One call instead of a hash object: a third of the time for a text of a few hundred bytes. */
export const sha256: Digest = (text) => hash('sha256', text, 'hex');
