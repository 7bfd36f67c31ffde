import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';

import { finish, finished, inputsOf, stepsOf } from './perform.mjs';

/**
 * The frame around a peer. `node main.mjs <case> <n>` is a supervisor that starts the peer's server if it has one,
 * then the program that works (the same file again), and prints one line of JSON. For `resume` the first program
 * records n steps and kills itself with SIGKILL, and the second is measured.
 *
 * A peer:
 *   durability       what its default promises, in words
 *   note             settings that a good user would choose, and what to know about the figures
 *   most             { case: the largest n that ends in sensible time }; of more, so many are done
 *   serve(dir)       starts a server: { env, pids(), stop() } or { skipped }
 *   open(dir, resumes)  in the program, of which it knows whether it is the second of `resume`: a session
 *   expireLease(dir) what only time would do, done at once between the two programs of `resume`
 * A session:
 *   start(inputs)    starts these runs, which then call `perform`; with no inputs, takes up what was left; settles
 *                  when that is said, or later
 *   sizes()          { diskBytes, walBytes }: of what is kept, and of the log since the last time that it was asked
 *
 * Nothing outlives the supervisor (`guarded`), and it ends what it started at a time limit.
 */

const CASES = ['sequential', 'fanOut', 'runs', 'resume', 'payload'];
const LIMIT_MS = Number(process.env.PEER_LIMIT_S ?? 600) * 1000;
const TOO_LONG = Symbol('too long');

/** A peer did not do what it should; the message says what. */
export class PeerFailure extends Error {
  name = 'PeerFailure';
  code = 'PEER_FAILURE';
}

// Standard output is for the one line; what libraries print goes where a person may look.
const print = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);

export async function measure(peer) {
  const [name, count] = process.argv.slice(2);
  const asked = Number(count);
  const n = Math.min(asked, peer.most?.[name] ?? asked);
  const dir = process.env.BENCH_DIR;
  if (!CASES.includes(name) || !Number.isInteger(asked) || asked < 1 || dir === undefined) {
    process.stderr.write(`usage: BENCH_DIR=<empty folder> node main.mjs <${CASES.join('|')}> <n>\n`);
    process.exit(2);
  }
  if (process.env.PEER_PHASE !== undefined) return await work(peer, name, n, resolve(dir));
  const line = await supervise(peer, name, { asked, n }, resolve(dir));
  print(`${JSON.stringify(line)}\n`, () => process.exit(0));
}

async function supervise(peer, name, { asked, n }, dir) {
  const server = await peer.serve?.(dir);
  if (server?.skipped !== undefined) return server;
  Object.assign(process.env, server?.env);
  try {
    if (name === 'resume') {
      await program('record');
      await peer.expireLease?.(dir);
    }
    const figures = await program(name === 'resume' ? 'resume' : 'work');
    const serverBytes = server === undefined ? 0 : memoryOf(server.pids());
    const fewer = n < asked && `${n} instead of ${asked}, which would take too long`;
    const note = [fewer, peer.note, serverBytes > 0 && `server ${Math.round(serverBytes / 1e6)} MB`];
    return {
      ms: figures.ms,
      steps: stepsOf(name, n),
      rssBytes: figures.rssBytes + serverBytes,
      diskBytes: figures.diskBytes,
      walBytes: figures.walBytes,
      durability: peer.durability,
      note: note.filter(Boolean).join('; '),
    };
  } catch (error) {
    if (error !== TOO_LONG) throw error;
    return { skipped: `took longer than ${LIMIT_MS / 1000} s` };
  } finally {
    await server?.stop();
  }
}

/** Starts this file again as the program that works; its figures, or nothing from one that died as it should. */
async function program(phase) {
  const env = { ...process.env, PEER_PHASE: phase };
  const stdio = ['ignore', 2, 2, 'ipc'];
  const child = guarded(spawn(process.execPath, process.argv.slice(1), { env, stdio }), 'KILL');
  let figures;
  child.on('message', (message) => {
    figures = message;
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), Math.max(LIMIT_MS - performance.now(), 0));
  const [code, signal] = await once(child, 'exit');
  clearTimeout(limit);
  if (performance.now() >= LIMIT_MS) throw TOO_LONG;
  if (figures !== undefined || (phase === 'record' && signal === 'SIGKILL')) return figures;
  throw new PeerFailure(`the program of phase ${phase} ended with ${signal ?? code} and no figures`);
}

async function work(peer, name, n, dir) {
  const resumes = process.env.PEER_PHASE === 'resume';
  const inputs = resumes ? [] : inputsOf(name, n);
  const done = finished(Math.max(inputs.length, 1));

  // The second program starts with opening what the first one left; everywhere else that is no part of the work.
  let startedAt = performance.now();
  const session = await peer.open(dir, resumes);
  const before = resumes ? undefined : await session.sizes();
  if (!resumes) startedAt = performance.now();
  const started = session.start(inputs);
  started.catch(finish);
  await done;
  const ms = performance.now() - startedAt;
  await started;

  const after = resumes ? undefined : await session.sizes();
  const figures = {
    ms: Math.round(ms * 100) / 100,
    rssBytes: process.resourceUsage().maxRSS * 1024,
    diskBytes: resumes ? null : grown(before.diskBytes, after.diskBytes),
    walBytes: resumes ? null : after.walBytes,
  };
  process.send(figures, () => process.exit(0));
}

/** Null where a compaction between took more than the work brought. */
function grown(before, after) {
  return after < before ? null : after - before;
}

/** A server that ends with us: `{ pids(), stop() }`. `signal` is what it needs to leave nothing behind. */
export function serverOf(command, args, { signal, log, ...options }) {
  const server = guarded(
    spawn(command, args, { stdio: ['ignore', log, log], detached: true, ...options }),
    signal,
  );
  const ended = once(server, 'exit');
  return {
    pids: () => [server.pid, ...descendantsOf(server.pid)],
    async stop() {
      server.kill(`SIG${signal}`);
      await ended;
    },
  };
}

/**
 * Ends the child when we have ended, however we did: a shell waits for the end of its own standard input, which
 * only we hold open. The child cannot see to it: a library that is synchronous lets no event of it through.
 */
function guarded(child, signal) {
  const script = `trap '' INT TERM; read -r _; kill -${signal} ${child.pid}`;
  const guard = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  child.once('exit', () => guard.kill('SIGKILL'));
  return child;
}

/** A port of the loopback that is free now. */
export function freePort() {
  const server = createServer();
  return new Promise((done) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/** All processes below this one. */
function descendantsOf(pid) {
  const path = `/proc/${pid}/task/${pid}/children`;
  const children = read(path).trim().split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

/** The peak of one process; of several, which may share pages, the sum of their shares as they are now. */
function memoryOf(pids) {
  const kib = (path, key) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(read(path))?.[1] ?? 0);
  const [only, ...others] = pids;
  if (others.length === 0) return only === undefined ? 0 : kib(`/proc/${only}/status`, 'VmHWM') * 1024;
  return pids.reduce((sum, pid) => sum + kib(`/proc/${pid}/smaps_rollup`, 'Pss') * 1024, 0);
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // It has ended meanwhile.
  }
}

/** The bytes in the files of a folder; `allocated`: with what they reserve, and the rest of each last block. */
export function bytesIn(dir, { allocated }) {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(join(entry.parentPath, entry.name)))
    .reduce((sum, { size, blocks }) => sum + (allocated ? blocks * 512 : size), 0);
}

/**
 * Of a SQLite file in WAL mode: the file with all that is in the WAL, and the WAL at its largest, which it stays at
 * until `checkpoint` truncates it. That goes through the library that has the file open: two builds of SQLite on one
 * file in one process undo each other's locks.
 */
export async function sqliteSizes(path, checkpoint) {
  const walBytes = statSync(`${path}-wal`).size;
  await checkpoint('PRAGMA wal_checkpoint(TRUNCATE)');
  return { diskBytes: statSync(path).size, walBytes };
}
