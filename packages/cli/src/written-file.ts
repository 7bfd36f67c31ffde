import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

import { RuntimeError } from '@pawl/runtime';

/** What was recorded is for its owner's eyes, as the journal is. */
const FILE_MODE = 0o600;
const CHUNK_CHARS = 256 * 1024;

/**
 * Writes beside the file and puts it in its place when all of it is on the disk: who reads it sees the old one or the
 * new one, also after a crash.
 * @param asGiven for what is told
 * @throws RuntimeError REFUSED or STORAGE where it cannot be written; what `pieces` throws, and then nothing was changed
 */
export function writeWhole<Told>(path: string, asGiven: string, pieces: Generator<string, Told, void>): Told {
  const beside = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  const descriptor = refusing(asGiven, () => openSync(beside, 'wx', FILE_MODE));
  try {
    let chunk = '';
    const flush = (): void => {
      const text = chunk;
      chunk = '';
      refusing(asGiven, () => writeAll(descriptor, Buffer.from(text)));
    };
    let next = pieces.next();
    for (; next.done !== true; next = pieces.next()) {
      chunk += next.value;
      if (chunk.length >= CHUNK_CHARS) flush();
    }
    flush();
    refusing(asGiven, () => {
      fsyncSync(descriptor);
      closeSync(descriptor);
      renameSync(beside, path);
      syncFolder(dirname(path));
    });
    return next.value;
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

function writeAll(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
}

function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

function refusing<T>(asGiven: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw cannotBeWritten(asGiven, cause);
  }
}

/** No room, or a disk that takes nothing: no other name in that place helps. */
const OF_THE_DISK: ReadonlySet<unknown> = new Set(['ENOSPC', 'EROFS', 'EDQUOT', 'EFBIG', 'EIO']);

export function cannotBeWritten(asGiven: string, cause: unknown): RuntimeError {
  const isDisk = cause instanceof Error && 'code' in cause && OF_THE_DISK.has(cause.code);
  return new RuntimeError(isDisk ? 'STORAGE' : 'REFUSED', `${asGiven} cannot be written: ${String(cause)}`, {
    hint: isDisk
      ? 'Make room, or name a file on another disk.'
      : 'Name a file in a folder that is there and that you may write to.',
    data: { path: asGiven },
    cause,
  });
}
