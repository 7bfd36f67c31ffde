/**
 * A licence audit: every file below a folder of packages with its digest, its size and the licence of
 * the package it came in, as a table, `files.csv`, and a summary by licence, `summary.json`.
 *
 *     pawl run processes/license-audit.ts
 *     pawl run processes/license-audit.ts --input '{ "limit": 30000, "deny": ["GPL-3.0-only"] }'
 *
 * A batch of thousands of small tasks: kill it at any moment, and `pawl resume` reads only the files
 * whose digest is not in the journal yet. With `deny` the run fails (exit code 3), after the files are
 * written, where a package has one of these licences.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';

import { defineProcess, defineTask } from '@pawl/sdk';
import { z } from 'zod';

const input = z
  .strictObject({
    /** The folder of packages, relative to the folder the program runs in. */
    root: z.string().min(1).default('node_modules'),
    /** The most files that are read, in the order of their paths. */
    limit: z.int().min(1).max(30_000).default(5000),
    concurrency: z.int().min(1).max(256).default(16),
    /** The folder for the results. */
    out: z.string().min(1).default('.pawl/license-audit'),
    deny: z.array(z.string()).default([]),
  })
  .prefault({});

interface Package {
  readonly name: string;
  readonly license: string;
  /** Paths below the root. */
  readonly files: string[];
}

interface FileRow {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly package: string;
  readonly license: string;
}

const NO_PACKAGE = { name: '(no package)', license: 'UNKNOWN' } as const;

const listPackages = defineTask({
  name: 'list-packages',
  /** Packages with their own files, links left out: a package manager's links would count files twice. */
  run: async ({ root, limit }: { root: string; limit: number }, { signal }) => {
    const packages: Package[] = [];
    let left = limit;
    const visit = async (folder: string, outer: Package): Promise<void> => {
      signal.throwIfAborted();
      const entries = await readdir(join(root, folder), { withFileTypes: true });
      const isPackage = entries.some((entry) => entry.isFile() && entry.name === 'package.json');
      const owner = (isPackage && (await readPackage(join(root, folder, 'package.json')))) || outer;
      if (owner !== outer) packages.push(owner);
      for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
        if (left === 0) return;
        const path = posix.join(folder, entry.name);
        if (entry.isDirectory()) await visit(path, owner);
        if (!entry.isFile()) continue;
        owner.files.push(path);
        left -= 1;
      }
    };
    const loose = { ...NO_PACKAGE, files: [] };
    await visit('', loose);
    return [loose, ...packages].filter(({ files }) => files.length > 0);
  },
});

/** Undefined for a package.json that only tells something about its folder, such as a module type. */
async function readPackage(file: string): Promise<Package | undefined> {
  const manifest = parse(await readFile(file, 'utf8'));
  const { name, version, license, licenses } = manifest;
  if (typeof name !== 'string' || typeof version !== 'string') return undefined;
  return { name: `${name}@${version}`, license: licenseName(license ?? licenses), files: [] };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    return { ...JSON.parse(text) };
  } catch {
    return {}; // Packages carry broken ones along as test data.
  }
}

/** An SPDX expression, or what older packages say: `{ type }`, or a list of these. */
function licenseName(said: unknown): string {
  if (typeof said === 'string' && said !== '') return said;
  if (Array.isArray(said) && said.length > 0) return said.map(licenseName).join(' OR ');
  if (typeof said === 'object' && said !== null && 'type' in said) return licenseName(said.type);
  return NO_PACKAGE.license;
}

const digestFile = defineTask({
  name: 'digest-file',
  run: async ({ root, path }: { root: string; path: string }, { signal }) => {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of createReadStream(join(root, path), { signal }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    return { bytes, sha256: hash.digest('hex') };
  },
});

const writeAudit = defineTask({
  name: 'write-audit',
  run: async ({ out, rows, summary }: { out: string; rows: readonly FileRow[]; summary: Summary }) => {
    await mkdir(out, { recursive: true, mode: 0o700 });
    await writeFile(join(out, 'files.csv'), toCsv(rows));
    await writeFile(join(out, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
  },
});

function toCsv(rows: readonly FileRow[]): string {
  const columns = ['path', 'bytes', 'sha256', 'package', 'license'] as const;
  const lines = rows.map((row) => columns.map((column) => cell(String(row[column]))).join(','));
  return `${[columns.join(','), ...lines].join('\n')}\n`;
}

function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

type Summary = ReturnType<typeof summarize>;

function summarize(rows: readonly FileRow[]) {
  const byLicense = Object.entries(Object.groupBy(rows, ({ license }) => license));
  const licenses = byLicense.map(([license, files = []]) => ({
    license,
    packages: new Set(files.map((file) => file.package)).size,
    files: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
  }));
  return {
    files: rows.length,
    bytes: rows.reduce((sum, { bytes }) => sum + bytes, 0),
    licenses: licenses.toSorted((a, b) => b.files - a.files || (a.license < b.license ? -1 : 1)),
  };
}

export default defineProcess({
  name: 'license-audit',
  input,
  run: async ({ root, limit, concurrency, out, deny }, ctx) => {
    const packages = await ctx.task(listPackages, { root, limit });
    const files = packages.flatMap(({ name, license, files: paths }) =>
      paths.map((path) => ({ path, package: name, license })),
    );
    ctx.log(`${files.length} files of ${packages.length} packages`);

    const rows = await ctx.parallel.map(
      files,
      async (file) => ({ ...file, ...(await ctx.task(digestFile, { root, path: file.path })) }),
      { concurrency },
    );

    const summary = summarize(rows);
    await ctx.task(writeAudit, { out, rows, summary });
    const denied = packages.filter(({ license }) => deny.includes(license)).map(({ name }) => name);
    if (denied.length > 0) throw new Error(`Licences that are not allowed: ${denied.join(', ')}`);
    return { ...summary, csv: posix.join(out, 'files.csv') };
  },
});
