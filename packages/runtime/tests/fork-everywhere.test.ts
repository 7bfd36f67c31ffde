import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../src/testing.ts';
import { journal, Lab, settledKeys, transcript, type Outcome } from './lab.fixture.ts';
import { workloads } from './workloads.fixture.ts';

function told(outcome: Outcome): unknown {
  return 'error' in outcome ? { error: outcome.error.message.replace(/^Run \S+/, 'Run') } : outcome;
}

async function outcomeOf(result: Promise<unknown>): Promise<Outcome> {
  try {
    return { value: await result };
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }
}

/** Of a long journal each so many events are taken, so that all kinds of places come up over all workloads. */
const MOST_PLACES = 20;
/** Its result depends on how often a task was tried, and a fork begins with all tries. */
const { retry: _, ...same } = workloads;

describe.each(Object.entries(same))('fork at every event: %s', (_name, workload) => {
  it('shares what came before, does all else again, and leaves the run as it is', async () => {
    const original = new Lab();
    const store = new MemoryStore();
    const expected = told(await original.drive(store, workload(original)));
    const events = journal(store);
    const lines = transcript(store);
    let forks = 0;
    const stride = Math.ceil(events.length / MOST_PLACES);
    for (let seq = 1; seq < events.length; seq += stride) {
      const lab = Lab.at(events.at(-1)?.at ?? 0);
      const runtime = await lab.open(store);
      const stop = lab.clock.run(() => runtime.isIdle);
      const where = `behind seq ${seq}: ${lines[seq - 1]}`;
      const id = `f${seq}`;
      const fork = runtime.fork('r', { afterSeq: seq, id, process: workload(lab) });
      const handle = await fork.catch((error: unknown) => String(error));
      if (typeof handle === 'string') {
        // Where it comes to its end, or another run is a part of it.
        expect(handle, where).toMatch(/comes to its end|is under way/);
      } else {
        forks += 1;
        expect(told(await outcomeOf(handle.result())), where).toEqual(expected);
        expect(transcript(store, id).slice(0, seq), where).toEqual(lines.slice(0, seq));
        const settled = settledKeys(events.slice(0, seq));
        expect(
          lab.invoked.filter(({ key }) => settled.has(key)),
          where,
        ).toEqual([]);
        expect(await runtime.replay(id, workload(lab)), where).toMatchObject({ reached: 'end' });
      }
      stop();
      await runtime.close();
      expect(transcript(store), where).toEqual(lines);
    }
    expect(store.verify().damage).toEqual([]);
    expect(forks).toBeGreaterThan(0);
  });
});
