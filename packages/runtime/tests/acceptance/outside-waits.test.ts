import type { Context } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import type { MemoryStore } from '../../src/testing.ts';
import { journal, shape, transcript } from '../lab.fixture.ts';
import {
  brief,
  perform,
  plain,
  replays,
  resumeAt,
  startsInClosedScopes,
  t,
  watchForLeaks,
  type Program,
  type Stage,
} from './stage.fixture.ts';

watchForLeaks();

/**
 * Waits outside ctx that take long in the first life and no time, or one tick, afterwards. Code that is
 * not changed must never diverge (law 1), and a fence must hold (law 5).
 */
describe('waits outside ctx that are shorter on replay', () => {
  type Gate = (stage: Stage) => Promise<void>;
  const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  /** Until so many steps have ended, and then some turns. */
  const afterSteps =
    (n: number): Gate =>
    async (stage) => {
      while (stage.spans.filter(({ to }) => to !== undefined).length < n) await tick();
      for (let i = 0; i < 6; i += 1) await tick();
    };
  const quick: Readonly<Record<string, Gate>> = { 'no time': async () => undefined, 'one tick': tick };

  const programs: Record<string, { slow: Gate; expected: unknown; make: (gate: Gate) => Program }> = {
    'in a branch that loses': {
      slow: afterSteps(2),
      expected: ['w', 5, 6],
      make: (gate) => (stage) => async (_, ctx) => [
        await ctx.parallel.race([
          async () => {
            await gate(stage);
            return ctx.task(stage.step, t(5, 'raw'));
          },
          () => ctx.task(stage.step, t(10, 'w')),
        ]),
        await ctx.task(stage.step, t(5)),
        await ctx.task(stage.step, t(6)),
      ],
    },
    'in the branch that decides, begun early and awaited late': {
      slow: afterSteps(4),
      expected: ['raw', 5, 6],
      make: (gate) => (stage) => async (_, ctx) => [
        await ctx.parallel.race([
          async () => {
            const begun = gate(stage);
            await ctx.task(stage.step, t(1, 'x'));
            await begun;
            return 'raw';
          },
          async () => {
            for (let i = 0; i < 9; i += 1) await ctx.task(stage.step, t(10, i));
            return 'w';
          },
        ]),
        await ctx.task(stage.step, t(5)),
        await ctx.task(stage.step, t(6)),
      ],
    },
    'in one of two strands that make equal calls': {
      slow: afterSteps(3),
      expected: [
        ['same', 'a'],
        ['same', 'b'],
      ],
      make: (gate) => (stage) => (_, ctx) =>
        Promise.all([
          (async () => {
            const begun = gate(stage);
            await ctx.task(stage.step, t(1, 'x'));
            await begun;
            return [await ctx.task(stage.step, t(7, 'same')), await ctx.task(stage.step, t(2, 'a'))];
          })(),
          (async () => {
            await ctx.task(stage.step, t(3, 'y'));
            return [await ctx.task(stage.step, t(7, 'same')), await ctx.task(stage.step, t(3, 'b'))];
          })(),
        ]),
    },
    'in a group inside a branch that loses': {
      slow: afterSteps(3),
      expected: ['w', 5, 6],
      make: (gate) => (stage) => async (_, ctx) => [
        await ctx.parallel.race([
          () => ctx.parallel.all([() => gate(stage), () => ctx.task(stage.step, t(1))]),
          () => ctx.task(stage.step, t(10, 'w')),
        ]),
        await ctx.task(stage.step, t(5)),
        await ctx.task(stage.step, t(6)),
      ],
    },
    'in a branch whose end lets the next begin': {
      slow: afterSteps(2),
      expected: ['raw', 'b', 'c', 'd'],
      make: (gate) => (stage) => (_, ctx) =>
        ctx.parallel.all(
          [
            async () => {
              await gate(stage);
              return 'raw';
            },
            () => ctx.task(stage.step, t(10, 'b')),
            () => ctx.task(stage.step, t(10, 'c')),
            () => ctx.task(stage.step, t(10, 'd')),
          ],
          { concurrency: 2 },
        ),
    },
  };

  const table = Object.keys(programs).flatMap((name) =>
    Object.keys(quick).map((how) => [name, how] as const),
  );
  it.each(table)('%s: %s', async (name, how) => {
    const { make, slow, expected } = programs[name] ?? expect.unreachable();
    const first = await perform(make(slow));
    expect(plain(first.told)).toEqual({ value: expected });
    const program = make(quick[how] ?? expect.unreachable());
    await replays(first.store, program);
    for (let seq = 1; seq < journal(first.store).length; seq += 1) {
      const where = `after a crash at seq ${seq}: ${transcript(first.store)[seq - 1]}`;
      const resumed = await resumeAt(first.store, seq, program);
      expect(resumed.told, where).toHaveProperty('value');
      expect(startsInClosedScopes(journal(resumed.store)), where).toEqual([]);
      await replays(resumed.store, program, where);
    }
  });

  // Open: when a branch settled is no fact of the journal. An entry of an allSettled that is given up, and
  // the order of entries with preserveOrder: false, follow waits outside ctx, and so do not replay.
  const open: Record<string, { slow: Gate; make: (gate: Gate) => Program }> = {
    'in a branch of an allSettled that times out': {
      slow: afterSteps(2),
      make: (gate) => (stage) => async (_, ctx) => {
        const entries = await ctx.parallel.allSettled(
          [() => gate(stage), () => ctx.task(stage.step, t(50))],
          { timeout: 20 },
        );
        return [entries.map(({ status }) => status), await ctx.task(stage.step, t(5))];
      },
    },
    'in a branch of an allSettled in the order of settling': {
      slow: afterSteps(1),
      make: (gate) => (stage) => async (_, ctx) => {
        const entries = await ctx.parallel.allSettled([() => gate(stage), () => ctx.task(stage.step, t(5))], {
          preserveOrder: false,
        });
        return [entries.map(({ index }) => index), await ctx.task(stage.step, t(5))];
      },
    },
  };
  it.fails.each(Object.entries(open))('%s', async (_, { make, slow }) => {
    const first = await perform(make(slow));
    expect(first.told).toHaveProperty('value');
    await replays(first.store, make(tick));
  });
});

/** A program made of a seed; its waits outside ctx take other times in each life. */
type Node =
  | { readonly kind: 'task'; readonly ms: number; readonly fails: boolean; readonly key: string | undefined }
  | { readonly kind: 'sleep'; readonly ms: number }
  | { readonly kind: 'outside' }
  /** Begins a wait outside ctx, and ends it after its child. */
  | { readonly kind: 'around'; readonly child: Node }
  | { readonly kind: 'sequence' | 'strands'; readonly children: readonly Node[] }
  | {
      readonly kind: 'group';
      readonly mode: 'all' | 'any' | 'race' | 'allSettled' | 'map';
      readonly children: readonly Node[];
      readonly options: {
        readonly concurrency?: number;
        readonly batchSize?: number;
        readonly key?: string;
        readonly timeout?: number;
      };
    };

/** From 0 up to but not 1, the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function grow(random: () => number, depth: number, name: () => string): Node {
  const upTo = (n: number): number => Math.floor(random() * n);
  const children = (n: number): Node[] => Array.from({ length: n }, () => grow(random, depth - 1, name));
  const kind = random();
  if (depth === 0 || kind < 0.25)
    return {
      kind: 'task',
      ms: 1 + upTo(4) * 5,
      fails: random() < 0.2,
      key: random() < 0.1 ? name() : undefined,
    };
  if (kind < 0.3) return { kind: 'sleep', ms: upTo(20) };
  if (kind < 0.42) return { kind: 'outside' };
  if (kind < 0.55) return { kind: 'around', child: grow(random, depth - 1, name) };
  if (kind < 0.65) return { kind: 'sequence', children: children(1 + upTo(3)) };
  if (kind < 0.7) return { kind: 'strands', children: children(2) };
  const mode = (['all', 'any', 'race', 'allSettled', 'map'] as const)[upTo(5)] ?? 'all';
  const options = {
    ...(random() < 0.4 ? { concurrency: 1 + upTo(2) } : {}),
    ...(random() < 0.15 ? { batchSize: 1 + upTo(2) } : {}),
    ...(random() < 0.1 ? { key: name() } : {}),
    // See the open defect above.
    ...(random() < 0.1 && mode !== 'allSettled' ? { timeout: 12 } : {}),
  };
  return { kind: 'group', mode, children: children(1 + upTo(3)), options };
}

async function follow(
  node: Node,
  stage: Stage,
  ctx: Context,
  outside: () => Promise<void>,
): Promise<unknown> {
  const go = (child: Node): Promise<unknown> => follow(child, stage, ctx, outside);
  switch (node.kind) {
    case 'task': {
      const { ms, fails, key } = node;
      return ctx.task(
        stage.step,
        fails ? { ms, fail: `failed ${ms}` } : t(ms),
        key === undefined ? {} : { key },
      );
    }
    case 'sleep':
      return ctx.sleep(node.ms);
    case 'outside':
      return outside();
    case 'around': {
      const begun = outside();
      const value = await go(node.child);
      await begun;
      return value;
    }
    case 'sequence': {
      const values: unknown[] = [];
      for (const child of node.children) values.push(await go(child).catch(brief));
      return values;
    }
    case 'strands':
      return Promise.all(node.children.map((child) => go(child).catch(brief)));
    case 'group': {
      const { mode, children, options } = node;
      const thunks = children.map((child) => () => go(child));
      const result: unknown = await (
        mode === 'map'
          ? ctx.parallel.map(thunks, (thunk) => thunk(), options)
          : ctx.parallel[mode](thunks, options)
      ).catch(brief);
      return mode !== 'allSettled' || !Array.isArray(result)
        ? result
        : result.map(({ status }: { status: string }) => status);
    }
    default:
      throw node satisfies never;
  }
}

/** Seeds can be given: `PAWL_SEED=123 vitest run outside-waits`. */
const FIRST_SEED = Number(process.env['PAWL_SEED'] ?? 5000);
const SEEDS = process.env['PAWL_SEED'] === undefined ? 48 : 1;

describe('random programs with waits outside ctx', () => {
  it.each(Array.from({ length: SEEDS }, (_, i) => FIRST_SEED + i))(
    'seed %i never diverges, after one crash and after two',
    async (seed) => {
      const random = randomOf(seed);
      let names = 0;
      const name = (): string => `k${(names += 1)}`;
      const node: Node = { kind: 'sequence', children: [grow(random, 4, name), grow(random, 3, name)] };
      const life =
        (number: number): Program =>
        (stage) => {
          const wait = randomOf(seed * 1000 + number);
          return (_, ctx) =>
            follow(node, stage, ctx, async () => {
              for (let left = Math.floor(wait() * wait() * 40); left > 0; left -= 1) {
                await new Promise((resolve) => setImmediate(resolve));
              }
            });
        };
      const holds = async (store: MemoryStore, number: number, where: string): Promise<void> => {
        expect(startsInClosedScopes(journal(store)), where).toEqual([]);
        await replays(store, life(number), where);
      };
      const first = await perform(life(1));
      expect(plain(first.told)).toHaveProperty('value');
      await holds(first.store, 2, 'never crashed');
      const { length } = journal(first.store);
      const stride = Math.max(1, Math.floor(length / 8));
      for (let seq = 1 + Math.floor(random() * stride); seq < length; seq += stride) {
        const resumed = await resumeAt(first.store, seq, life(10 + seq));
        const where = `after a crash at seq ${seq}\n${shape(resumed.store).join('\n')}\n`;
        expect(plain(resumed.told), where).toHaveProperty('value');
        await holds(resumed.store, 100 + seq, where);
        const cut = seq + 1 + Math.floor(random() * (journal(resumed.store).length - seq - 1));
        const again = await resumeAt(resumed.store, cut, life(1000 + seq));
        expect(plain(again.told), `${where}and at seq ${cut}`).toHaveProperty('value');
        await holds(again.store, 2000 + seq, `${where}and at seq ${cut}`);
      }
    },
  );
});
