import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXAMPLES, type Example } from '../../../../processes/examples.fixture.ts';
import { crashEverywhere, mock } from '../../src/testing.ts';
import { Lab } from '../lab.fixture.ts';
import { workloads } from '../workloads.fixture.ts';

/** The tasks of a lab, in the time of the test; they may run twice. */
function tasksOf({ work, flaky }: Lab): Parameters<typeof crashEverywhere>[2] {
  return {
    safe: [work, flaky],
    tasks: [
      mock(work, async (input, task) => {
        await task.sleep(input.ms);
        if ('fail' in input) throw new Error(input.fail);
        return input.value;
      }),
      mock(flaky, async ({ ms, failures, value }, task) => {
        await task.sleep(ms);
        if (task.attempt <= failures) throw new Error('failure');
        return value;
      }),
    ],
  };
}

describe('crashEverywhere finds nothing in', () => {
  it.each(Object.entries(workloads))('%s', async (_, workload) => {
    const lab = new Lab();
    const report = await crashEverywhere(workload(lab), null as never, { ...tasksOf(lab), pairs: 12 });
    expect(report.findings, report.text).toEqual([]);
    expect(report.rows.length).toBeGreaterThan(3);
    expect(report.rows.filter(({ outcome }) => outcome !== 'same')).toEqual([]);
  });
});

describe('crashEverywhere finds nothing in the processes of this repository', () => {
  const root = mkdtempSync(join(tmpdir(), 'pawl-examples-'));
  const server: Server = createServer((request, response) => {
    response.statusCode = request.url === '/gone' ? 404 : 200;
    response.end('page');
  });
  beforeAll(() => {
    mkdirSync(join(root, 'package'));
    writeFileSync(join(root, 'package', 'package.json'), '{"name":"a","version":"1.0.0","license":"MIT"}');
    for (const name of ['a.md', 'b.md', 'c.ts'])
      writeFileSync(join(root, 'package', name), `${name} is a text\n`);
    return new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    server.close();
    server.closeAllConnections();
    rmSync(root, { recursive: true, force: true });
  });
  const urls = (): string[] => {
    const { port } = server.address() as AddressInfo;
    return ['/', '/gone', '/other'].map((path) => `http://127.0.0.1:${port}${path}`);
  };
  const cases: readonly [Example, () => unknown, number][] = [
    ['digest', () => ({ root, out: join(root, '.out/digest.md'), chunkBytes: 16 }), 24],
    ['license-audit', () => ({ root: join(root, 'package'), out: join(root, '.out') }), 24],
    ['quality-gate', () => ({ root, checks: { good: 'true', bad: 'exit 3' } }), 16],
    ['fan-out', () => ({ urls: urls(), out: join(root, '.out/fan-out.md'), attempts: 2 }), 16],
    ['converge', () => ({ target: 0.5, folder: join(root, '.out/converge') }), 3],
  ];

  // Their tasks write what they wrote before, or read.
  it.each(cases)('%s', async (name, inputs, points) => {
    const report = await crashEverywhere(EXAMPLES[name], inputs() as never, { points, safe: 'all' });
    expect(report.findings, report.text).toEqual([]);
    expect(report.rows).toHaveLength(Math.min(points, report.points.all));
  });
});
