/**
 * A digest of a large text: how many lines and words the files below a folder have, and which words come
 * up most, as a report, `digest.md`.
 *
 *     pawl run processes/digest.ts
 *     pawl run processes/digest.ts --input '{ "root": "packages", "chunkBytes": 16384, "concurrency": 4 }'
 *
 * A pipeline: the source reads on while chunks are counted, and the first is counted long before the last
 * is read. Kill it at any moment: `pawl resume` opens the source behind the last chunk that is in the
 * journal, and counts the chunks that are not counted yet. The journal holds where a chunk is and what was
 * counted in it, not its text.
 */
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';

import { defineProcess, defineTask } from '@pawl/sdk';
import { z } from 'zod';

const input = z
  .strictObject({
    /** The folder of the text, relative to the folder the program runs in. */
    root: z.string().min(1).default('.'),
    extensions: z.array(z.string().startsWith('.')).min(1).default(['.md', '.ts']),
    /** The longest chunk. It ends behind a line, or a word, where it can. */
    chunkBytes: z
      .int()
      .min(16)
      .max(2 ** 24)
      .default(65_536),
    concurrency: z.int().min(1).max(256).default(8),
    /** Shorter words are counted, and not listed. */
    minLetters: z.int().min(1).default(4),
    out: z.string().min(1).default('.pawl/digest.md'),
  })
  .prefault({});

/** Where a chunk is: bytes of a file, the end not included. */
interface Chunk {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** How far the source is: everything before is read. */
interface Cursor {
  readonly file: number;
  readonly offset: number;
}

const LEFT_OUT: ReadonlySet<string> = new Set(['node_modules', 'dist', 'coverage']);

const listTexts = defineTask({
  name: 'list-texts',
  run: async ({ root, extensions }: { root: string; extensions: readonly string[] }, { signal }) => {
    const paths: string[] = [];
    const visit = async (folder: string): Promise<void> => {
      signal.throwIfAborted();
      for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
        if (entry.isDirectory() && !entry.name.startsWith('.') && !LEFT_OUT.has(entry.name))
          await visit(path);
        if (entry.isFile() && extensions.includes(extname(entry.name))) paths.push(path);
      }
    };
    await visit('');
    return paths.toSorted();
  },
});

/** Goes through the files from a place on. It finds where chunks end, and hands over no text. */
async function* readChunks(
  { root, paths, chunkBytes }: { root: string; paths: readonly string[]; chunkBytes: number },
  from: Cursor,
  signal: AbortSignal,
): AsyncGenerator<{ item: Chunk; cursor: Cursor }> {
  const bytes = Buffer.alloc(chunkBytes);
  for (const [file, path] of paths.entries()) {
    if (file < from.file) continue;
    await using handle = await open(join(root, path));
    let start = file === from.file ? from.offset : 0;
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await handle.read(bytes, 0, chunkBytes, start);
      if (bytesRead === 0) break;
      const end = start + lengthOfChunk(bytes.subarray(0, bytesRead), chunkBytes);
      yield { item: { path, start, end }, cursor: { file, offset: end } };
      start = end;
    }
  }
}

/** A chunk that is not the last one of its file ends behind a line, or a word, so that none is cut in two. */
function lengthOfChunk(bytes: Buffer, chunkBytes: number): number {
  if (bytes.length < chunkBytes) return bytes.length;
  return bytes.lastIndexOf('\n') + 1 || bytes.lastIndexOf(' ') + 1 || bytes.length;
}

const countWords = defineTask({
  name: 'count-words',
  run: async ({ root, path, start, end }: Chunk & { root: string }, { signal }) => {
    const stream = createReadStream(join(root, path), { start, end: end - 1, signal, encoding: 'utf8' });
    let text = '';
    for await (const part of stream as AsyncIterable<string>) text += part;
    const words = new Map<string, number>();
    for (const [word] of text.matchAll(/[A-Za-z]+/g)) add(words, word.toLowerCase(), 1);
    return { lines: text.split('\n').length - 1, words };
  },
});

function add(counts: Map<string, number>, word: string, count: number): void {
  counts.set(word, (counts.get(word) ?? 0) + count);
}

interface Digest {
  readonly files: number;
  readonly chunks: number;
  readonly bytes: number;
  readonly lines: number;
  readonly words: number;
  readonly distinct: number;
  readonly top: readonly (readonly [word: string, count: number])[];
}

const writeDigest = defineTask({
  name: 'write-digest',
  run: async ({ out, digest }: { out: string; digest: Digest }) => {
    await mkdir(dirname(out), { recursive: true, mode: 0o700 });
    await writeFile(out, toMarkdown(digest));
  },
});

function toMarkdown({ files, bytes, lines, words, distinct, top }: Digest): string {
  const rows = top.map(([word, count]) => `| ${word} | ${count} |`);
  return [
    `# Digest`,
    '',
    `${files} files, ${bytes} bytes, ${lines} lines, ${words} words, ${distinct} of them distinct.`,
    '',
    '| word | times |',
    '| --- | ---: |',
    ...rows,
    '',
  ].join('\n');
}

export default defineProcess({
  name: 'digest',
  input,
  run: async ({ root, extensions, chunkBytes, concurrency, minLetters, out }, ctx) => {
    const paths = await ctx.task(listTexts, { root, extensions });
    ctx.log(`${paths.length} files`);

    const chunks = ctx.source('chunks', (after: Cursor | undefined, { signal }) =>
      readChunks({ root, paths, chunkBytes }, after ?? { file: 0, offset: 0 }, signal),
    );
    const counted = ctx.parallel.streamAll(
      chunks,
      async (chunk) => ({ ...chunk, ...(await ctx.task(countWords, { root, ...chunk })) }),
      { concurrency },
    );

    // They come as they are done: what is made of them must not depend on their order.
    const total = new Map<string, number>();
    const sums = { chunks: 0, bytes: 0, lines: 0, words: 0 };
    for await (const { start, end, lines, words } of counted) {
      sums.chunks += 1;
      sums.bytes += end - start;
      sums.lines += lines;
      for (const [word, count] of words) {
        add(total, word, count);
        sums.words += count;
      }
    }

    const top = [...total]
      .filter(([word]) => word.length >= minLetters)
      .toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
      .slice(0, 20);
    const digest = { files: paths.length, ...sums, distinct: total.size, top };
    await ctx.task(writeDigest, { out, digest });
    return digest;
  },
});
