/** Pools and leases as JSON texts. A row may come from anywhere: it is checked when it is read. */
import { RuntimeError } from '../errors.ts';
import type { Millis } from '../journal/ids.ts';
import type {
  PoolDeclaration,
  PoolLease,
  PoolRecord,
  RateState,
  StoredAmounts,
} from '../ports/pool-store.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The texts of a pool's row. */
export interface PoolText {
  readonly declared: string;
  readonly limits: string | null;
  readonly rate: string | null;
}

/** JSON has no Infinity: null stands for it. */
export function textOf(value: object): string {
  return JSON.stringify(value, (_, field: unknown) => (field === Infinity ? null : field));
}

export function poolText({ declared, limits, rate }: PoolRecord): PoolText {
  return {
    declared: textOf(declared),
    limits: limits === null ? null : textOf(limits),
    rate: rate === null ? null : textOf(rate),
  };
}

/** @throws RuntimeError CORRUPT */
export function parsePool(name: string, text: { readonly [Column in keyof PoolText]: unknown }): PoolRecord {
  const declared = fieldsOf(name, text.declared);
  return {
    name,
    declared: declarationOf(name, declared),
    limits: text.limits === null ? null : amountsIn(name, fieldsOf(name, text.limits)),
    rate: text.rate === null ? null : rateStateOf(name, fieldsOf(name, text.rate)),
  };
}

/** @throws RuntimeError CORRUPT */
export function parseLease(pool: string, owner: string, text: unknown, until: Millis): PoolLease {
  const { leased, demand, unit, running, waiting, servedAt } = fieldsOf(pool, text);
  return {
    pool,
    owner,
    leased: amountsIn(pool, leased),
    demand: amountsIn(pool, demand),
    unit: amountsIn(pool, unit),
    running: numberIn(pool, running),
    waiting: numberIn(pool, waiting),
    servedAt: dateIn(pool, servedAt),
    until,
  };
}

function declarationOf(name: string, fields: Fields): PoolDeclaration {
  const { limits, parent, weight, queueSize, overflow, order, aging, rate } = fields;
  const number = (value: unknown): number => numberIn(name, value);
  const inner = (value: unknown): Fields | null => (value === null ? null : recordIn(name, value));
  const rates = inner(rate);
  const ages = inner(aging);
  if (parent !== null && typeof parent !== 'string') throw damaged(name, 'a bad parent');
  return {
    limits: amountsIn(name, limits),
    parent,
    weight: number(weight),
    queueSize: queueSize === null ? Infinity : number(queueSize),
    overflow: overflow === 'reject' ? 'reject' : 'block',
    order: order === 'backfill' ? 'backfill' : 'strict',
    aging: ages === null ? null : { ratePerMs: number(ages['ratePerMs']), boost: number(ages['boost']) },
    rate:
      rates === null
        ? null
        : {
            limit: number(rates['limit']),
            perMs: number(rates['perMs']),
            burst: rates['burst'] === null ? null : number(rates['burst']),
          },
  };
}

function rateStateOf(name: string, fields: Fields): RateState {
  const { kind, at, tokens, cells } = fields;
  if (kind === 'bucket') return { kind, at: dateIn(name, at), tokens: numberIn(name, tokens) };
  if (kind !== 'window' || !Array.isArray(cells)) throw damaged(name, 'a bad rate');
  return {
    kind,
    cells: cells.map((cell: unknown) => {
      const { at: end, starts } = recordIn(name, cell);
      return { at: dateIn(name, end), starts: numberIn(name, starts) };
    }),
  };
}

function amountsIn(name: string, value: unknown): StoredAmounts {
  const fields = recordIn(name, value);
  return Object.fromEntries(
    Object.entries(fields).map(([resource, amount]) => [
      resource,
      amount === null ? Infinity : numberIn(name, amount),
    ]),
  );
}

function numberIn(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw damaged(name, 'a number that is none');
}

function dateIn(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw damaged(name, 'a time that is none');
}

function fieldsOf(name: string, text: unknown): Fields {
  try {
    return recordIn(name, JSON.parse(String(text)));
  } catch (error) {
    if (error instanceof RuntimeError) throw error;
    throw damaged(name, 'no JSON');
  }
}

function recordIn(name: string, value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw damaged(name, 'a field of another kind');
}

function damaged(name: string, problem: string): RuntimeError {
  return new RuntimeError(
    'CORRUPT',
    `Pool ${JSON.stringify(name.slice(0, 200))} is damaged: its row holds ${problem}.`,
    {
      hint: 'Nothing of any run is lost: delete the rows of pools and pool_leases while no program has the journal open.',
      data: { pool: name },
    },
  );
}
