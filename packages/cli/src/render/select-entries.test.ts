import { addEvent, createRunTree, type JournalEvent, type RunTree } from '@pawl/runtime';
import { expect, test } from 'vitest';

import { attempt, closed, opened, PLACES, scheduled, START, succeeded, type Timed } from './run.fixture.ts';
import { PLAIN_THEME } from './theme.ts';
import { renderTree } from './tree.ts';
import { keepText } from './value.ts';

const LIMIT = 12;

/** Seeded, so that a failure comes again. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
}

const failed = (key: string): JournalEvent => ({
  type: 'TaskFailed',
  key,
  error: { name: 'Error', message: `no ${key}` },
  cause: 'error',
  failures: 1,
  by: 'attempt',
});

/** Calls one after the other, with groups among them: of calls that end in any order, and not all of them well. */
function* story(random: () => number, calls: number): Generator<Timed> {
  let open: string[] = [];
  const end = (key: string): Timed => {
    const luck = random();
    if (luck < 0.05) return [5, failed(key)];
    return luck < 0.15 ? [5, { type: 'TaskCancelled', key, reason: 'lost' }] : succeeded(5, key, key);
  };
  for (let i = 0; i < calls; i += 1) {
    if (random() > 0.02) {
      yield scheduled(1, String(i), `t${i % 3}`, i);
      yield attempt(2, String(i));
      yield end(String(i));
      continue;
    }
    const width = Math.floor(random() * 400);
    yield opened(1, String(i), 'allSettled', width);
    for (let n = 0; n < width; n += 1) {
      const key = `${i}/${n}/0`;
      yield scheduled(2, key, 'branch', n);
      yield attempt(3, key);
      open.push(key);
      // Some go on for long, and some branches have a second call.
      while (open.length > 8 * random() + 2) {
        const [ends = ''] = open.splice(Math.floor(random() * open.length), 1);
        yield end(ends);
        if (random() > 0.3 || !ends.endsWith('/0')) continue;
        const second = ends.replace(/0$/, '1');
        yield scheduled(4, second, 'second', null);
        yield attempt(4, second);
        open.push(second);
      }
    }
    for (const key of open) yield end(key);
    open = [];
    yield closed(9, String(i));
  }
}

test('a bounded tree shows what one of all calls shows, at any time', () => {
  let shown = 0;
  for (let seed = 1; seed <= 8; seed += 1) {
    const random = randomOf(seed);
    const whole = createRunTree(keepText);
    const bounded = createRunTree(keepText, LIMIT);
    let seq = 0;
    for (const [afterMs, event] of story(random, 200)) {
      seq += 1;
      for (const tree of [whole, bounded]) addEvent(tree, { seq, at: START + afterMs, event });
      if (random() > 0.004) continue;
      shown += 1;
      for (const limit of [LIMIT, 3])
        expect(textOf(bounded, limit), `seed ${seed}, seq ${seq}, ${limit}`).toEqual(textOf(whole, limit));
    }
    expect(bounded.counts).toEqual(whole.counts);
    expect(bounded.active.size).toBe(whole.active.size);
  }
  expect(shown).toBeGreaterThan(40);
});

function textOf(tree: RunTree, limit: number): string[] {
  return renderTree(tree.calls, {
    now: START + 100,
    alive: true,
    values: true,
    limit,
    places: PLACES,
    width: 80,
    theme: PLAIN_THEME,
  });
}

test('it stays small, however long the run is', () => {
  const tree = createRunTree(keepText, LIMIT);
  const sizes: number[] = [];
  let seq = 0;
  for (const [afterMs, event] of story(randomOf(7), 4000)) {
    seq += 1;
    addEvent(tree, { seq, at: START + afterMs, event });
    if (seq % 10_000 === 0) sizes.push(tree.byKey.size);
  }
  expect(seq).toBeGreaterThan(30_000);
  expect(Math.max(...sizes)).toBeLessThan(1500);
});
