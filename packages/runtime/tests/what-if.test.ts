import { describe, expect, it } from 'vitest';
import { isCommand, isOutcome, isTerminal, type Recorded } from '../src/journal/event.ts';
import type { ReplayReport } from '../src/engine/replay-run.ts';
import { MemoryStore } from '../src/testing.ts';
import { journal, Lab, transcript } from './lab.fixture.ts';
import { workloads, type Workload } from './workloads.fixture.ts';

async function replayed(lab: Lab, store: MemoryStore, workload: Workload): Promise<ReplayReport> {
  const runtime = await lab.open(store);
  const stop = lab.clock.run(() => runtime.isIdle);
  try {
    return await runtime.replay('r', workload(lab));
  } finally {
    stop();
    await runtime.close();
  }
}

/** The call that unchanged code asks for at the head, from what it went on to record: undefined where it stands. */
function goneOnWith(before: readonly Recorded[], after: readonly Recorded[]): string | undefined {
  const isClosed = before.some(({ event }) => event.type === 'ScopeClosed' && event.key === '');
  for (const { event } of after) {
    if (isTerminal(event)) return '';
    if (isCommand(event)) return event.key;
    // Losers are owed that: it waits for nothing.
    if (event.type === 'TaskCancelled' && !isClosed) continue;
    if (isOutcome(event)) return undefined;
  }
  return undefined;
}

describe.each(Object.entries(workloads))('the unchanged code against each prefix: %s', (name, workload) => {
  it('never diverges, writes nothing, runs no task, and says what comes next', async () => {
    const made = new Lab();
    const whole = new MemoryStore();
    await made.drive(whole, workload(made));
    const events = journal(whole);
    for (let seq = 1; seq <= events.length; seq += 1) {
      const prefix = whole.prefix('r', seq);
      const before = transcript(prefix);
      const lab = Lab.at(events[seq - 1]?.at ?? 0);
      const { reached, events: count, asks } = await replayed(lab, prefix, workload);
      const where = `${name} at seq ${seq}`;
      expect({ reached, count }, where).toEqual({
        reached: seq === events.length ? 'end' : 'head',
        count: seq,
      });
      // What it asks for after a wait outside ctx may have been recorded behind the outcomes of others.
      if (name !== 'rawWaits')
        expect(asks?.key, where).toBe(goneOnWith(events.slice(0, seq), events.slice(seq)));
      expect(transcript(prefix), where).toEqual(before);
      expect(lab.invoked, where).toEqual([]);
    }
  });
});
