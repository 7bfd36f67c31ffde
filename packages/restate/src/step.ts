import type { Millis } from '@pawl/runtime';
import type { Burst } from '@pawl/runtime/elsewhere';
import type { ErrorRecord, OpenWait } from '@pawl/runtime';

/** What the driver of a run did, as Restate keeps it: an entry of the invocation's journal. */
export type Step =
  /** Events of the run and its sub-runs. */
  | {
      readonly type: 'burst';
      readonly burst: Burst;
      /** All of them have ended. */
      readonly isOver: boolean;
      /** What they wait for from outside, where that has changed. */
      readonly waits?: readonly OpenWait[];
    }
  /** Nothing goes on before that time, or before a message comes. */
  | { readonly type: 'rest'; readonly at: Millis; readonly wakeAt: Millis }
  /** Work goes on: Restate gives up invocations of which it hears nothing. */
  | { readonly type: 'pulse' }
  /** The run was not started. */
  | { readonly type: 'refused'; readonly error: ErrorRecord };

/** One entry: a step, or a piece of the text of one that is too large for a message. */
export type Entry =
  | { readonly step: Step }
  /** From 0: a new first piece takes the place of what a program left behind that died between two pieces. */
  | { readonly piece: number; readonly text: string; readonly isLast: boolean };

/** Restate takes 32 MiB a message, in bytes; a character of JSON is at most 3 of them, and escaping doubles quotes. */
const LONGEST_CHARS = 4 * 1024 * 1024;

/** @returns at least one */
export function entriesOf(step: Step): Entry[] {
  const text = JSON.stringify(step);
  if (text.length <= LONGEST_CHARS) return [{ step }];
  const count = Math.ceil(text.length / LONGEST_CHARS);
  return Array.from({ length: count }, (_, piece) => ({
    piece,
    text: text.slice(piece * LONGEST_CHARS, (piece + 1) * LONGEST_CHARS),
    isLast: piece === count - 1,
  }));
}

/** Puts steps together again. Owns the pieces of the one that is not whole yet. */
export class StepReader {
  #pieces: string[] = [];

  /** Undefined where more of it follows. */
  read(entry: Entry): Step | undefined {
    if ('step' in entry) {
      this.#pieces = [];
      return entry.step;
    }
    if (entry.piece === 0) this.#pieces = [];
    this.#pieces.push(entry.text);
    if (!entry.isLast) return undefined;
    // It was made by `entriesOf`.
    const step = JSON.parse(this.#pieces.join('')) as Step;
    this.#pieces = [];
    return step;
  }
}
