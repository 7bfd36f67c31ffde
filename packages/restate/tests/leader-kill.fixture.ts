import { setTimeout as delay } from 'node:timers/promises';
import type { RestateCluster } from './cluster.fixture.ts';
import type { FuzzLab } from './fuzz.fixture.ts';
import { journalOf } from './journal.fixture.ts';
import { steadyProcess, wrongInSteady, type Steady } from './steady-process.fixture.ts';

/** So long that nothing but a new leader explains it. */
const STILL_MS = 500;
const MOST_MS = 60_000;
const STEADY: Steady = { steps: 150, ms: 20 };
const process = steadyProcess(() => undefined);

export interface Killed {
  readonly killed: 'partitions' | 'metadata';
  /** Of four. */
  readonly partitionsLed: number;
  readonly runs: number;
  /** Runs that did nothing for longer than half a second. */
  readonly stoodStill: number;
  /** From the kill to the next step of a run: of those that stood still. */
  readonly nextStepMs: { readonly median: number; readonly most: number };
  /** Steps that were under way at the kill, whose end was lost: done again, as `onUnknown` says. */
  readonly unknown: number;
  readonly wrong: readonly string[];
}

/** Kills the leader while runs are under way, waits until each goes on, and judges them; then the node comes back. */
export async function killLeader(
  lab: FuzzLab<RestateCluster>,
  kind: Killed['killed'],
  name: string,
  runs: number,
): Promise<Killed> {
  const { server: cluster, workers } = lab;
  const ids = Array.from({ length: runs }, (_, i) => `${name}-${i}`);
  await Promise.all(ids.map((id) => lab.client.start(process, STEADY, { id })));
  const seenOf = (): Map<string, readonly number[]> => {
    const seen = Map.groupBy(workers.invocations, ({ runId }) => runId);
    return new Map(ids.map((id) => [id, (seen.get(id) ?? []).map(({ at }) => at)]));
  };
  await until(() => [...seenOf().values()].every(({ length }) => length >= 5));
  const victim = (await cluster.led()).toSorted((a, b) =>
    kind === 'metadata' ? Number(b.metadata) - Number(a.metadata) : b.partitions - a.partitions,
  )[0];
  const node = cluster.nodes[victim?.node ?? 0];
  const killedAt = Date.now();
  await node?.kill();
  const { client } = lab;
  const sums = await Promise.all(ids.map((id) => client.run(process.name, id).result()));
  const gaps = [...seenOf().values()]
    .map((times) => longestGap(times, killedAt))
    .filter((ms) => ms > STILL_MS)
    .toSorted((a, b) => a - b);
  await node?.start();
  await cluster.ready();
  const wrong: string[] = [];
  let unknown = 0;
  for (const [i, id] of ids.entries()) {
    const seen = workers.invocations.filter(({ runId }) => runId === id);
    unknown += seen.length - new Set(seen.map(({ key }) => key)).size;
    const problem = wrongInSteady(STEADY, await journalOf(cluster, id), sums[i], seen);
    if (problem !== undefined) wrong.push(`run '${id}': ${problem}`);
  }
  return {
    killed: kind,
    partitionsLed: victim?.partitions ?? 0,
    runs,
    stoodStill: gaps.length,
    nextStepMs: { median: gaps[gaps.length >> 1] ?? 0, most: gaps.at(-1) ?? 0 },
    unknown,
    wrong,
  };
}

/** From the kill on. */
function longestGap(times: readonly number[], killedAt: number): number {
  const gaps = times.map((at, i) => at - Math.max(killedAt, times[i - 1] ?? killedAt));
  return Math.max(...gaps);
}

async function until(isSo: () => boolean): Promise<void> {
  for (let waitedMs = 0; waitedMs < MOST_MS && !isSo(); waitedMs += 20) await delay(20);
}
