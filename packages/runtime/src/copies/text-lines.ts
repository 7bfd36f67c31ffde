import { closeSync, openSync, readSync } from 'node:fs';

import { cutOff, JournalTextRefusal } from '../journal/journal-text.ts';

const CHUNK_BYTES = 1024 * 1024;
/** Four times the largest value that a run may record, and far below what a string can hold. */
const MOST_LINE_BYTES = 64 * 1024 * 1024;
const LINE_END = 0x0a;

/** Lines of a file, without their ends. @throws JournalTextRefusal for what is no text, or is cut off; errors of Node */
export function* fileLines(path: string): Generator<string, void, void> {
  const descriptor = openSync(path, 'r');
  try {
    yield* linesOf(chunksOf(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

function* chunksOf(descriptor: number): Generator<Buffer, void, void> {
  for (;;) {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    const size = readSync(descriptor, chunk);
    if (size === 0) return;
    yield chunk.subarray(0, size);
  }
}

export function* textLines(text: string): Generator<string, void, void> {
  yield* linesOf([Buffer.from(text)]);
}

function* linesOf(chunks: Iterable<Buffer>): Generator<string, void, void> {
  let line = 1;
  let pieces: Buffer[] = [];
  let bytes = 0;
  const text = (): string => {
    const whole = Buffer.concat(pieces);
    pieces = [];
    bytes = 0;
    return decoded(whole, line);
  };
  for (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_END); end !== -1; end = chunk.indexOf(LINE_END, from)) {
      pieces.push(chunk.subarray(from, end));
      yield text();
      line += 1;
      from = end + 1;
    }
    pieces.push(chunk.subarray(from));
    bytes += chunk.length - from;
    if (bytes > MOST_LINE_BYTES)
      throw new JournalTextRefusal('malformed', line, `it is longer than ${MOST_LINE_BYTES} bytes`);
  }
  if (bytes > 0) throw cutOff(line);
}

function decoded(bytes: Buffer, line: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const sound = bytes.toString('utf8');
    throw new JournalTextRefusal('malformed', line, 'it is no UTF-8', sound.indexOf('\uFFFD') + 1 || 1);
  }
}
