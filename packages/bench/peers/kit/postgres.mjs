import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  chownSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { freePort, PeerFailure, serverOf } from './peer.mjs';

/** Where Debian keeps the programs of each version, besides the PATH. */
const DEBIAN = '/usr/lib/postgresql';
const UNPRIVILEGED = ['postgres', 'nobody'];
const START_MS = 30_000;

/**
 * A cluster of its own in `dir`, with the settings that initdb gives: fsync and synchronous_commit on. Its URL is
 * in the environment as PEER_DATABASE_URL. Postgres refuses to be root, so for root it runs as another user.
 */
export async function servePostgres(dir) {
  const bin = programs();
  if (bin === undefined) return { skipped: "no Postgres on this machine (Debian's package: postgresql)" };
  const who = unprivileged();
  if (who === undefined) return { skipped: 'Postgres refuses to run as root, and there is no other user' };

  const data = join(dir, 'postgres');
  mkdirSync(data, { mode: 0o700 });
  if (who.uid !== undefined) {
    chownSync(data, who.uid, who.gid);
    chmodSync(dir, 0o711); // To be passed through.
  }
  const password = randomBytes(16).toString('hex');
  const passwordFile = join(data, '..', 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (who.uid !== undefined) chownSync(passwordFile, who.uid, who.gid);
  const how = { ...who, cwd: data, env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' } };
  try {
    const args = ['-D', data, '-U', 'peer', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8'];
    execFileSync(join(bin, 'initdb'), args, { ...how, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    return { skipped: `initdb failed: ${String(error.stderr ?? error.message).trim()}` };
  }

  const port = await freePort();
  const log = openSync(join(dir, 'postgres.log'), 'a');
  const args = [
    '-D',
    data,
    '-p',
    String(port),
    '-c',
    'listen_addresses=127.0.0.1',
    '-c',
    'unix_socket_directories=',
  ];
  // SIGQUIT ends it at once and leaves no shared memory behind.
  const server = serverOf(join(bin, 'postgres'), args, { ...how, signal: 'QUIT', log });
  await ready(bin, port, join(dir, 'postgres.log'));
  return {
    ...server,
    env: { PEER_DATABASE_URL: `postgresql://peer:${password}@127.0.0.1:${port}/postgres` },
  };
}

/** `sizes` of a session: the database, and what was written to the log. */
export function sizesOfPostgres(client) {
  let position = 0;
  return async () => {
    const now = "pg_current_wal_lsn() - '0/0' AS position";
    const { rows } = await client.query(`SELECT pg_database_size(current_database()) AS disk, ${now}`);
    const walBytes = Number(rows[0].position) - position;
    await client.query('CHECKPOINT');
    position = Number((await client.query(`SELECT ${now}`)).rows[0].position);
    return { diskBytes: Number(rows[0].disk), walBytes };
  };
}

function programs() {
  const versions = list(DEBIAN).toSorted((a, b) => Number(b) - Number(a));
  const folders = [
    ...versions.map((version) => join(DEBIAN, version, 'bin')),
    ...process.env.PATH.split(':'),
  ];
  return folders.find((folder) =>
    ['initdb', 'postgres', 'pg_isready'].every((name) => isThere(join(folder, name))),
  );
}

function unprivileged() {
  if (process.getuid() !== 0) return {};
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const user = UNPRIVILEGED.map((name) => users.find(([found]) => found === name)).find(Boolean);
  return user && { uid: Number(user[2]), gid: Number(user[3]) };
}

function list(folder) {
  return isThere(folder) ? readdirSync(folder) : [];
}

function isThere(path) {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}

async function ready(bin, port, log) {
  for (let waitedMs = 0; waitedMs < START_MS; waitedMs += 100) {
    try {
      execFileSync(join(bin, 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(port)]);
      return;
    } catch {
      await delay(100);
    }
  }
  throw new PeerFailure(`Postgres did not start within ${START_MS} ms: ${readFileSync(log, 'utf8')}`);
}
