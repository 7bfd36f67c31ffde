/**
 * Sends the files of a folder to a store that takes so many connections at once, of all who use it. Each
 * team is a run of its own, in this program or another one on the same journal; a team may use the
 * capacity that others leave, up to a limit of its own, and gets its share when they all have work.
 *
 *     pawl run processes/shared-capacity.ts --input '{ "team": "docs", "root": "docs", "store": "http://…" }'
 *
 * A file is sent by `PUT <store>/<team>/<path>`. Kill a program at any moment: what it held of the capacity
 * comes back to the others, and `pawl resume` sends what has not arrived.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

import { defineProcess, defineTask } from '@pawl/sdk';
import { z } from 'zod';

const input = z.strictObject({
  team: z.string().regex(/^[\w-]+$/),
  root: z.string().min(1),
  store: z.url(),
  /** Connections that the store takes of all teams. */
  capacity: z.int().min(1).default(30),
  /** Connections that one team may have. */
  perTeam: z.int().min(1).default(14),
});

const listFiles = defineTask({
  name: 'list-files',
  run: async ({ root }: { root: string }) => {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    return files.map(({ parentPath, name }) => relative(root, join(parentPath, name))).toSorted();
  },
});

const sendFile = defineTask({
  name: 'send-file',
  retry: { attempts: 3, delay: '500ms' },
  timeout: '60s',
  run: async (
    { root, path, store, team }: { root: string; path: string; store: string; team: string },
    { signal, idempotencyKey },
  ) => {
    const body = await readFile(join(root, path), { signal });
    const address = [store.replace(/\/$/, ''), team, ...path.split('/').map(encodeURIComponent)].join('/');
    const response = await fetch(address, {
      method: 'PUT',
      body,
      signal,
      headers: { 'idempotency-key': idempotencyKey },
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${address} answered ${response.status}: ${answer.slice(0, 200)}`);
    return { bytes: body.length, sha256: createHash('sha256').update(body).digest('hex') };
  },
});

export default defineProcess({
  name: 'shared-capacity',
  input,
  run: async ({ team, root, store, capacity, perTeam }, ctx) => {
    const all = ctx.pool('store', { maxConcurrent: capacity });
    const own = ctx.pool(`store of ${team}`, { maxConcurrent: perTeam, parent: all });
    const paths = await ctx.task(listFiles, { root });
    const sent = await ctx.parallel.map(paths, (path) => own.execute(sendFile, { root, path, store, team }), {
      concurrency: Infinity, // the pools are the limit
    });
    const bytes = sent.reduce((sum, file) => sum + file.bytes, 0);
    // One digest for all: of the files' digests, in the order of their paths.
    const digest = createHash('sha256');
    for (const { sha256 } of sent) digest.update(sha256);
    return { team, files: sent.length, bytes, sha256: digest.digest('hex') };
  },
});
