/** One who wants a part of something. */
export interface Claimant {
  /** How much it could use. */
  readonly demand: number;
  /** Above 0. */
  readonly weight: number;
}

/**
 * Weighted max-min fair shares: nobody gets more than it wants, what is left goes to the others by their
 * weights, and nobody could get more without another, who has no more for its weight, getting less.
 */
export function fairShares(limit: number, claimants: readonly Claimant[]): number[] {
  const shares = claimants.map(() => 0);
  if (limit === Infinity) return claimants.map(({ demand }) => demand);
  // Those that want the least for their weight are content first.
  const order = claimants
    .map(({ demand, weight }, index) => ({ index, demand, weight, want: demand / weight }))
    .toSorted((a, b) => a.want - b.want);
  let left = Math.max(0, limit);
  let weights = order.reduce((sum, { weight }) => sum + weight, 0);
  for (const { index, demand, weight } of order) {
    const share = Math.min(demand, (left * weight) / weights);
    shares[index] = share;
    left = Math.max(0, left - share);
    weights -= weight;
  }
  return shares;
}

/** One who wants a part, by resource, and can use it only in pieces. */
export interface UnitClaimant {
  readonly demand: ReadonlyMap<string, number>;
  /** Of its next piece; what it does not name it does not need. */
  readonly unit: ReadonlyMap<string, number>;
  readonly weight: number;
  /** Who was served longest ago gets what is left over. */
  readonly servedAt: number;
}

const SLACK = 1e-9;

/** Pieces of a fair share that are given at once where there are many; the last ones are given one by one. */
const LAST_PIECES = 8;

/**
 * Fair shares in whole pieces: a part of a piece starts nothing, and two who held half of what each needs
 * would wait for each other for ever. Who has least for its weight is given its next piece, and of equals
 * who was served longest ago; so one whose piece is larger than what is fair gets it all the same, in turn.
 */
export function sharesInUnits(
  limits: ReadonlyMap<string, number>,
  claimants: readonly UnitClaimant[],
): ReadonlyMap<string, number>[] {
  const takers = claimants.map((claimant): Taker => ({ ...claimant, share: new Map(), has: 0 }));
  const left = new Map(limits);
  for (const [index, pieces] of manyPieces(limits, claimants).entries())
    give(takers[index], pieces, left, limits);
  // A heap would do less; takers are programs, of which there are few.
  const wanting = new Set(takers);
  for (let next = leastServed(wanting); next !== undefined; next = leastServed(wanting)) {
    if (fitsIn(next, left)) give(next, 1, left, limits);
    else wanting.delete(next);
  }
  return takers.map(({ share }) => share);
}

interface Taker extends UnitClaimant {
  readonly share: Map<string, number>;
  /** The largest share of a limit, for its weight. */
  has: number;
}

function leastServed(takers: ReadonlySet<Taker>): Taker | undefined {
  let least: Taker | undefined;
  for (const taker of takers) {
    const isLess = least === undefined || taker.has < least.has - SLACK;
    if (isLess || (taker.has < (least?.has ?? 0) + SLACK && taker.servedAt < (least?.servedAt ?? 0)))
      least = taker;
  }
  return least;
}

function fitsIn({ demand, unit, share }: Taker, left: ReadonlyMap<string, number>): boolean {
  let isLimited = false;
  for (const [resource, amount] of unit) {
    const rest = left.get(resource);
    if (rest === undefined) continue;
    isLimited = true;
    // What is lost in the sum would be given for ever.
    if (amount <= SLACK || (share.get(resource) ?? 0) + amount === share.get(resource)) return false;
    const wanted = (demand.get(resource) ?? 0) - (share.get(resource) ?? 0);
    if (rest + SLACK < amount || wanted + SLACK < amount) return false;
  }
  return isLimited;
}

function give(
  taker: Taker | undefined,
  pieces: number,
  left: Map<string, number>,
  limits: ReadonlyMap<string, number>,
): void {
  if (taker === undefined || pieces === 0) return;
  for (const [resource, amount] of taker.unit) {
    const limit = limits.get(resource);
    if (limit === undefined) continue;
    const share = (taker.share.get(resource) ?? 0) + pieces * amount;
    taker.share.set(resource, share);
    left.set(resource, (left.get(resource) ?? 0) - pieces * amount);
    taker.has = Math.max(taker.has, share / limit / taker.weight);
  }
}

/** All but the last of the pieces that everybody's fair share holds: there may be a great many. */
function manyPieces(limits: ReadonlyMap<string, number>, claimants: readonly UnitClaimant[]): number[] {
  const pieces = claimants.map(() => Infinity);
  for (const [resource, limit] of limits) {
    const shares = fairShares(
      limit,
      claimants.map(({ demand, weight }) => ({ demand: demand.get(resource) ?? 0, weight })),
    );
    for (const [index, { unit }] of claimants.entries()) {
      const amount = unit.get(resource);
      if (amount !== undefined && amount > SLACK)
        pieces[index] = Math.min(pieces[index] ?? 0, (shares[index] ?? 0) / amount);
    }
  }
  return pieces.map((count) =>
    count === Infinity ? 0 : Math.max(0, Math.floor(count + SLACK) - LAST_PIECES),
  );
}
