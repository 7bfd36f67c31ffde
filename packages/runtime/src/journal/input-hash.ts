import { identityText } from './canonical.ts';
import type { Digest } from './digest.ts';
import type { Encoded } from './event.ts';

/** A text up to this length stands for itself: to tell it apart costs no digest and no room. */
const LONGEST_PLAIN = 24;

/** Stands for an input when it is compared: `=` and its identity text where that is short, else 128 bits of its digest. */
export function inputHashOf(digest: Digest, text: string): string {
  return text.length <= LONGEST_PLAIN ? `=${text}` : digest(text).slice(0, 32);
}

/** The hash of an input that stands for itself; undefined for any other, also for one that no program wrote. */
export function plainInputHash(args: Encoded): string | undefined {
  try {
    const text = identityText(args);
    return text.length <= LONGEST_PLAIN ? `=${text}` : undefined;
  } catch {
    return undefined;
  }
}
