import { expect, it } from 'vitest';
import { Results } from './results.ts';

const all = (results: Results): unknown[] => {
  const taken: unknown[] = [];
  for (let next = results.take(); next !== undefined; next = results.take()) taken.push(next.value);
  return taken;
};

it('gives results as they come', () => {
  const results = new Results(false);
  results.add(2, { value: 'c' });
  results.add(0, undefined);
  results.add(1, { value: undefined });
  expect(results.size).toBe(2);
  expect(all(results)).toEqual(['c', undefined]);
});

it('gives them by index, passes over those that have none, and counts what is held up', () => {
  const results = new Results(true);
  results.add(2, { value: 'c' });
  results.add(1, undefined);
  expect([results.size, results.take()]).toEqual([2, undefined]);
  results.add(0, { value: 'a' });
  expect(results.size).toBe(2);
  expect(all(results)).toEqual(['a', 'c']);
  expect(results.size).toBe(0);
});

it('lets go of what waits for one that will not come', () => {
  const results = new Results(true);
  results.add(0, { value: 'a' });
  results.add(2, { value: 'c' });
  results.dropEarly();
  expect([results.size, all(results)]).toEqual([1, ['a']]);
  results.add(1, { value: 'b' });
  results.clear();
  expect([results.size, all(results)]).toEqual([0, []]);
});
