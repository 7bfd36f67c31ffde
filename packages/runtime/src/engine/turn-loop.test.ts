import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';

import { TurnLoop, type Turnable } from './turn-loop.ts';

/** A run that is ready for so many turns, and tells of each. */
class Run implements Turnable {
  readonly #name: string;
  readonly #log: string[];
  turns: number;
  ended = 0;

  constructor(name: string, turns: number, log: string[]) {
    this.#name = name;
    this.turns = turns;
    this.#log = log;
  }

  beginTurn(): void {
    this.#log.push(`+${this.#name}`);
    queueMicrotask(() => this.#log.push(`~${this.#name}`));
  }

  endTurn(): void {
    this.turns -= 1;
    this.ended += 1;
    this.#log.push(`-${this.#name}`);
  }

  get isReady(): boolean {
    return this.turns > 0;
  }

  get isBursting(): boolean {
    return this.isReady;
  }
}

function fail(_: Turnable, error: unknown): void {
  throw error;
}

async function idle(loop: TurnLoop): Promise<void> {
  while (!loop.isIdle) await pause(0);
}

test('the code that a delivery wakes has run before its turn ends, and a burst is flushed once', async () => {
  const log: string[] = [];
  let flushes = 0;
  const loop = new TurnLoop(() => {
    flushes += 1;
    return true;
  }, fail);
  loop.wake(new Run('a', 100, log));
  await idle(loop);
  expect(log).toEqual(Array.from({ length: 100 }, () => ['+a', '~a', '-a']).flat());
  expect(flushes).toBe(1);
});

test('what a flush starts has its microtasks outside of any turn', async () => {
  const log: string[] = [];
  const again = new Run('b', 1, log);
  let flushes = 0;
  const loop: TurnLoop = new TurnLoop(() => {
    flushes += 1;
    if (flushes > 1) return false;
    again.turns += 1;
    loop.wake(again);
    queueMicrotask(() => log.push('started'));
    return true;
  }, fail);
  loop.wake(again);
  await idle(loop);
  expect(log).toEqual(['+b', '~b', '-b', 'started', '+b', '~b', '-b']);
});

test('a run that is dropped between two passes leaves no neighbour without its flush', async () => {
  const log: string[] = [];
  let flushes = 0;
  const loop = new TurnLoop(() => {
    flushes += 1;
    return false;
  }, fail);
  const bursting = new Run('bursting', Infinity, log);
  const neighbour = new Run('neighbour', 1, log);
  loop.wake(bursting);
  loop.wake(neighbour);
  while (neighbour.ended === 0) await pause(0);
  expect(flushes).toBe(0);
  bursting.turns = 0;
  loop.drop(bursting);
  await idle(loop);
  expect(flushes).toBeGreaterThan(0);
});
