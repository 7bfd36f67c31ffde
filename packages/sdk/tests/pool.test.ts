import { describe, expect, it } from 'vitest';
import { InvalidOptionError, isResource, PLAIN_POOL, poolPlan, type PoolOptions } from '../src/index.ts';

describe('poolPlan', () => {
  it('fills in every default', () => {
    expect(poolPlan({})).toEqual({
      limits: { slots: 64 },
      parent: null,
      weight: 1,
      queueSize: Infinity,
      overflow: 'block',
      order: 'strict',
      aging: null,
      rate: null,
    });
    expect(PLAIN_POOL).toEqual(poolPlan({}));
  });

  it('takes what is given', () => {
    expect(
      poolPlan({
        limits: { gpu: 2, mem: 7.5 },
        parent: { name: 'all' },
        weight: 0.5,
        queueSize: 0,
        overflow: 'reject',
        order: 'backfill',
        aging: { ratePerMs: 0.01, boost: 5 },
        rate: { limit: 2, per: '1s' },
      }),
    ).toEqual({
      limits: { gpu: 2, mem: 7.5 },
      parent: 'all',
      weight: 0.5,
      queueSize: 0,
      overflow: 'reject',
      order: 'backfill',
      aging: { ratePerMs: 0.01, boost: 5 },
      rate: { limit: 2, perMs: 1000, burst: null },
    });
    expect(poolPlan({ maxConcurrent: Infinity }).limits).toEqual({ slots: Infinity });
    expect(poolPlan({ rate: { limit: 0.5, per: 1, burst: 3 } }).rate).toEqual({
      limit: 0.5,
      perMs: 1,
      burst: 3,
    });
  });

  it.each([
    ['options', null],
    ['options', 5],
    ['options', []],
    ...[0, -1, Number.NaN, 1.5, '2', null].map((bad) => ['maxConcurrent', { maxConcurrent: bad }]),
    ['maxConcurrent', { maxConcurrent: 2, limits: { gpu: 1 } }],
    ...[null, {}, 5, 'gpu'].map((bad) => ['limits', { limits: bad }]),
    ...['', '__proto__', '1gpu', 'a b', 'x'.repeat(65)].map((bad) => [
      'limits',
      { limits: JSON.parse(`{${JSON.stringify(bad)}:1}`) },
    ]),
    ...[0, -1, Number.NaN, '1', null].map((bad) => ['limits.gpu', { limits: { gpu: bad } }]),
    ...['', 5, {}, null].map((bad) => ['pool', { parent: bad }]),
    ...[0, -1, Infinity, Number.NaN, '1'].map((bad) => ['weight', { weight: bad }]),
    ...[-1, 0.5, Number.NaN, '1'].map((bad) => ['queueSize', { queueSize: bad }]),
    ['overflow', { overflow: 'drop' }],
    ['order', { order: 'fifo' }],
    ['aging', { aging: 5 }],
    ['aging.ratePerMs', { aging: { ratePerMs: 0, boost: 1 } }],
    ['aging.boost', { aging: { ratePerMs: 1, boost: Infinity } }],
    ['rate', { rate: 5 }],
    ['rate.limit', { rate: { limit: 0.5, per: 1000 } }],
    ['rate.limit', { rate: { limit: 0, per: 1000, burst: 1 } }],
    ['rate.per', { rate: { limit: 1, per: 0 } }],
    ['rate.per', { rate: { limit: 1, per: 'soon' } }],
    ['rate.burst', { rate: { limit: 1, per: 1, burst: 0 } }],
    ['size', { size: 5 }],
  ] as [string, PoolOptions][])('refuses %s in %j', (option, options) => {
    expect(() => poolPlan(options)).toThrow(InvalidOptionError);
    expect(() => poolPlan(options)).toThrow(new RegExp(`^Option '${option.replace('.', '\\.')}'`));
  });

  it('names the place where it was given', () => {
    expect(() => poolPlan({ weight: 0 }, 'pools.gpu.')).toThrow(/^Option 'pools\.gpu\.weight'/);
    expect(() => poolPlan(null as never, 'pools.gpu.')).toThrow(/^Option 'pools\.gpu'/);
  });
});

it('a resource has a name that needs no care', () => {
  expect(['gpu', 'A', 'mem-gb', 'v2.x_1'].map(isResource)).toEqual([true, true, true, true]);
  expect(['', '_', '-a', '2x', 'a b', 'ä'].map(isResource)).toEqual([
    false,
    false,
    false,
    false,
    false,
    false,
  ]);
});
