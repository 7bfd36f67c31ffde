/**
 * What a task of `parallel.map` costs as the map grows, on a journal on this machine's disk:
 *
 *     pnpm --filter @pawl/bench scale [items…] [--concurrency 50] [--repeats 3]
 *
 * Each size runs in a program of its own, so that one does not pay for what another left behind.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import Table from 'cli-table3';

import { measureMap, type MapCost } from './map-cost.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    concurrency: { type: 'string', default: '50' },
    repeats: { type: 'string', default: '3' },
    one: { type: 'boolean', default: false },
  },
});
const concurrency = Number(values.concurrency);
const sizes = positionals.length === 0 ? [1000, 10_000, 100_000] : positionals.map(Number);

if (values.one) console.log(JSON.stringify(await measureMap(sizes[0] ?? 0, concurrency)));
else printTable();

function printTable(): void {
  const table = new Table({
    head: [
      'items',
      'µs a task',
      'commits',
      'rows a task',
      'bytes a task',
      'RSS growth',
      'replay',
      'µs a row',
    ],
    style: { head: [], border: [] },
    colAligns: ['right', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
  });
  for (const items of sizes) {
    const costs = Array.from({ length: Number(values.repeats) }, () => costInItsOwnProgram(items));
    const median = (of: (cost: MapCost) => number): number => medianOf(costs.map(of));
    const rows = median((cost) => cost.rows);
    table.push([
      items.toLocaleString('en'),
      ((median((cost) => cost.runMs) * 1000) / items).toFixed(1),
      String(median((cost) => cost.commits)),
      (rows / items).toFixed(2),
      String(Math.round(median((cost) => cost.fileBytes) / items)),
      `${(median((cost) => cost.rssGrowth) / 2 ** 20).toFixed(0)} MiB`,
      `${median((cost) => cost.replayMs).toFixed(0)} ms`,
      ((median((cost) => cost.replayMs) * 1000) / rows).toFixed(1),
    ]);
  }
  console.log(
    `parallel.map, concurrency ${concurrency}, durability full, median of ${values.repeats}\n${table}`,
  );
}

function costInItsOwnProgram(items: number): MapCost {
  const args = [String(items), '--concurrency', String(concurrency), '--one'];
  const output = execFileSync(
    process.execPath,
    ['--expose-gc', '--conditions=source', fileURLToPath(import.meta.url), ...args],
    { encoding: 'utf8' },
  );
  return JSON.parse(output) as MapCost;
}

function medianOf(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
