import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Queue } from './queue.ts';

it('is an array that is read from the front', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('push' as const), item: fc.nat(5) }),
    fc.record({ kind: fc.constant('shift' as const) }),
    fc.record({ kind: fc.constant('remove' as const), item: fc.nat(5) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new Queue<number>();
      const model: number[] = [];
      for (const each of steps) {
        if (each.kind === 'push') {
          queue.push(each.item);
          model.push(each.item);
        } else if (each.kind === 'shift') {
          expect(queue.shift()).toBe(model.shift());
        } else {
          queue.remove(each.item);
          if (model.includes(each.item)) model.splice(model.indexOf(each.item), 1);
        }
        expect(queue.size).toBe(model.length);
      }
      queue.clear();
      expect([queue.size, queue.shift()]).toEqual([0, undefined]);
    }),
  );
});
