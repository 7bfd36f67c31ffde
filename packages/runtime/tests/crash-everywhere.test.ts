import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../src/testing.ts';
import { journal, Lab, settledKeys, transcript, type Outcome } from './lab.fixture.ts';
import { workloads } from './workloads.fixture.ts';

function told(outcome: Outcome): unknown {
  return 'error' in outcome ? { error: outcome.error.message } : outcome;
}

describe.each(Object.entries(workloads))('crash at every prefix: %s', (_, workload) => {
  it('has the same result, keeps what was recorded, and repeats nothing that was settled', async () => {
    const original = new Lab();
    const store = new MemoryStore();
    const expected = told(await original.drive(store, workload(original)));
    const events = journal(store);
    const lines = transcript(store);
    expect(events.length).toBeGreaterThan(2);

    for (let seq = 1; seq <= events.length; seq += 1) {
      const prefix = store.prefix('r', seq);
      const lab = Lab.at(events[seq - 1]?.at ?? 0);
      const outcome = told(await lab.drive(prefix, workload(lab)));
      const where = `after a crash at seq ${seq}: ${lines[seq - 1]}`;
      expect(outcome, where).toEqual(expected);
      expect(transcript(prefix).slice(0, seq), where).toEqual(lines.slice(0, seq));
      const settled = settledKeys(events.slice(0, seq));
      expect(
        lab.invoked.filter(({ key }) => settled.has(key)),
        where,
      ).toEqual([]);

      const again = Lab.at(events[seq - 1]?.at ?? 0);
      const before = transcript(prefix);
      const runtime = await again.open(prefix);
      const stop = again.clock.run(() => runtime.isIdle);
      expect(await runtime.replay('r', workload(again)), where).toMatchObject({ reached: 'end' });
      stop();
      expect(transcript(prefix), where).toEqual(before);
      expect(again.invoked, where).toEqual([]);
    }
  });
});
