/** What the server says of two runs beside each other. */
import type { RunLine } from './api.ts';

export interface DiffCall {
  readonly seq: number;
  readonly kind: string;
  readonly name: string;
  readonly input: string;
  readonly output: string | null;
  readonly status: string;
  readonly error: string | null;
  readonly attempts: number;
  readonly openedAt: string;
  readonly endedAt: string | null;
}

export interface Difference {
  readonly key: string;
  readonly in: 'a' | 'b' | 'both';
  readonly aspects: readonly string[];
  readonly a: DiffCall | null;
  readonly b: DiffCall | null;
}

export interface Comparison {
  readonly runA: RunLine;
  readonly runB: RunLine;
  readonly diff: {
    readonly same: boolean;
    readonly calls: Readonly<Record<'same' | 'different' | 'onlyA' | 'onlyB', number>>;
    readonly first: Difference | null;
    readonly differences: readonly Difference[];
    readonly hasMore: boolean;
    readonly durations: readonly {
      readonly key: string;
      readonly name: string;
      readonly aMs: number;
      readonly bMs: number;
    }[];
    readonly cut: boolean;
  };
  /** Events of each that were compared; null: all of them. */
  readonly comparedTo: number | null;
}
