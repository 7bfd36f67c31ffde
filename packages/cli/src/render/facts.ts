import { columnsOf, padEnd, wrap } from './columns.ts';
import type { Theme } from './theme.ts';

/** A label and what is to be said, and in which colour. */
export type Fact = readonly [label: string, text: string, paint?: keyof Theme];

/**
 * Labels in one column, texts in the next, wrapped.
 * @param least columns of the labels, where others stand above or below them
 */
export function renderFacts(facts: readonly Fact[], width: number, theme: Theme, least = 0): string[] {
  const label = Math.max(least, ...facts.map(([name]) => columnsOf(name)));
  const room = Math.max(12, width - label - 4);
  return facts.flatMap(([name, text, paint]) => {
    const lines = wrap(text, room);
    const [first = '', ...rest] = paint === undefined ? lines : lines.map((line) => theme[paint](line));
    return [
      `  ${theme.dim(padEnd(name, label))}  ${first}`,
      ...rest.map((line) => `  ${' '.repeat(label)}  ${line}`),
    ];
  });
}
