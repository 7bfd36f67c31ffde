/** What a program leases of the pools that it shares with others: pure, and the same for all of them. */
import type { Millis } from '../../journal/ids.ts';
import type {
  PoolDeclaration,
  PoolLease,
  PoolRecord,
  PoolsChange,
  PoolsView,
} from '../../ports/pool-store.ts';
import { amountsOf, isSame, limitsIn, NOTHING, recordOf, within, type Amounts } from './amounts.ts';
import { sharesInUnits } from './fair-shares.ts';

const SLACK = 1e-9;
/** What cannot be shared in equal parts is had in turns of this length. */
const TURN_MS = 200;

/** What a program needs of one pool, with all that lies within it. */
export interface Need {
  readonly pool: string;
  readonly held: Amounts;
  /** `held`, and what all that wait take. */
  readonly demand: Amounts;
  /** Had a short time ago: kept while nobody else wants it. */
  readonly recent: Amounts;
  readonly unit: Amounts;
  /** Something of it has run since it was looked at last. */
  readonly wasServed: boolean;
  readonly running: number;
  readonly waiting: number;
  /** To be told to the others. */
  readonly declare: PoolDeclaration | undefined;
  /** Where nobody has declared it yet. */
  readonly byDefault: PoolDeclaration;
}

export interface Answer {
  readonly leased: Amounts;
  readonly limits: Amounts;
  readonly record: PoolRecord;
  /** It would use more, and others have it. */
  readonly isShort: boolean;
  /** It has more than its share, and others want it: what ends is given back. */
  readonly isOver: boolean;
  readonly waitingElsewhere: number;
}

export interface LeasePlan {
  readonly change: PoolsChange;
  readonly answers: ReadonlyMap<string, Answer>;
}

export interface PlanTime {
  readonly now: Millis;
  /** Leases that end before it are prolonged. */
  readonly renewBefore: Millis;
}

export function planLeases(
  view: PoolsView,
  owner: string,
  needs: readonly Need[],
  time: PlanTime,
): LeasePlan {
  const answers = new Map<string, Answer>();
  const pools: PoolRecord[] = [];
  const leases: PoolsChange['leases'][number][] = [];
  const released: string[] = [];
  const all = withNeeds(view, owner, needs, time.now);
  for (const need of needs) {
    const stored = view.pools.find(({ name }) => name === need.pool);
    const record = recordFor(need, stored);
    if (record !== stored) pools.push(record);
    const limits = amountsOf(limitsIn(record.declared.limits, record.limits));
    const mine = view.leases.find((lease) => lease.pool === need.pool && lease.owner === owner);
    const others = view.leases.filter((lease) => lease.pool === need.pool && lease.owner !== owner);
    const got = amountFor(need, limits, others, all, owner);
    const lease = leaseOf(need, limits, got, mine, time.now);
    if (need.demand.size === 0 && got.leased.size === 0) {
      if (mine !== undefined) released.push(need.pool);
    } else if (mine === undefined || !isSameLease(mine, lease) || mine.until < time.renewBefore) {
      leases.push(lease);
    }
    const waitingElsewhere = others.reduce((sum, { waiting }) => sum + waiting, 0);
    const { leased, isShort, isOver } = got;
    answers.set(need.pool, { leased, isShort, isOver, limits, record, waitingElsewhere });
  }
  return { change: { pools, leases, released }, answers };
}

function recordFor(need: Need, stored: PoolRecord | undefined): PoolRecord {
  if (stored === undefined)
    return { name: need.pool, declared: need.declare ?? need.byDefault, limits: null, rate: null };
  if (need.declare === undefined || isSameDeclaration(need.declare, stored.declared)) return stored;
  return { ...stored, declared: need.declare };
}

/**
 * All claims as they are now: what we want is not in the store yet. Whose turn it is goes by what is in
 * the store alone, which is the same for all, and by the whole tree of pools: two who each were first on
 * one level, or in their own eyes, would hold there what the other needs, for ever.
 */
function withNeeds(view: PoolsView, owner: string, needs: readonly Need[], now: Millis): readonly Claim[] {
  const isOurs = new Set(needs.map(({ pool }) => pool));
  const theirs = view.leases.filter((lease) => lease.owner !== owner || !isOurs.has(lease.pool));
  const declared = new Map<string, Pick<PoolDeclaration, 'parent' | 'weight'>>(
    view.pools.map((record) => [record.name, record.declared]),
  );
  for (const { pool, declare, byDefault } of needs)
    if (declare !== undefined || !declared.has(pool)) declared.set(pool, declare ?? byDefault);
  const turns = new Map<string, Millis>();
  const turnOf = (of: string, pool: string): string => `${of} ${rootOf(pool, declared)}`;
  for (const lease of view.leases) {
    const turn = turnOf(lease.owner, lease.pool);
    turns.set(turn, Math.max(turns.get(turn) ?? 0, lease.servedAt));
  }
  const claim = (of: string, { pool, demand, unit, running, waiting }: Wanted): Claim => ({
    pool,
    owner: of,
    parent: declared.get(pool)?.parent ?? null,
    poolWeight: declared.get(pool)?.weight ?? 1,
    demand,
    unit,
    isDirect: running + waiting > 0,
    servedAt: turns.get(turnOf(of, pool)) ?? now,
  });
  return [
    ...theirs.map((lease) =>
      claim(lease.owner, { ...lease, demand: amountsOf(lease.demand), unit: amountsOf(lease.unit) }),
    ),
    ...needs.map((need) => claim(owner, need)),
  ];
}

type Wanted = Pick<Need, 'pool' | 'demand' | 'unit' | 'running' | 'waiting'>;

function rootOf(pool: string, declared: ReadonlyMap<string, Pick<PoolDeclaration, 'parent'>>): string {
  let root = pool;
  // A ring that several programs declared together has no root: one of its pools is as good as another.
  for (let depth = 0; depth < declared.size; depth += 1) {
    const parent = declared.get(root)?.parent ?? null;
    if (parent === null) break;
    root = parent;
  }
  return root;
}

interface Claim {
  readonly pool: string;
  readonly owner: string;
  readonly parent: string | null;
  readonly poolWeight: number;
  readonly demand: Amounts;
  readonly unit: Amounts;
  /** It has calls of its own in the pool, not only in pools within it. */
  readonly isDirect: boolean;
  readonly servedAt: Millis;
}

interface Got extends Pick<Answer, 'leased' | 'isShort' | 'isOver'> {
  /** Others want more than they have. */
  readonly isWanted: boolean;
}

function amountFor(
  need: Need,
  limits: Amounts,
  others: readonly PoolLease[],
  all: readonly Claim[],
  owner: string,
): Got {
  const demand = within(need.demand, limits);
  const isWanted = others.some((other) => isUnmet(other, limits));
  const share = isWanted ? shareOf(need.pool, limits, all, owner) : limits;
  const wanted = isWanted ? demand : within(need.recent, limits);
  const may = new Map<string, number>();
  for (const [resource, limit] of limits) {
    const elsewhere = others.reduce((sum, other) => sum + (other.leased[resource] ?? 0), 0);
    const most = Math.max(demand.get(resource) ?? 0, wanted.get(resource) ?? 0);
    may.set(resource, Math.min(most, share.get(resource) ?? 0, Math.max(0, limit - elsewhere)));
  }
  // Less than a piece starts nothing here, and may be what another's piece lacks.
  const isOfUse =
    !isWanted || [...need.unit].every(([resource, amount]) => fits(resource, amount, may, need.held));
  const leased = new Map<string, number>();
  let isShort = false;
  let isOver = false;
  for (const resource of limits.keys()) {
    const held = need.held.get(resource) ?? 0;
    const amount = isOfUse ? Math.max(held, may.get(resource) ?? 0) : held;
    if (amount > 0) leased.set(resource, amount);
    isShort ||= amount < (demand.get(resource) ?? 0);
    isOver ||= isWanted && amount > (share.get(resource) ?? 0);
  }
  return { leased, isShort, isOver, isWanted };
}

function fits(resource: string, amount: number, may: Amounts, held: Amounts): boolean {
  const limit = may.get(resource);
  return limit === undefined || (held.get(resource) ?? 0) + amount <= limit + SLACK;
}

/** What is fair for this owner of the pool: pools within it that want some stand for whoever has them. */
function shareOf(pool: string, limits: Amounts, all: readonly Claim[], owner: string): Amounts {
  const claims = all
    .filter((claim) => claim.pool === pool && claim.demand.size > 0)
    .toSorted((a, b) => (a.owner < b.owner ? -1 : 1));
  const within1 = all.filter((claim) => claim.parent === pool && claim.demand.size > 0);
  const ownersOf = new Map<string, number>();
  for (const { pool: name } of within1) ownersOf.set(name, (ownersOf.get(name) ?? 0) + 1);
  const weightOf = (claim: Claim): number => {
    const inner = within1
      .filter((each) => each.owner === claim.owner)
      .reduce((sum, each) => sum + each.poolWeight / (ownersOf.get(each.pool) ?? 1), 0);
    return inner + (claim.isDirect || inner === 0 ? 1 : 0);
  };
  const shares = sharesInUnits(
    limits,
    claims.map((claim) => ({
      demand: within(claim.demand, limits),
      unit: claim.unit,
      weight: weightOf(claim),
      servedAt: claim.servedAt,
    })),
  );
  return shares[claims.findIndex((claim) => claim.owner === owner)] ?? NOTHING;
}

function isUnmet({ demand, leased }: PoolLease, limits: Amounts): boolean {
  for (const [resource, limit] of limits) {
    if (Math.min(limit, demand[resource] ?? 0) > (leased[resource] ?? 0)) return true;
  }
  return false;
}

function leaseOf(
  need: Need,
  limits: Amounts,
  { leased, isWanted }: Got,
  mine: PoolLease | undefined,
  now: Millis,
): Omit<PoolLease, 'owner' | 'until'> {
  // Who runs what others want is served, and comes after them: so it goes round. Who only holds it is not:
  // otherwise two who each hold what the other needs would both be last, and both keep it.
  const isTurnOver = isWanted && need.wasServed && now - (mine?.servedAt ?? now) >= TURN_MS;
  return {
    pool: need.pool,
    leased: recordOf(leased),
    demand: recordOf(within(need.demand, limits)),
    unit: recordOf(need.unit),
    running: need.running,
    waiting: need.waiting,
    servedAt: mine === undefined || isTurnOver ? now : mine.servedAt,
  };
}

function isSameLease(a: PoolLease, b: Omit<PoolLease, 'owner' | 'until'>): boolean {
  return (
    a.running === b.running &&
    a.waiting === b.waiting &&
    a.servedAt === b.servedAt &&
    isSame(amountsOf(a.leased), amountsOf(b.leased)) &&
    isSame(amountsOf(a.demand), amountsOf(b.demand)) &&
    isSame(amountsOf(a.unit), amountsOf(b.unit))
  );
}

/** Plain data of one shape: its text is what it is. */
function isSameDeclaration(a: PoolDeclaration, b: PoolDeclaration): boolean {
  return textOf(a) === textOf(b);
}

function textOf({
  limits,
  parent,
  weight,
  queueSize,
  overflow,
  order,
  aging,
  rate,
}: PoolDeclaration): string {
  const sorted = Object.entries(limits).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...sorted.flat(),
    parent,
    weight,
    queueSize,
    overflow,
    order,
    aging?.ratePerMs,
    aging?.boost,
    rate?.limit,
    rate?.perMs,
    rate?.burst,
  ].join('|');
}
