/** JSON that a store keeps beside the events. Anyone may write to the file: its checksum is right where somebody made it. */
import type { Encoded } from '../journal/event.ts';

/** Undefined: it is none. */
export function keptJson(text: string): Encoded | undefined {
  try {
    return JSON.parse(text) as Encoded;
  } catch {
    return undefined;
  }
}
