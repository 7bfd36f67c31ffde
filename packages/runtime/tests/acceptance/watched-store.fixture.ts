import { expect } from 'vitest';
import { foldRun } from '../../src/engine/fold-run.ts';
import type { Recorded } from '../../src/journal/event.ts';
import type { Seq } from '../../src/journal/ids.ts';
import type { AppendRun, CompactAnswer, CompactRun, LeaseClaim } from '../../src/ports/journal-store.ts';
import { MemoryStore } from '../../src/testing.ts';
import { settledKeys } from '../lab.fixture.ts';
import { replays, Stage, type Program } from './stage.fixture.ts';

/** Every row that is useless goes at once. */
export const AT_ONCE = { limits: { compactRows: 1 } } as const;

/** Keeps what it was after each write, and all that was ever appended. */
export class WatchedStore extends MemoryStore {
  readonly states: ReturnType<MemoryStore['snapshot']>[] = [];
  readonly history: Recorded[] = [];
  compactions = 0;

  override append(batch: readonly AppendRun[], claim: LeaseClaim): readonly ('committed' | 'fenced')[] {
    const answers = super.append(batch, claim);
    for (const { afterSeq, events } of batch)
      this.history.push(...events.map(({ at, event }, i) => ({ seq: afterSeq + i + 1, at, event })));
    this.states.push(this.snapshot());
    return answers;
  }

  /** As it was after that write. */
  as(write: number): WatchedStore {
    const store = new WatchedStore({ from: this.states[write] ?? expect.fail(`no write ${write}`) });
    const lastSeq = store.getRun('r', 0)?.lastSeq ?? 0;
    store.states.push(...this.states.slice(0, write + 1));
    store.history.push(...this.history.filter(({ seq }) => seq <= lastSeq));
    return store;
  }

  /** As if nothing had ever been removed. */
  uncut(lastSeq: Seq): MemoryStore {
    const whole = new MemoryStore();
    const events = this.history.filter(({ seq }) => seq <= lastSeq);
    const claim = { owner: 'a', now: 0, ttlMs: 1 };
    whole.append([{ runId: 'r', epoch: 1, afterSeq: 0, events, consumed: [] }], claim);
    return whole;
  }

  override compact(run: CompactRun, claim: LeaseClaim): CompactAnswer {
    const answer = super.compact(run, claim);
    if (answer.status === 'committed' && answer.removed > 0) this.compactions += 1;
    this.states.push(this.snapshot());
    return answer;
  }
}

/** Runs a program whose useless rows go at once, crashes it after each write, and resumes it. */
export async function survives(
  program: Program,
  expected: unknown,
  stage: Stage = new Stage(),
): Promise<WatchedStore> {
  const store = new WatchedStore();
  expect(await stage.drive(store, program(stage), null, AT_ONCE)).toEqual({ value: expected });
  expect(store.verify().damage).toEqual([]);
  expect(store.compactions).toBeGreaterThan(0);
  await replays(store, program);
  for (const [n, state] of store.states.entries()) {
    const resumed = MemoryStore.from(state);
    const { owner, lastSeq, updatedAt } = resumed.getRun('r', 0) ?? expect.fail('no run');
    const where = `after write ${n} of ${store.states.length}, at seq ${lastSeq}`;
    expect(resumed.verify().damage, where).toEqual([]);
    expect(foldRun(resumed, 'r').state, where).toEqual(foldRun(store.uncut(lastSeq), 'r').state);
    if (owner !== null) resumed.ownerDied(owner);
    const again = Stage.at(updatedAt);
    expect(await again.drive(resumed, program(again), null, AT_ONCE), where).toEqual({ value: expected });
    const settled = settledKeys(store.history.filter(({ seq }) => seq <= lastSeq));
    expect(
      again.invoked.filter(({ key }) => settled.has(key)),
      where,
    ).toEqual([]);
    expect(resumed.verify().damage, where).toEqual([]);
    await replays(resumed, program, where);
  }
  return store;
}
