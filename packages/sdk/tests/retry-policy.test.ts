import { describe, expect, it } from 'vitest';

import { InvalidOptionError, NO_RETRY, retryPlan, type RetryPolicy } from '../src/index.ts';

describe('retryPlan', () => {
  it('without a policy there is one attempt', () => {
    expect(retryPlan(undefined)).toEqual(NO_RETRY);
    expect(NO_RETRY.attempts).toBe(1);
  });

  it('fills in the defaults', () => {
    expect(retryPlan({ attempts: 3 })).toEqual({
      attempts: 3,
      delayMs: 100,
      factor: 2,
      maxDelayMs: 300_000,
      jitter: 0,
    });
  });

  it('takes every option', () => {
    const policy: RetryPolicy = {
      attempts: 5,
      delay: '1s',
      factor: 1,
      maxDelay: '1m',
      jitter: 1,
      shouldRetry: () => true,
    };
    expect(retryPlan(policy)).toEqual({
      attempts: 5,
      delayMs: 1000,
      factor: 1,
      maxDelayMs: 60_000,
      jitter: 1,
    });
  });

  it('is plain data: what decides at run time is left out', () => {
    const plan = retryPlan({ attempts: 2, shouldRetry: () => false });
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });

  const refused: [string, object, string][] = [
    ...[0, -1, 1.5, Number.NaN, Infinity, '3', null, undefined, true, 2n].map(
      (attempts): [string, object, string] => [
        `attempts ${String(attempts)}`,
        { attempts },
        'retry.attempts',
      ],
    ),
    ...[0, 0.99, -2, Number.NaN, Infinity, '2', null].map((factor): [string, object, string] => [
      `factor ${String(factor)}`,
      { attempts: 2, factor },
      'retry.factor',
    ]),
    ...[-0.1, 1.1, Number.NaN, Infinity, 'half', {}].map((jitter): [string, object, string] => [
      `jitter ${String(jitter)}`,
      { attempts: 2, jitter },
      'retry.jitter',
    ]),
    ['delay', { attempts: 2, delay: -1 }, 'retry.delay'],
    ['delay', { attempts: 2, delay: 'soon' }, 'retry.delay'],
    ['maxDelay', { attempts: 2, maxDelay: Number.NaN }, 'retry.maxDelay'],
  ];
  it.each(refused)('refuses %s', (_, policy, option) => {
    const plan = (): unknown => retryPlan(policy as RetryPolicy);
    expect(plan).toThrow(InvalidOptionError);
    expect(plan).toThrow(new RegExp(`^Option '${option}' must be `));
  });

  it.each(['0.5', null, [], true, ''])('refuses jitter %j', (jitter) => {
    expect(() => retryPlan({ attempts: 2, jitter } as never)).toThrow(InvalidOptionError);
  });

  it.each([5, 'yes', {}, true, null])('refuses shouldRetry %j', (shouldRetry) => {
    expect(() => retryPlan({ attempts: 2, shouldRetry } as never)).toThrow(InvalidOptionError);
  });

  it('refuses null', () => {
    expect(() => retryPlan(null as never)).toThrow(InvalidOptionError);
  });

  it('refuses options that it does not have', () => {
    expect(() => retryPlan({ attempts: 2, backoff: 'linear' } as never)).toThrow(InvalidOptionError);
  });
});
