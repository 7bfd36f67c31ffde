import { defineTask, type Context, type SourceItem, type TaskContext } from '@pawl/sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MemoryStore } from '../../src/testing.ts';
import { journal, transcript } from '../lab.fixture.ts';
import {
  perform,
  plain,
  replays,
  resumeAt,
  watchForLeaks,
  type Program,
  type Stage,
} from './stage.fixture.ts';

watchForLeaks();

/** One reading loop. Its result does not depend on when things happen, so a crash must not change it. */
interface Strand {
  readonly kind: 'source' | 'progress';
  readonly count: number;
  readonly itemMs: number;
  readonly buffer: number;
  readonly breakAfter: number;
  /** 0 = no call between the items. */
  readonly taskMs: number;
  /** The item that fails first, so often; 0 = none. */
  readonly failsAt: number;
  readonly failures: number;
  readonly isFinal: boolean;
}

const anyStrand: fc.Arbitrary<Strand> = fc.record({
  kind: fc.constantFrom('source', 'source', 'progress'),
  count: fc.integer({ min: 0, max: 6 }),
  itemMs: fc.integer({ min: 0, max: 4 }),
  buffer: fc.constantFrom(1, 2, 16),
  breakAfter: fc.constantFrom(1, 2, 3, 99, 99),
  taskMs: fc.constantFrom(0, 0, 1, 5),
  failsAt: fc.constantFrom(0, 0, 1, 3),
  failures: fc.integer({ min: 1, max: 2 }),
  isFinal: fc.boolean(),
});

/** What outlives a crash: how often each item of a strand has failed. */
class World {
  readonly #failed = new Map<number, number>();

  fails(id: number, { failsAt, failures, isFinal }: Strand, n: number): boolean {
    if (n !== failsAt) return false;
    const before = this.#failed.get(id) ?? 0;
    this.#failed.set(id, before + 1);
    return isFinal || before < failures;
  }
}

function pass(stage: Stage, ms: number): Promise<void> {
  return ms === 0 ? Promise.resolve() : new Promise((resolve) => stage.later(ms, resolve));
}

const RETRY = { attempts: 3, delay: 10 } as const;

class Reader {
  readonly #stage: Stage;
  readonly #ctx: Context;
  readonly #world: World;

  constructor(stage: Stage, ctx: Context, world: World) {
    this.#stage = stage;
    this.#ctx = ctx;
    this.#world = world;
  }

  async read(id: number, strand: Strand): Promise<unknown[]> {
    const items: unknown[] = [];
    try {
      for await (const item of this.#items(id, strand)) {
        if (item === undefined) continue;
        items.push(item);
        if (strand.taskMs > 0)
          items.push(
            await this.#ctx.task(this.#stage.step, { ms: strand.taskMs, value: `task ${String(item)}` }),
          );
        if (items.length >= strand.breakAfter) break;
      }
    } catch (error) {
      items.push(String(error));
    }
    return items;
  }

  #items(id: number, strand: Strand): AsyncIterable<unknown> {
    const give = (after: number): AsyncGenerator<SourceItem<number, number>> => this.#give(id, strand, after);
    if (strand.kind === 'source')
      return this.#ctx.source(`s${id}`, (after: number | undefined) => give(after ?? 0), {
        buffer: strand.buffer,
        retry: RETRY,
      });
    const task = defineTask({
      name: `t${id}`,
      retry: RETRY,
      run: async (_: void, { progress }: TaskContext) => {
        for await (const { item } of give(0)) await progress(item);
        return 'done';
      },
    });
    return this.#ends(this.#ctx.stream(task, undefined, { buffer: strand.buffer }));
  }

  /** Only the end of a task is the same whatever happened: each attempt tells its items again. */
  async *#ends(told: ReturnType<Context['stream']>): AsyncGenerator<unknown> {
    for await (const each of told) {
      if (each.type === 'INTERMEDIATE') yield undefined;
      else yield each.type === 'FINAL' ? each.value : String(each.error);
    }
  }

  async *#give(id: number, strand: Strand, after: number): AsyncGenerator<SourceItem<number, number>> {
    for (let n = after + 1; n <= strand.count; n += 1) {
      await pass(this.#stage, strand.itemMs);
      if (this.#world.fails(id, strand, n)) throw new Error(`no ${n} of ${id}`);
      yield { item: n, cursor: n };
    }
  }
}

function programOf(strands: readonly Strand[], how: 'beside' | 'behind', world: World): Program {
  return (stage) => async (_, ctx) => {
    const reader = new Reader(stage, ctx, world);
    if (how === 'beside') return ctx.parallel.all(strands.map((each, id) => () => reader.read(id, each)));
    const results: unknown[] = [];
    for (const [id, each] of strands.entries()) results.push(await reader.read(id, each));
    return results;
  };
}

/** Items of each call count up from 0, of attempts that run, and none follows the end. */
function misplacedItems(store: MemoryStore): string[] {
  const next = new Map<string, number>();
  const ended = new Set<string>();
  const bad: string[] = [];
  for (const { seq, event } of journal(store)) {
    if (!('key' in event)) continue;
    if (event.type === 'ItemRecorded') {
      if (event.n !== (next.get(event.key) ?? 0) || ended.has(event.key))
        bad.push(`${seq} ${event.key} ${event.n}`);
      next.set(event.key, event.n + 1);
    } else if (
      /^(StreamEnded|StreamFailed|StreamClosed|TaskSucceeded|TaskFailed|TaskCancelled)$/.test(event.type)
    ) {
      ended.add(event.key);
    }
  }
  return bad;
}

describe('random programs that read sources and tasks', () => {
  it('come to the same, wherever they are crashed once or twice', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyStrand, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('beside', 'behind'),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 }),
        async (strands, how, places) => {
          const first = await perform(programOf(strands, how, new World()));
          expect(misplacedItems(first.store)).toEqual([]);
          await replays(first.store, programOf(strands, how, new World()));
          for (const place of places) {
            const world = new World();
            const program = programOf(strands, how, world);
            let { store } = first;
            for (let crash = 0; crash < 2; crash += 1) {
              const seq = 1 + Math.floor(place * (journal(store).length - 1));
              const where = `crash ${crash + 1} at ${transcript(store)[seq - 1]}`;
              const resumed = await resumeAt(store, seq, program);
              expect(plain(resumed.told), where).toEqual(plain(first.told));
              expect(misplacedItems(resumed.store), where).toEqual([]);
              await replays(resumed.store, program, where);
              ({ store } = resumed);
            }
          }
        },
      ),
      { numRuns: 60, seed: 7 },
    );
  });
});
