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

/**
 * Fair shares in whole pieces: a part of a piece starts nothing, and two who held half of what each needs
 * would wait for each other for ever.
 */
export function sharesInUnits(
  limits: ReadonlyMap<string, number>,
  claimants: readonly UnitClaimant[],
): ReadonlyMap<string, number>[] {
  const resources = [...limits.keys()];
  const fair = new Map(
    resources.map((resource) => [
      resource,
      fairShares(
        limits.get(resource) ?? 0,
        claimants.map(({ demand, weight }) => ({ demand: demand.get(resource) ?? 0, weight })),
      ),
    ]),
  );
  const left = new Map(limits);
  const shares = claimants.map(({ unit, demand }, index) => {
    const pieces = piecesIn(unit, (resource) => fair.get(resource)?.[index]);
    return new Map(
      resources.map((resource) => {
        // Of a resource that its next piece does not take it keeps what it is fair to have.
        const share = unit.has(resource)
          ? Math.min(demand.get(resource) ?? 0, pieces * (unit.get(resource) ?? 0))
          : (fair.get(resource)?.[index] ?? 0);
        left.set(resource, (left.get(resource) ?? 0) - share);
        return [resource, share];
      }),
    );
  });
  giveRest(claimants, shares, left);
  return shares;
}

function piecesIn(
  unit: ReadonlyMap<string, number>,
  shareOf: (resource: string) => number | undefined,
): number {
  let pieces = Infinity;
  for (const [resource, amount] of unit) {
    const share = shareOf(resource);
    if (share !== undefined) pieces = Math.min(pieces, Math.floor(share / amount + SLACK));
  }
  return pieces;
}

/** One piece each, who was served longest ago first, as long as a piece is left for anybody. */
function giveRest(
  claimants: readonly UnitClaimant[],
  shares: readonly Map<string, number>[],
  left: Map<string, number>,
): void {
  const order = claimants.map((_, index) => index);
  order.sort((a, b) => (claimants[a]?.servedAt ?? 0) - (claimants[b]?.servedAt ?? 0) || a - b);
  for (let given = true; given;) {
    given = false;
    for (const index of order) {
      const { demand, unit } = claimants[index] as UnitClaimant;
      const share = shares[index] as Map<string, number>;
      const fits = [...unit].every(([resource, amount]) => {
        const rest = left.get(resource);
        const has = share.get(resource) ?? 0;
        return (
          rest === undefined ||
          (rest + SLACK >= amount && (demand.get(resource) ?? 0) + SLACK >= has + amount)
        );
      });
      if (!fits || ![...unit.keys()].some((resource) => left.has(resource))) continue;
      for (const [resource, amount] of unit) {
        if (!left.has(resource)) continue;
        left.set(resource, (left.get(resource) ?? 0) - amount);
        share.set(resource, (share.get(resource) ?? 0) + amount);
      }
      given = true;
    }
  }
}
