import { expect, it } from 'vitest';
import { Room } from './room.ts';

const { signal } = new AbortController();

it('lets in as many as there is room for, in the order in which they came', async () => {
  const room = new Room(2);
  const order: string[] = [];
  const enter = async (name: string): Promise<() => void> => {
    const leave = await room.enter(signal);
    if (typeof leave !== 'function') return expect.fail(`${name} did not come in`);
    order.push(name);
    return leave;
  };
  const [a] = await Promise.all([enter('a'), enter('b')]);
  const later = [enter('c'), enter('d')];
  a();
  // It was given back once.
  a();
  const [c] = await Promise.all(later.slice(0, 1));
  expect(order).toEqual(['a', 'b', 'c']);
  c?.();
  await Promise.all(later);
  expect(order).toEqual(['a', 'b', 'c', 'd']);
});

it('forgets who gives up, and takes no more than a bound', async () => {
  const room = new Room(1);
  const leave = await room.enter(signal);
  const gone = new AbortController();
  const impatient = room.enter(gone.signal);
  gone.abort();
  expect(await impatient).toBeUndefined();
  expect(await room.enter(gone.signal)).toBeUndefined();
  const waiting = Array.from({ length: 1000 }, () => room.enter(signal));
  expect(await room.enter(signal)).toBe('full');
  if (typeof leave === 'function') leave();
  expect(await waiting[0]).toBeTypeOf('function');
});
