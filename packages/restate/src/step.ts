import type { ErrorRecord, Millis, OpenTask, OpenWait } from '@pawl/runtime';
import type { Burst } from '@pawl/runtime/elsewhere';

/** What a run and its sub-runs wait for from outside: people, messages, and work that others do. */
export interface Shown {
  readonly waits: readonly OpenWait[];
  readonly tasks: readonly OpenTask[];
}

/** It is one value of the workflow's state, of which Restate takes 32 MiB, and sends it along with each call. */
const MOST_SHOWN_BYTES = 8 * 1024 * 1024;

/**
 * As much of it as Restate may have, the oldest first; one that finds no room is looked at again when something was
 * answered. What is lost is that `waits()` and `tasks()` of a client show it: it can be answered all the same, and whoever
 * reads journals, as `pawl` does, sees it.
 */
export function boundedShown({ waits, tasks }: Shown): Shown {
  let room = MOST_SHOWN_BYTES;
  const fits = (each: OpenWait | OpenTask): boolean => {
    const bytes = Buffer.byteLength(JSON.stringify(each));
    if (bytes > room) return false;
    room -= bytes;
    return true;
  };
  return { waits: waits.filter(fits), tasks: tasks.filter(fits) };
}

/** What the driver of a run did, as Restate keeps it. */
export type Step =
  /** Events of the run and its sub-runs. */
  | {
      readonly type: 'burst';
      /** All of them have ended; left out where they have not. */
      readonly isOver?: boolean;
      /** What they wait for from outside, where that has changed. */
      readonly shown?: Shown;
      readonly burst: Burst;
    }
  /** Nothing goes on before that time, or before a message comes. */
  | { readonly type: 'rest'; readonly at: Millis; readonly wakeAt: Millis }
  /** A message is there: it is taken behind this. */
  | { readonly type: 'mail' }
  /** Work goes on: Restate gives up invocations of which it hears nothing. */
  | { readonly type: 'pulse' }
  /** The run was not started. */
  | { readonly type: 'refused'; readonly error: ErrorRecord };

/**
 * One entry of an invocation's journal, in bytes: the JSON of a step, or a piece of it where it is too large for one
 * message, behind `<its number>/<how many>:`. A first piece takes the place of what a program left behind that died between two.
 */
export type Entry = Uint8Array<ArrayBuffer>;

/** Restate takes messages of 32 MiB, and compacts journals the better the smaller they are. */
const LONGEST_BYTES = 8 * 1024 * 1024;
const BRACE = '{'.codePointAt(0);
const HEAD = /^(\d+)\/(\d+):/;
const LONGEST_HEAD = 32;

const decoder = new TextDecoder();

/** @param burst JSON that is not to be made again */
export function burstText(burst: string, isOver: boolean, shown: Shown | undefined): string {
  const news = shown === undefined ? '' : `,"shown":${JSON.stringify(shown)}`;
  return `{"type":"burst"${isOver ? ',"isOver":true' : ''}${news},"burst":${burst}}`;
}

/** @param step its JSON. @returns at least one */
export function entriesOf(step: string): Entry[] {
  // A quarter of the time of a TextEncoder.
  const bytes = Buffer.from(step);
  if (bytes.length <= LONGEST_BYTES) return [bytes];
  const count = Math.ceil(bytes.length / LONGEST_BYTES);
  return Array.from({ length: count }, (_, piece) => {
    const head = Buffer.from(`${piece}/${count}:`);
    const part = bytes.subarray(piece * LONGEST_BYTES, (piece + 1) * LONGEST_BYTES);
    const entry = new Uint8Array(head.length + part.length);
    entry.set(head);
    entry.set(part, head.length);
    return entry;
  });
}

/** Puts steps together again. Owns the pieces of the one that is not whole yet. */
export class StepReader {
  #pieces: Uint8Array[] = [];

  /** Undefined where more of it follows. */
  read(entry: Uint8Array): Step | undefined {
    if (entry[0] === BRACE) {
      this.#pieces = [];
      return parsed([entry]);
    }
    const head = HEAD.exec(decoder.decode(entry.subarray(0, LONGEST_HEAD)));
    const [whole = '', piece, count] = head ?? [];
    if (Number(piece) === 0) this.#pieces = [];
    this.#pieces.push(entry.subarray(whole.length));
    if (this.#pieces.length < Number(count)) return undefined;
    const step = parsed(this.#pieces);
    this.#pieces = [];
    return step;
  }
}

/** It was made by `entriesOf`. */
function parsed(pieces: readonly Uint8Array[]): Step {
  return JSON.parse(pieces.length === 1 ? decoder.decode(pieces[0]) : decoder.decode(joined(pieces))) as Step;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
