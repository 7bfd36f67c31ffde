/**
 * A reduce over a million items, killed at 99 % and resumed. It takes minutes, so no test runs it:
 *
 *     node --conditions=source packages/runtime/tests/reliability/million-main.fixture.ts [items] [concurrency] [durability]
 *
 * Prints the seconds from the start of the second program to its first new item, the items that ran
 * twice, the greatest memory (RSS), and the size of the journal.
 */
import { spawn } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { defineTask, type Process } from '@pawl/sdk';
import { keepHeapSmall, openJournal, openRuntime } from '@pawl/runtime';

const [first = '1000000', second = '64', durability = 'normal', folder] = process.argv.slice(2);
const total = Number(first);
const concurrency = Number(second);
const MIB = 1024 * 1024;

const journalOf = (place: string): string => join(place, 'journal.db');
/** One byte an item: how often its task was called. It outlives the program that is killed. */
const callsOf = (place: string): string => join(place, 'calls');

function tell(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function work(place: string): Promise<void> {
  // As the command line does: Node's heap grows with the machine's memory otherwise.
  keepHeapSmall();
  const calls = openSync(callsOf(place), 'a+');
  closeSync(calls);
  const file = openSync(callsOf(place), 'r+');
  const byte = new Uint8Array(1);
  let begun = 0;
  const touch = defineTask({
    name: 'touch',
    run: (n: number): number => {
      if (begun === 0) tell({ at: 'first', item: n, ms: Math.round(performance.now()) });
      begun += 1;
      byte[0] = 0;
      readSync(file, byte, 0, 1, n);
      byte[0] = (byte[0] ?? 0) + 1;
      writeSync(file, byte, 0, 1, n);
      return n;
    },
  });
  function* numbers(): Generator<number> {
    for (let n = 0; n < total; n += 1) yield n;
  }
  const million: Process<null, number> = (_, ctx) =>
    ctx.reduce(
      numbers(),
      0,
      (sum, n: number, index) => {
        if ((index + 1) % (total / 100) === 0)
          tell({ at: 'item', item: index + 1, rss: process.memoryUsage().rss });
        return sum + n;
      },
      { each: (n) => ctx.task(touch, n), concurrency },
    );
  const runtime = await openRuntime({
    path: journalOf(place),
    durability: durability === 'full' ? 'full' : 'normal',
  });
  const handle =
    runtime.get('r') === undefined
      ? runtime.start(million, null, { id: 'r' })
      : runtime.resume<number>('r', million);
  tell({ at: 'sum', sum: await handle.result() });
  await runtime.close();
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  tell({ at: 'done', peakBytes: Number(peak) * 1024 });
}

interface Told {
  readonly at: string;
  readonly item?: number;
  readonly ms?: number;
  readonly rss?: number;
  readonly sum?: number;
  readonly peakBytes?: number;
}

/** Runs the program until it ends, or is killed where `isEnough`. */
async function run(place: string, isEnough: (told: Told) => boolean): Promise<Told[]> {
  const child = spawn(
    process.execPath,
    ['--conditions=source', import.meta.filename, String(total), String(concurrency), durability, place],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const told: Told[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const next = JSON.parse(line) as Told;
    told.push(next);
    if (isEnough(next)) child.kill('SIGKILL');
  }
  return told;
}

/** What the journal says is done: the items before the mark, and those that are settled behind it. */
function settledIn(place: string): {
  readonly mark: number;
  readonly settled: ReadonlySet<number>;
  readonly rows: number;
} {
  using journal = openJournal({ path: journalOf(place) });
  let mark = 0;
  let rows = 0;
  let settled = new Set<number>();
  for (const { event } of journal.events('r')) {
    rows += 1;
    if (event.type === 'Folded') {
      mark = event.n;
      settled = new Set();
    } else if (event.type === 'TaskSucceeded') settled.add(Number(event.key.split('/')[1]));
  }
  return { mark, settled, rows };
}

const seconds = (from: number): string => ((performance.now() - from) / 1000).toFixed(1);
const mib = (bytes: number | undefined): string => `${Math.round((bytes ?? 0) / MIB)} MiB`;

async function measure(place: string): Promise<void> {
  const began = performance.now();
  const killed = await run(place, ({ item, at }) => at === 'item' && item === total * 0.99);
  console.info(`killed at 99 % after ${seconds(began)} s`);
  console.info(`  greatest RSS ${mib(Math.max(...killed.map(({ rss }) => rss ?? 0)))}`);
  const { mark, settled, rows } = settledIn(place);
  const done = readFileSync(callsOf(place));
  console.info(`  ${rows} rows left, the last mark at ${mark}, ${settled.size} items settled behind it`);
  console.info(`  journal ${mib(statSync(journalOf(place)).size)}`);
  const again = performance.now();
  const resumed = await run(place, () => false);
  const start = resumed.find(({ at }) => at === 'first');
  console.info(
    `resumed: the first new item ${((start?.ms ?? NaN) / 1000).toFixed(2)} s after the program's start`,
  );
  console.info(`  ended after ${seconds(again)} s, greatest RSS ${mib(resumed.at(-1)?.peakBytes)}`);
  const calls = readFileSync(callsOf(place));
  const isDone = (n: number): boolean => n < mark || settled.has(n);
  let repeated = 0;
  let twice = 0;
  for (const [n, count] of calls.entries()) {
    if (count > 1) twice += 1;
    if (count > (done[n] ?? 0) && isDone(n)) repeated += 1;
    if (count === 0) throw new TypeError(`item ${n} was never called`);
  }
  const sum = resumed.find(({ at }) => at === 'sum')?.sum;
  console.info(
    `  ${repeated} settled items were called again; ${twice} that were under way at the kill were called twice`,
  );
  console.info(`  sum ${sum === (total * (total - 1)) / 2 ? 'right' : `wrong: ${String(sum)}`}`);
}

if (folder !== undefined) await work(folder);
else {
  const place = mkdtempSync(join(tmpdir(), 'pawl-million-'));
  try {
    await measure(place);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
