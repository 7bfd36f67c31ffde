/**
 * Others who do the same. A peer is a folder `peers/<name>/` with a package.json of exact versions and a `main.mjs`:
 * `node main.mjs <case> <n>` with an empty folder in BENCH_DIR prints one line of JSON, a Sample or `{ "skipped": … }`.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { PeerCase } from './case.ts';
import { BenchFailure } from './failure.ts';
import type { Sample, Skipped } from './sample.ts';
import { measureIn, type Command } from './spawn.ts';

export interface Peer {
  readonly name: string;
  /** Where it is installed. */
  readonly folder: string;
}

const PEERS = fileURLToPath(new URL('../peers/', import.meta.url));
const MAIN = 'main.mjs';
const INSTALL_LIMIT_MS = 600_000;
/** Of one case; starting a server counts. */
const CASE_LIMIT_MS = 300_000;
/** It is told a shorter one, so that it can put its server away by itself. */
const TIDY_UP_MS = 10_000;

/** @throws BenchFailure USAGE for a name that is no peer */
export function choosePeers(names: readonly string[]): string[] {
  const all = existsSync(PEERS)
    ? readdirSync(PEERS).filter((name) => existsSync(join(PEERS, name, MAIN)))
    : [];
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined)
    throw new BenchFailure('USAGE', `There is no peer ${unknown}; there are: ${all.join(', ') || 'none'}`);
  return names.length === 0 ? all : [...names];
}

/**
 * Once for what is in its folder: a changed file is another installation. They are no part of the workspace, whose
 * lockfile would carry them all.
 * @throws BenchFailure
 */
export function installPeer(name: string, cache: string): Peer {
  const source = join(PEERS, name);
  const folder = join(cache, 'peers', `${name}-${digestOf(source)}`);
  const done = join(folder, '.installed');
  if (existsSync(done)) return { name, folder };
  mkdirSync(folder, { recursive: true });
  cpSync(source, folder, {
    recursive: true,
    dereference: true,
    filter: (path) => isOwn(relative(source, path)),
  });
  const { status, stderr, error } = spawnSync('npm', ['install', '--no-audit', '--no-fund'], {
    cwd: folder,
    encoding: 'utf8',
    timeout: INSTALL_LIMIT_MS,
  });
  if (status !== 0)
    throw new BenchFailure('PROGRAM', `npm install of peer ${name}: ${error?.message ?? stderr}`);
  writeFileSync(done, '');
  return { name, folder };
}

/** Somebody who works on a peer installs it where it is. */
function isOwn(path: string): boolean {
  return !path.split(sep).includes('node_modules');
}

/** Links are followed: peers share files by them. */
function* filesIn(folder: string): Generator<string> {
  for (const name of readdirSync(folder).toSorted()) {
    const path = join(folder, name);
    if (!isOwn(name)) continue;
    if (statSync(path).isDirectory()) yield* filesIn(path);
    else yield path;
  }
}

function digestOf(folder: string): string {
  const hash = createHash('sha256');
  for (const path of filesIn(folder)) hash.update(`${relative(folder, path)}\0`).update(readFileSync(path));
  return hash.digest('hex').slice(0, 12);
}

/** What goes wrong with a peer is told, and is no reason to stop. */
export async function askPeer(
  peer: Peer,
  asked: PeerCase,
  cache: string,
  limitMs: number = CASE_LIMIT_MS,
): Promise<Sample | Skipped> {
  const command: Command = {
    who: `peer ${peer.name}`,
    args: [join(peer.folder, MAIN), asked.name, String(asked.steps)],
    cwd: peer.folder,
    env: { PEER_LIMIT_S: String(Math.max(1, (limitMs - TIDY_UP_MS) / 1000)) },
  };
  try {
    return await measureIn(cache, command, limitMs);
  } catch (error) {
    if (!(error instanceof BenchFailure)) throw error;
    return { skipped: error.message };
  }
}
