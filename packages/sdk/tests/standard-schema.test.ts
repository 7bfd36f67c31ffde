import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { checkAgainst, refuseInvalid, ValidationError, type Schema } from '../src/index.ts';

/** The places that a schema complains about. */
async function places(schema: Schema, value: unknown): Promise<readonly string[]> {
  try {
    await checkAgainst(schema, value, 'The value');
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ValidationError);
    return (error as ValidationError).issues.map(({ path }) => path);
  }
}

const schemas: Readonly<Record<string, Schema>> = {
  zod: z.object({
    items: z.array(z.object({ name: z.string() })),
    'odd key': z.number(),
    $ok_1: z.number(),
    '5': z.number(),
  }),
  valibot: v.object({
    items: v.array(v.object({ name: v.string() })),
    'odd key': v.number(),
    $ok_1: v.number(),
    '5': v.number(),
  }),
  arktype: type({
    items: type({ name: 'string' }).array(),
    'odd key': 'number',
    $ok_1: 'number',
    '5': 'number',
  }),
};
const good = { items: [{ name: 'a' }, { name: 'b' }], 'odd key': 1, $ok_1: 2, '5': 3 };

describe.each(Object.entries(schemas))('%s', (_, schema) => {
  it('gives back a good value', async () => {
    expect(await checkAgainst(schema, good, 'The value')).toEqual(good);
  });

  it('says where a value is wrong', async () => {
    expect(await places(schema, { ...good, items: [{ name: 'a' }, { name: 5 }] })).toEqual([
      '$.items[1].name',
    ]);
    expect(await places(schema, { ...good, 'odd key': 'x' })).toEqual(['$["odd key"]']);
    expect(await places(schema, { ...good, $ok_1: 'x' })).toEqual(['$.$ok_1']);
    expect(await places(schema, { ...good, '5': 'x' })).toEqual(['$["5"]']);
    expect(await places(schema, 'text')).toEqual(['$']);
    expect(await places(schema, undefined)).toEqual(['$']);
  });

  it('tells all that is wrong, one a line', () => {
    let message = '';
    try {
      void checkAgainst(schema, { ...good, items: [{ name: 1 }, {}] }, `The input of task 'x'`);
    } catch (error) {
      message = error instanceof Error ? error.message : '';
    }
    const [head, ...lines] = message.split('\n');
    expect(head).toBe(`The input of task 'x' does not match its schema:`);
    expect(lines).toHaveLength(2);
    expect(lines.map((line) => line.slice(0, line.indexOf(':')))).toEqual([
      '  $.items[0].name',
      '  $.items[1].name',
    ]);
  });
});

describe('what a schema changes', () => {
  it.each(
    Object.entries({
      zod: z.object({ n: z.coerce.number(), unit: z.string().default('ms') }),
      valibot: v.object({ n: v.pipe(v.string(), v.transform(Number)), unit: v.optional(v.string(), 'ms') }),
      arktype: type({ n: 'string.numeric.parse', unit: 'string = "ms"' }),
    }),
  )('%s: transforms and defaults', (_, schema) => {
    expect(checkAgainst(schema, { n: '5' }, 'x')).toEqual({ n: 5, unit: 'ms' });
  });
});

describe('a schema that answers later', () => {
  const later = z.string().refine(async (text) => text === 'good', 'not good');

  it('gives a promise of the value, or of the refusal', async () => {
    expect(await checkAgainst(later, 'good', 'x')).toBe('good');
    await expect(checkAgainst(later, 'bad', 'x')).rejects.toThrow(/\$: not good/);
  });

  it('is not refused at once, and leaves no rejection behind', async () => {
    expect(() => refuseInvalid(later, 'bad', 'x')).not.toThrow();
    await new Promise((resolve) => setImmediate(resolve));
  });
});

describe('a schema that is none', () => {
  it.each([undefined, null, 5, { issues: 'x' }, { issues: [null] }])(
    'answers %j: that is told with the place',
    async (answer) => {
      const broken = (given: unknown): Schema =>
        ({ '~standard': { version: 1, vendor: 'test', validate: () => given } }) as never;
      const told = /^The input of task 'x' has a schema that is none of Standard Schema:/;
      const check = (given: unknown): unknown => checkAgainst(broken(given), 1, "The input of task 'x'");
      expect(() => check(answer)).toThrow(ValidationError);
      expect(() => check(answer)).toThrow(told);
      await expect(check(Promise.resolve(answer))).rejects.toThrow(told);
    },
  );
});

describe('refuseInvalid', () => {
  it('throws where the schema can tell at once', () => {
    expect(() => refuseInvalid(z.number(), 'x', 'The input')).toThrow(ValidationError);
    expect(() => refuseInvalid(z.number(), 5, 'The input')).not.toThrow();
  });
});

describe('paths of other shapes', () => {
  const complaining = (path: readonly unknown[] | undefined): Schema =>
    ({
      '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'no', path }] }) },
    }) as Schema;

  it.each([
    [undefined, '$'],
    [[], '$'],
    [['a', 0, 'b'], '$.a[0].b'],
    [[{ key: 'a' }, { key: 0 }], '$.a[0]'],
    [[Symbol('s')], '$["Symbol(s)"]'],
    [['a.b', 'c"d', ''], '$["a.b"]["c\\"d"][""]'],
    [['__proto__'], '$.__proto__'],
  ])('%o is %s', async (path, place) => {
    expect(await places(complaining(path), 1)).toEqual([place]);
  });
});
