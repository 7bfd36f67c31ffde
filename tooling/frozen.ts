import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

// Journals of released versions never change. Their digests stand in journal-fixtures/frozen.sha256, as sha256sum
// writes them: `cd journal-fixtures && sha256sum -c frozen.sha256`.

const LIST = 'frozen.sha256';
/** What is beside the journals, and no part of one. */
const LOOSE: ReadonlySet<string> = new Set([LIST, 'README.md']);

/** Digests by path below the folder, with forward slashes. */
export function frozenIn(fixtures: string): ReadonlyMap<string, string> {
  const file = join(fixtures, LIST);
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
}

/** The same of what is there. */
export function presentIn(fixtures: string): ReadonlyMap<string, string> {
  const files = readdirSync(fixtures, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(fixtures, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !LOOSE.has(path));
  return new Map(files.toSorted().map((path) => [path, digestOf(readFileSync(join(fixtures, path)))]));
}

function digestOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Adds what is there and was not frozen; what was stays as it is. */
export function freeze(fixtures: string): readonly string[] {
  const frozen = frozenIn(fixtures);
  const all = new Map([...presentIn(fixtures), ...frozen]);
  const lines = [...all]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, digest]) => `${digest}  ${path}\n`);
  writeFileSync(join(fixtures, LIST), lines.join(''));
  return [...all.keys()].filter((path) => !frozen.has(path));
}
