/** What runs say of themselves, as stores keep it. */
import { canonical } from '../journal/canonical.ts';
import type { Encoded, Recorded } from '../journal/event.ts';
import type { RunId, Seq } from '../journal/ids.ts';
import type { StateSet } from '../journal/value-event.ts';
import type { RunQuery } from '../ports/journal-store.ts';
import { corrupt } from './damage.ts';
import { keptJson } from './kept-json.ts';

/** JSON texts by name; null: it was taken away. */
export type StateTexts = ReadonlyMap<string, string | null>;

/** Longer values are kept, and not looked for. */
export const MAX_SOUGHT = 200;

const TAKEN_AWAY = canonical({ $pawl: 'undefined' });

export function stateText({ value }: StateSet): string | null {
  const text = canonical(value);
  return text === TAKEN_AWAY ? null : text;
}

/** @throws RuntimeError CORRUPT */
export function statesOf(
  runId: RunId,
  texts: Iterable<readonly [string, string | null]>,
): Readonly<Record<string, Encoded>> {
  const known = [...texts].flatMap(([name, text]) => {
    if (text === null) return [];
    const value = keptJson(text);
    if (value === undefined) throw corrupt(runId, 0, `its state '${name}' is no JSON`);
    return [[name, value] as const];
  });
  return Object.fromEntries(known);
}

/** What is looked for: texts that each name may have. */
export function soughtTexts({ where = {} }: RunQuery): readonly (readonly [string, readonly string[]])[] {
  return Object.entries(where).map(([name, values]) => [
    name,
    values.map((value) => canonical(value)).filter((text) => text.length <= MAX_SOUGHT),
  ]);
}

export function hasSought(texts: StateTexts, sought: ReturnType<typeof soughtTexts>): boolean {
  return sought.every(([name, values]) => values.includes(texts.get(name) ?? ''));
}

/** S3: what a store keeps of a run's state is the fold of its events, as far as they are there. */
export class StateFold {
  readonly #known = new Map<string, { readonly text: string | null; readonly seq: Seq }>();
  #lastCut: Seq = 0;

  add({ seq, event }: Recorded): void {
    if (event.type === 'StateSet') this.#known.set(event.name, { text: stateText(event), seq });
    // Rows that told of a later value may have been removed.
    if (event.type === 'Compacted') this.#lastCut = seq;
  }

  problem(kept: StateTexts): string | undefined {
    for (const [name, { text, seq }] of this.#known) {
      const is = kept.get(name);
      if (is === undefined || (seq > this.#lastCut && is !== text))
        return `its state '${name}' is ${is ?? 'nothing'}, its events give ${text ?? 'nothing'}`;
    }
    for (const name of kept.keys())
      if (this.#lastCut === 0 && !this.#known.has(name)) return `no event sets its state '${name}'`;
    return undefined;
  }
}
