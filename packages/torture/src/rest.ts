/** What the tests leave out of the short tier: piece by piece, one for each processor, as far as the time goes. */
import { sharedRounds, type Part } from './part.ts';

/** As large as what the tests do by themselves, of another seed. */
export interface Piece {
  readonly part: string;
  readonly seed: number;
  readonly rounds: number;
  /** The budget of the whole short tier: what takes longer than that does not end. */
  readonly mostSeconds: number;
}

/** How far the short tier of a part came, with what the tests do. */
export interface Reached {
  readonly part: string;
  readonly done: number;
  readonly of: number;
  /** In pieces that found something. */
  readonly failed: number;
}

/** Behind those that the tests draw from. */
const FIRST_SEED = 9;

/** Parts of which the tests do a share only, and that this machine can do. */
export function partsLeft(parts: readonly Part[]): readonly Part[] {
  return parts.filter((part) => sharedRounds(part) < part.rounds.ci && part.impossible?.() === undefined);
}

/** A piece of each part, then the second of each: where time runs out, it does so for all alike. */
export function piecesOf(parts: readonly Part[]): readonly Piece[] {
  const lists = parts.map(piecesOfPart);
  const most = Math.max(0, ...lists.map((list) => list.length));
  return Array.from({ length: most }, (_, index) => lists.flatMap((list) => list[index] ?? [])).flat();
}

function piecesOfPart(part: Part): readonly Piece[] {
  const size = sharedRounds(part);
  const rest = part.rounds.ci - size;
  return Array.from({ length: Math.ceil(rest / size) }, (_, index) => ({
    part: part.name,
    seed: FIRST_SEED + index,
    rounds: Math.min(size, rest - index * size),
    mostSeconds: part.budgetSeconds.ci,
  }));
}

interface Work {
  /** Pieces that are worked on at once. */
  readonly lanes: number;
  /** Asked before a piece is begun; one that was begun goes on to its end. */
  readonly isTimeUp: () => boolean;
  /** @returns whether nothing was found */
  readonly run: (piece: Piece) => Promise<boolean>;
}

/** @param parts those of `partsLeft` */
export async function workOn(
  parts: readonly Part[],
  { lanes, isTimeUp, run }: Work,
): Promise<readonly Reached[]> {
  const left = [...piecesOf(parts)];
  const reached = new Map(
    parts.map((part) => [part.name, { done: sharedRounds(part), of: part.rounds.ci, failed: 0 }]),
  );
  const lane = async (): Promise<void> => {
    while (!isTimeUp()) {
      const piece = left.shift();
      if (piece === undefined) return;
      // oxlint-disable-next-line no-await-in-loop
      const isSound = await run(piece);
      const own = reached.get(piece.part);
      if (own === undefined) continue;
      own.done += piece.rounds;
      if (!isSound) own.failed += 1;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return [...reached].map(([part, how]) => ({ part, ...how }));
}

/** For people, a line each. */
export function reachedOf(reached: readonly Reached[]): string {
  return [
    'the short tier, with what the tests did:',
    ...reached.map(({ part, done, of, failed }) => {
      const upTo = done < of ? ' (the time was up)' : '';
      const found = failed === 0 ? 'nothing violated' : `${failed} of its pieces FAILED`;
      return `  ${part.padEnd(16)}  ${done} of ${of} rounds${upTo}, ${found}`;
    }),
  ].join('\n');
}
