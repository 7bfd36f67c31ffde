import { setImmediate as turnOfNode } from 'node:timers/promises';
import type { MergeMode, Process } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';

import { MemoryStore } from '../src/testing.ts';
import { journal, Lab, shape } from './lab.fixture.ts';

/* Sources that wait for something outside ctx, and fail: sooner or later than they did. */

let turns = 0;

async function* failing(): AsyncGenerator<never> {
  for (let i = 0; i < turns; i += 1) await turnOfNode();
  yield await Promise.reject(new RangeError('source'));
}

/** Merges a source that fails with another one; a task notes each item, and how it ended. */
function merging(mode: MergeMode, other: 'by a task' | 'at hand'): (lab: Lab) => Process {
  return (lab) => async (_, ctx) => {
    const byTask = async function* (): AsyncGenerator<unknown> {
      yield await ctx.task(lab.work, { ms: 5, value: 2 });
    };
    const seen: unknown[] = [];
    const note = async (value: unknown): Promise<void> => {
      seen.push(await ctx.task(lab.work, { ms: 1, value }));
    };
    try {
      const sources = [failing(), other === 'by a task' ? byTask() : [2, 3, 4]];
      for await (const item of ctx.parallel.merge(sources, { mode })) await note(item);
      await note('end');
    } catch (error) {
      await note(String(error));
    }
    return seen;
  };
}

async function first(work: (lab: Lab) => Process): Promise<{ store: MemoryStore; ended: unknown }> {
  turns = 60;
  const lab = new Lab();
  const store = new MemoryStore();
  return { ended: await lab.drive(store, work(lab)), store };
}

async function replayed(store: MemoryStore, work: (lab: Lab) => Process): Promise<unknown> {
  const lab = new Lab();
  const runtime = await lab.open(store, { stallMs: 5000 });
  const stop = lab.clock.run(() => runtime.isIdle);
  try {
    return (await runtime.replay('r', work(lab))).reached;
  } finally {
    stop();
  }
}

describe.each(['race', 'raceRobin', 'roundRobin', 'concat', 'zip'] as const)('a merge of mode %s', (mode) => {
  describe.each(['by a task', 'at hand'] as const)('of a source that fails and one that is %s', (other) => {
    const work = merging(mode, other);

    it.each([0, 1, 60])('ends the same way on replay, where the wait is %s turns long', async (now) => {
      const { store, ended } = await first(work);
      expect(ended).toHaveProperty('value', expect.arrayContaining(['RangeError: source']));
      turns = now;
      expect(await replayed(store, work)).toBe('end');
    });

    it.each([0, 1, 60])('fails behind a crash, too, at each place: %s turns', async (now) => {
      const whole = await first(work);
      for (let seq = 1; seq < shape(whole.store).length; seq += 1) {
        const store = whole.store.prefix('r', seq);
        turns = now;
        const lab = Lab.at(journal(whole.store)[seq - 1]?.at ?? 0);
        const ended = await lab.drive(store, work(lab), null, { stallMs: 5000 });
        expect(JSON.stringify(ended), `crashed at ${seq}`).toContain('RangeError: source');
      }
    });
  });
});

it('what is at hand when a source fails is handed out before the others have closed', async () => {
  const lab = new Lab();
  const store = new MemoryStore();
  const seen: unknown[] = [];
  await lab.drive(store, async (_, ctx) => {
    const fails = async function* (): AsyncGenerator<never> {
      await ctx.task(lab.work, { ms: 5, value: 'x' });
      yield await Promise.reject(new RangeError('source'));
    };
    const slow = async function* (): AsyncGenerator<unknown> {
      yield await ctx.task(lab.work, { ms: 50, value: 'slow' });
    };
    try {
      for await (const { value } of ctx.parallel.merge([fails(), [1, 2], slow()], { mode: 'roundRobin' }))
        seen.push(await ctx.task(lab.work, { ms: 1, value }));
    } catch (error) {
      seen.push(String(error));
    }
  });
  expect(seen).toEqual([1, 'RangeError: source']);
  const [closed, next] = shape(store).slice(shape(store).indexOf('ScopeClosed 0'));
  expect([closed, next]).toEqual(['ScopeClosed 0', 'TaskScheduled 1']);
});
