import { expect } from 'vitest';
import type { Runtime } from '../../src/runtime.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, settledKeys, transcript } from '../lab.fixture.ts';
import { until } from '../until.fixture.ts';
import { brief, inBranch, replays, Stage, type Program } from './stage.fixture.ts';

const DAY = 86_400_000;

/** A run that waits for 30 days at most, and that nobody drives on the last of them. */
export interface Month {
  readonly isWaiting: (store: MemoryStore) => boolean;
  /** Just after it began to wait, while nobody drives the run. */
  readonly down?: (runtime: Runtime) => unknown;
  /** On day 31, while nobody drives the run. */
  readonly before?: (runtime: Runtime) => unknown;
  /** On day 31, once the run has ended. */
  readonly after?: (runtime: Runtime) => unknown;
  /** What must be so at the end, whatever happened on the way. */
  readonly check?: (store: MemoryStore, value: unknown, where: string) => void;
}

interface Went {
  readonly value: unknown;
  readonly invoked: readonly string[];
}

/** Runs, or goes on with, run 'r' until it waits, is down until day 31, and goes on. */
async function monthLater(
  program: Program,
  store: MemoryStore,
  { isWaiting, down, before, after }: Month,
): Promise<Went> {
  const lastAt = (): number => journal(store).at(-1)?.at ?? 0;
  const first = journal(store).length === 0 ? new Stage() : Stage.at(lastAt());
  if (!isWaiting(store))
    await first.use(store, {}, async (runtime) => {
      const process = program(first);
      const isKnown = runtime.get('r') !== undefined;
      const handle = isKnown
        ? runtime.resume('r', process)
        : runtime.start(process, null as never, { id: 'r' });
      handle.result().catch(() => undefined);
      await until(() => isWaiting(store));
    });
  const idle = Stage.at(lastAt());
  await idle.use(store, {}, async (runtime) => {
    if (runtime.get('r')?.status === 'running') await down?.(runtime);
  });
  const later = Stage.at(lastAt() + 31 * DAY);
  const value = await later.use(store, {}, async (runtime) => {
    if (runtime.get('r')?.status === 'running') await before?.(runtime);
    const result = await runtime.resume('r', program(later)).result().catch(brief);
    await after?.(runtime);
    return result;
  });
  return { value, invoked: [...first.invoked, ...later.invoked].map(({ key }) => key) };
}

/** A ⟲ case of a month: once through, replayed, crashed at every event, and in a branch of `parallel.map`. */
export async function everywhereMonthLater(program: Program, expected: unknown, month: Month): Promise<void> {
  for (const each of [program, inBranch(program)]) {
    const whole = new MemoryStore();
    const { value } = await monthLater(each, whole, month);
    const events = journal(whole);
    const lines = transcript(whole);
    expect(value, lines.join('\n')).toEqual(expected);
    month.check?.(whole, value, 'without a crash');
    await replays(whole, each);
    for (let seq = 1; seq <= events.length; seq += 1) {
      const where = `after a crash at seq ${seq}: ${lines[seq - 1]}`;
      const store = whole.prefix('r', seq);
      const again = await monthLater(each, store, month);
      expect(again.value, where).toEqual(expected);
      expect(transcript(store).slice(0, seq), where).toEqual(lines.slice(0, seq));
      const settled = settledKeys(events.slice(0, seq));
      expect(
        again.invoked.filter((key) => settled.has(key)),
        where,
      ).toEqual([]);
      month.check?.(store, again.value, where);
      await replays(store, each, where);
    }
  }
}
