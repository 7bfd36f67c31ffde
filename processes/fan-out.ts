/**
 * Asks many addresses, politely: at most so many at once, at most so many a second, again after a while
 * where a server is busy. Writes a report, `fan-out.md`, of what became of each.
 *
 *     pawl run processes/fan-out.ts --input '{ "urls": ["https://example.org/", "https://example.com/"] }'
 *     pawl run processes/fan-out.ts --input @urls.json
 *
 * Kill it at any moment: `pawl resume` asks only those that have not answered. The rate is kept in the
 * journal's file, so a restart does not give the servers more than they were promised; the pool is shared
 * by all runs that name it.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { defineProcess, defineTask, type Settled } from '@pawl/sdk';
import { z } from 'zod';

const input = z.strictObject({
  urls: z.array(z.url()).min(1).max(100_000),
  /** Requests at once, over all runs. */
  maxConcurrent: z.int().min(1).default(8),
  /** Requests a second, over all runs. */
  perSecond: z.int().min(1).default(16),
  attempts: z.int().min(1).default(4),
  /** The wait before the second attempt; each further one is twice as long. */
  delayMs: z.int().min(0).default(250),
  out: z.string().min(1).default('.pawl/fan-out.md'),
});

/** Worth another try: the server says so, or was not there. */
const BUSY: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

class StatusError extends Error {
  readonly status: number;

  constructor(status: number, url: string) {
    super(`${url} answered ${status}`);
    this.name = 'StatusError';
    this.status = status;
  }
}

interface Page {
  readonly status: number;
  readonly bytes: number;
}

const fetchPage = defineTask({
  name: 'fetch-page',
  timeout: '30s',
  run: async ({ url }: { url: string }, { signal, idempotencyKey }): Promise<Page> => {
    const response = await fetch(url, { signal, headers: { 'idempotency-key': idempotencyKey } });
    const body = await response.arrayBuffer();
    if (!response.ok) throw new StatusError(response.status, url);
    return { status: response.status, bytes: body.byteLength };
  },
});

const writeReport = defineTask({
  name: 'write-report',
  run: async ({ out, text }: { out: string; text: string }) => {
    await mkdir(dirname(out), { recursive: true, mode: 0o700 });
    await writeFile(out, text);
  },
});

function toMarkdown(urls: readonly string[], entries: readonly Settled<Page>[]): string {
  const rows = entries.map((entry) => {
    const told =
      entry.status === 'fulfilled' ? `${entry.value.bytes} bytes` : `**${messageOf(entry.reason)}**`;
    return `| ${urls[entry.index]?.replaceAll('|', '%7C')} | ${told.replaceAll('|', '\\|')} |`;
  });
  const answered = entries.filter(({ status }) => status === 'fulfilled').length;
  return [
    `# ${answered} of ${entries.length} answered`,
    '',
    '| address | answer |',
    '| --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

export default defineProcess({
  name: 'fan-out',
  input,
  run: async ({ urls, maxConcurrent, perSecond, attempts, delayMs, out }, ctx) => {
    const pool = ctx.pool('fan-out', { maxConcurrent, rate: { limit: perSecond, per: '1s' } });
    const entries = await ctx.parallel.mapSettled(
      urls,
      (url) =>
        pool.execute(
          fetchPage,
          { url },
          {
            retry: {
              attempts,
              delay: delayMs,
              jitter: 0.2,
              shouldRetry: (error) => !(error instanceof StatusError) || BUSY.has(error.status),
            },
          },
        ),
      { concurrency: Infinity }, // the pool is the limit
    );
    await ctx.task(writeReport, { out, text: toMarkdown(urls, entries) });
    const bytes = entries.reduce(
      (sum, entry) => sum + (entry.status === 'fulfilled' ? entry.value.bytes : 0),
      0,
    );
    const failed = entries.filter(({ status }) => status === 'rejected').map(({ index }) => urls[index]);
    return { asked: urls.length, answered: urls.length - failed.length, bytes, failed };
  },
});
