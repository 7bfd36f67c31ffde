/** Runs a program under the shim, and reads what it did to the disk, and what it told, in the order of both. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath, env } from 'node:process';

import { JOURNAL } from '../journal-place.ts';
import { shimEnvironment } from '../shim/shim.ts';
import type { Journey } from '../voyage.ts';
import type { Durable, Told } from '../told.ts';
import { SOURCES } from '../pawl.ts';

/** Paths are relative to the folder that was watched. */
export type Operation =
  | { readonly type: 'create'; readonly path: string; readonly file: number }
  | { readonly type: 'write'; readonly file: number; readonly offset: number; readonly data: Buffer }
  | { readonly type: 'truncate'; readonly file: number; readonly size: number }
  | { readonly type: 'sync'; readonly file: number }
  | { readonly type: 'unlink'; readonly path: string }
  | { readonly type: 'rename'; readonly path: string; readonly to: string }
  | { readonly type: 'mkdir'; readonly path: string }
  | { readonly type: 'sync folder'; readonly path: string }
  | { readonly type: 'told'; readonly told: Told };

/** The number of each in shim.c. */
const TYPES = [
  '',
  'create',
  'write',
  'truncate',
  'sync',
  'unlink',
  'rename',
  'mkdir',
  'sync folder',
  'told',
] as const;

const HEAD_BYTES = 24;

export function recordVoyage(
  library: string,
  folder: string,
  asked: { readonly durable: Durable; readonly seed: number; readonly journey: Journey },
): readonly Operation[] {
  const root = join(folder, 'disk');
  const log = join(folder, 'operations');
  mkdirSync(root);
  const { durable, seed, journey } = asked;
  const main = join(import.meta.dirname, 'voyage-main.ts');
  const args = [join(root, JOURNAL), durable, seed, journey.legs, journey.bytes].map(String);
  const { status, stderr } = spawnSync(execPath, [...SOURCES, main, ...args], {
    env: {
      PATH: env['PATH'],
      NODE_COMPILE_CACHE: env['NODE_COMPILE_CACHE'] ?? join(tmpdir(), 'pawl-torture-compiled'),
      ...shimEnvironment(library, root, log),
    },
    encoding: 'utf8',
  });
  if (status !== 0) throw new TypeError(`the voyage ended with ${status}: ${stderr}`);
  return parse(readFileSync(log), root);
}

function parse(log: Buffer, root: string): readonly Operation[] {
  const operations: Operation[] = [];
  let told = '';
  for (let at = 0; at < log.length;) {
    const type = TYPES[log.readUInt32LE(at)] ?? '';
    const pathBytes = log.readUInt32LE(at + 4);
    const offset = Number(log.readBigUInt64LE(at + 8));
    // A file that is cut has a length and no bytes.
    const dataBytes = Number(log.readBigUInt64LE(at + 16));
    const path = log.toString('utf8', at + HEAD_BYTES, at + HEAD_BYTES + pathBytes);
    const from = at + HEAD_BYTES + pathBytes;
    const data = log.subarray(from, from + dataBytes);
    at = from + dataBytes;
    if (type === 'told') {
      told += data.toString();
      const lines = told.split('\n');
      told = lines.pop() ?? '';
      for (const line of lines) operations.push({ type, told: JSON.parse(line) as Told });
      continue;
    }
    const operation = operationOf(type, path, offset, data, root);
    if (operation !== undefined) operations.push(operation);
  }
  return operations;
}

function operationOf(
  type: (typeof TYPES)[number],
  path: string,
  offset: number,
  data: Buffer,
  root: string,
): Operation | undefined {
  const file = Number(path);
  const below = (name: string): string => name.slice(root.length + 1);
  switch (type) {
    case 'create':
      return { type, path: below(path), file: offset };
    case 'write':
      return { type, file, offset, data };
    case 'truncate':
      return { type, file, size: offset };
    case 'sync':
      return { type, file };
    case 'rename':
      return { type, path: below(path), to: below(data.toString()) };
    case 'unlink':
    case 'mkdir':
    case 'sync folder':
      return { type, path: below(path) };
    default:
      return undefined;
  }
}
