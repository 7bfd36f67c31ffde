/** What SQLite itself takes of a sequential step: the same statements, the same rows, the same commits, without us. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';

import { benchFolder } from '../bench-folder.ts';
import { BenchFailure } from '../failure.ts';
import type { Order } from '../order.ts';
import { peakRss, Probe } from '../probe.ts';
import type { Sample } from '../sample.ts';
import { exitOf, programOf, start } from '../spawn.ts';
import { Stand } from '../stand.ts';
import { Repeater, traceStatements, type Traced } from '../trace.ts';
import { sequence } from './work.ts';

interface Trace {
  readonly before: readonly Traced[];
  readonly measured: readonly Traced[];
}

function traceFile(): string {
  return join(benchFolder(), 'trace');
}

/** Does what `sequential` does and writes the statements down. */
export async function trace(asked: Order): Promise<Sample> {
  const traced = traceStatements(join(benchFolder(), 'journal.db'));
  const stand = await Stand.open(asked);
  if (asked.warmUp > 0) await stand.runtime.start(sequence, asked.warmUp, { id: 'warm-up' }).result();
  let from = 0;
  let to = 0;
  const sample = await stand.measure(async () => {
    from = traced.length;
    await stand.runtime.start(sequence, asked.steps, { id: 'measured' }).result();
    to = traced.length;
    return { steps: asked.steps, note: 'traced', counts: { statements: to - from } };
  });
  const kept: Trace = { before: traced.slice(0, from), measured: traced.slice(from, to) };
  writeFileSync(traceFile(), serialize(kept));
  return sample;
}

export async function replayed(asked: Order): Promise<Sample> {
  const child = start(benchFolder(), programOf({ ...asked, program: 'trace' }));
  const [status] = await Promise.all([exitOf(child), child.stdout?.resume(), child.stderr?.resume()]);
  if (status !== 0) throw new BenchFailure('PROGRAM', `program trace ended with ${status}`);
  const { before, measured } = deserialize(readFileSync(traceFile())) as Trace;
  const path = join(benchFolder(), 'replayed.db');
  const repeater = new Repeater(path);
  repeater.repeat(before);
  const probe = new Probe(path, false);
  repeater.repeat(measured);
  const { ms, cpuMicros, walBytes } = probe.stop();
  repeater.close();
  const commits = measured.filter(({ sql }) => /^commit$/i.test(sql)).length;
  return {
    ms,
    steps: asked.steps,
    rssBytes: peakRss(),
    diskBytes: null,
    walBytes,
    durability: `SQLite WAL, synchronous=${asked.durability.toUpperCase()}`,
    note: 'the statements of our sequential steps, alone',
    counts: { cpuMicros, commits, statements: measured.length },
  };
}
