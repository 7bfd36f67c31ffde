import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { openRuntime } from '@pawl/runtime';
import { MemoryStore } from '@pawl/runtime/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { LADDER } from './converge/csv-line.ts';
import { runKilled } from './killed-runs.fixture.ts';
import licenseAudit from './license-audit.ts';

const NODE_MODULES = join(import.meta.dirname, '..', 'node_modules');
const SAMPLE = join(import.meta.dirname, '..', 'journal-fixtures', 'sample', 'packages');

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pawl-audit-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Inputs = Parameters<typeof start>[0];

async function start(inputs: { root: string; limit?: number; deny?: string[] }) {
  const runtime = await openRuntime({ store: new MemoryStore() });
  try {
    return await runtime.start(licenseAudit, { out: folder, ...inputs }).result();
  } finally {
    await runtime.close();
  }
}

interface Row {
  readonly path: string;
  readonly bytes: string;
  readonly sha256: string;
  readonly package: string;
  readonly license: string;
}

/** Read by what the converging process converges on. */
async function readCsv(file: string): Promise<Row[]> {
  const source = encodeURIComponent(LADDER.at(-1)?.source ?? '');
  const { csvLine } = (await import(`data:text/javascript,${source}`)) as {
    csvLine: (line: string) => string[];
  };
  const [head = '', ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
  const columns = csvLine(head);
  return lines.map((line) => {
    const cells = csvLine(line);
    return Object.fromEntries(columns.map((column, i) => [column, cells[i]])) as unknown as Row;
  });
}

/** Sizes and digests, as the system tells them. */
function bySystem(root: string, paths: readonly string[]): Map<string, string> {
  const input = paths.map((path) => `${path}\0`).join('');
  const options = { cwd: root, input, encoding: 'utf8', maxBuffer: 2 ** 26 } as const;
  const digests = execFileSync('xargs', ['-0', 'sha256sum'], options).trimEnd().split('\n');
  return new Map(
    paths.map((path, i) => [path, `${statSync(join(root, path)).size} ${digests[i]?.slice(0, 64)}`]),
  );
}

/** The manifest of the nearest folder above that names a package, looked for from the file upwards. */
function manifestAbove(root: string, path: string): Record<string, unknown> | undefined {
  for (let at = dirname(path); ; at = dirname(at)) {
    const file = join(root, at, 'package.json');
    if (existsSync(file)) {
      const manifest = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
      if ('name' in manifest && 'version' in manifest) return manifest;
    }
    if (at === '.') return undefined;
  }
}

async function audit(inputs: Inputs): Promise<{ rows: Row[]; result: Awaited<ReturnType<typeof start>> }> {
  const result = await start(inputs);
  return { rows: await readCsv(join(folder, 'files.csv')), result };
}

test('of a thousand real files it says what sha256sum, the file system and their package.json say', async () => {
  const { rows, result } = await audit({ root: NODE_MODULES, limit: 1000 });
  expect(rows).toHaveLength(1000);
  expect(rows.map(({ path, bytes, sha256 }) => [path, `${bytes} ${sha256}`])).toEqual([
    ...bySystem(
      NODE_MODULES,
      rows.map(({ path }) => path),
    ),
  ]);
  for (const { path, package: name, license } of rows) {
    const manifest = manifestAbove(NODE_MODULES, path);
    expect(name, path).toBe(
      manifest === undefined ? '(no package)' : `${manifest['name']}@${manifest['version']}`,
    );
    expect(license, path).toBe(manifest?.['license'] ?? 'UNKNOWN');
  }
  expect(result.files).toBe(1000);
  expect(result.bytes).toBe(rows.reduce((sum, row) => sum + Number(row.bytes), 0));
  for (const { license, files, bytes, packages } of result.licenses) {
    const own = rows.filter((row) => row.license === license);
    expect({ files, bytes, packages }).toEqual({
      files: own.length,
      bytes: own.reduce((sum, row) => sum + Number(row.bytes), 0),
      packages: new Set(own.map((row) => row.package)).size,
    });
  }
  expect(JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8'))).toMatchObject({ files: 1000 });
});

test('it knows the ways in which packages tell their licence, and whose a file is', async () => {
  const { rows } = await audit({ root: SAMPLE });
  expect(rows.map((row) => `${row.path} | ${row.package} | ${row.license}`)).toEqual([
    'loose.txt | (no package) | UNKNOWN',
    'alpha/LICENSE | alpha@1.2.3 | MIT',
    'alpha/lib/index.js | alpha@1.2.3 | MIT',
    'alpha/lib/package.json | alpha@1.2.3 | MIT',
    'alpha/package.json | alpha@1.2.3 | MIT',
    'beta/lib/a, or b.js | beta@0.1.0 | MIT OR Apache-2.0',
    'beta/package.json | beta@0.1.0 | MIT OR Apache-2.0',
    'beta/vendor/gamma/index.js | gamma@3.0.0 | ISC',
    'beta/vendor/gamma/package.json | gamma@3.0.0 | ISC',
  ]);
});

test('a licence that is not allowed fails the run, after the files are written', async () => {
  await expect(start({ root: SAMPLE, deny: ['ISC'] })).rejects.toMatchObject({
    code: 'RUN_FAILED',
    message: expect.stringContaining('Licences that are not allowed: gamma@3.0.0'),
  });
  expect(await readCsv(join(folder, 'files.csv'))).toHaveLength(9);
});

test(
  'killed three times and resumed, it reads no file again that it had read, with the same result',
  { timeout: 120_000 },
  async () => {
    const root = NODE_MODULES;
    const { repeated, settled, result } = await runKilled({
      process: 'license-audit',
      inputs: { root, limit: 2000, out: 'killed' },
      folder,
      killAt: [2, 400, 1200],
      effectOf: (task, args) =>
        task === 'digest-file' ? `stream ${join(root, String(args['path']))}` : undefined,
    });
    expect(repeated).toEqual([]);
    expect(settled).not.toContain(null);
    const whole = await start({ root, limit: 2000 });
    expect(result).toEqual({ ...whole, csv: 'killed/files.csv' });
    expect(readFileSync(join(folder, 'killed', 'files.csv'))).toEqual(
      readFileSync(join(folder, 'files.csv')),
    );
  },
);

test('a program that drops its runtime midway and opens another goes on where it was', async () => {
  const root = join(folder, 'packages');
  cpSync(SAMPLE, root, { recursive: true });
  const inputs = { root, out: folder, concurrency: 2 };
  const whole = await start({ root });
  const store = new MemoryStore();
  const dropped = await openRuntime({ store });
  const handle = dropped.start(licenseAudit, inputs, { id: 'r' });
  for await (const { seq } of handle.events()) {
    if (seq === 15) break;
  }
  // As a crash leaves it: the first runtime goes on as it likes, on a store that nobody reads any more.
  const seq = store.getRun('r', 0)?.lastSeq ?? 0;
  const copy = store.prefix('r', seq);
  await dropped.close();
  const runtime = await openRuntime({ store: copy });
  expect(await runtime.resume('r', licenseAudit).result()).toEqual(whole);
  const attempts = copy
    .read('r', 0, 1000)
    .flatMap(({ seq: at, event }) => (event.type === 'AttemptStarted' && at <= seq ? [] : [event]))
    .filter((event) => event.type === 'AttemptStarted');
  const settledBefore = copy
    .read('r', 0, seq)
    .flatMap(({ event }) => (event.type === 'TaskSucceeded' ? [event.key] : []));
  expect(settledBefore.length).toBeGreaterThan(0);
  expect(attempts.filter(({ key }) => settledBefore.includes(key))).toEqual([]);
  await runtime.close();
});
