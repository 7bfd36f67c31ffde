import type { Pool, Ticket } from './pool.ts';
import type { SharedPools } from './shared-pools.ts';

/**
 * Uses up the rates of what was picked; who returns was counted when it started.
 * @returns what other programs were faster with, in the order in which it was picked
 */
export function takeStarts(picked: readonly Ticket[], shared: SharedPools): readonly Ticket[] {
  const wanted = wantedOf(picked);
  if (wanted === undefined) return [];
  const over = new Map(
    [...shared.takeStarts(wanted)].map(([pool, taken]) => [pool, (wanted.get(pool) ?? 0) - taken]),
  );
  return picked
    .toReversed()
    .filter((ticket) => isOver(ticket, over))
    .toReversed();
}

/** Starts by pool with a rate; undefined where none has one. */
function wantedOf(picked: readonly Ticket[]): ReadonlyMap<Pool, number> | undefined {
  let wanted: Map<Pool, number> | undefined;
  for (const { pool, returns } of picked) {
    if (returns) continue;
    for (let level: Pool | undefined = pool; level !== undefined; level = level.parent) {
      if (level.plan.rate === null) continue;
      wanted ??= new Map();
      wanted.set(level, (wanted.get(level) ?? 0) + 1);
    }
  }
  return wanted;
}

function isOver({ pool, returns }: Ticket, over: Map<Pool, number>): boolean {
  if (returns) return false;
  let found = false;
  for (let level: Pool | undefined = pool; level !== undefined; level = level.parent)
    found ||= (over.get(level) ?? 0) > 0;
  if (!found) return false;
  for (let level: Pool | undefined = pool; level !== undefined; level = level.parent)
    if (over.has(level)) over.set(level, (over.get(level) ?? 0) - 1);
  return true;
}
