import { getEventListeners } from 'node:events';
import { join } from 'node:path';
import type { Process } from '@pawl/sdk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryStore } from '../../src/testing.ts';
import { Lab } from '../lab.fixture.ts';
import { freshFolder, Program } from './program.fixture.ts';

const THUNKS = 10_000;
const items = Array.from({ length: THUNKS }, (_, i) => i);

describe('one signal over ten thousand thunks', () => {
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  beforeEach(() => {
    warnings.length = 0;
    process.on('warning', note);
  });
  afterEach(() => void process.off('warning', note));

  /** Signals that the process code itself gets, by the way. */
  const seen = new Set<AbortSignal>();
  const uses: Readonly<Record<string, (lab: Lab, signal: AbortSignal) => Process>> = {
    "as the group's": (lab, signal) => (_, ctx) =>
      ctx.parallel.map(items, (value) => ctx.task(lab.work, { ms: 1, value }), { signal }),
    "as each branch's group's": (lab, signal) => (_, ctx) =>
      ctx.parallel.map(items, (value) =>
        ctx.parallel.all([() => ctx.task(lab.work, { ms: 1, value })], { signal, timeout: '1h' }),
      ),
    'with ctx.signal read in each branch': (lab, signal) => async (_, ctx) => {
      seen.add(ctx.signal);
      return ctx.parallel.map(
        items,
        (value) => {
          ctx.signal.throwIfAborted();
          seen.add(ctx.signal);
          return ctx.task(lab.work, { ms: 1, value });
        },
        { signal },
      );
    },
  };

  it.each(Object.entries(uses))('%s: no warning, and no listener afterwards', async (_, make) => {
    const { signal } = new AbortController();
    seen.clear();
    const lab = new Lab();
    const outcome = await lab.drive(new MemoryStore(), make(lab, signal));
    expect(outcome).toMatchObject({ value: expect.toSatisfy((value) => Array.isArray(value)) });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    for (const each of seen) expect(getEventListeners(each, 'abort')).toHaveLength(0);
    expect(warnings).toEqual([]);
  });

  it.each(Object.entries(uses))(
    '%s, aborted midway: no warning, and no listener afterwards',
    async (_, make) => {
      const controller = new AbortController();
      const lab = new Lab();
      const store = new MemoryStore();
      const runtime = await lab.open(store);
      const stop = lab.clock.run(() => runtime.isIdle);
      const handle = runtime.start(make(lab, controller.signal), null as never, { id: 'r' });
      const ended = handle.result().then(
        () => 'value',
        (error: Error) => error.message,
      );
      lab.clock.after(0.5, () => controller.abort(new RangeError('enough')));
      expect(await ended).toMatch(/enough/);
      stop();
      await runtime.close();
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
      expect(lab.clock.pending).toBe(0);
      expect(warnings).toEqual([]);
    },
  );
});

describe('a program whose work is done', () => {
  it.each([
    ['after runtime.close()', 0],
    // Its runs have ended; it only never said that it was done.
    ['without it', -1],
  ])('ends by itself, with no timer left, %s', async (_, amount) => {
    const path = join(freshFolder(), 'journal.db');
    const program = new Program('endurance-main.fixture.ts', { args: [path, 'loose', String(amount)] });
    const done = await program.until(({ at }) => at === 'done');
    // Without it the runs are still ending.
    if (amount === 0) expect(done['left']).not.toContain('Timeout');
    expect(await program.ended, program.tail()).toEqual({ code: 0, signal: null });
    expect(program.lines.filter(({ at }) => at === 'node warning')).toEqual([]);
    expect(program.stderr).toBe('');
  });
});
