import type { CallKey } from '../journal/call-key.ts';
import type { Recorded } from '../journal/event.ts';

/** What a run has asked people by breakpoints, decided or not. */
export interface AskedQuestions {
  /** The oldest first. */
  readonly list: readonly { readonly key: CallKey; readonly title: string }[];
  /** Rows of the journal were removed: there may have been more. */
  readonly isCut: boolean;
}

export function askedQuestions(events: Iterable<Recorded>): AskedQuestions {
  const list: { key: CallKey; title: string }[] = [];
  let isCut = false;
  for (const { event } of events) {
    if (event.type === 'Compacted') isCut = true;
    if (event.type === 'BreakpointOpened') list.push({ key: event.key, title: event.title });
  }
  return { list, isCut };
}
