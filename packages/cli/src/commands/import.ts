import { randomUUID } from 'node:crypto';
import { createWriteStream, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { openRuntime, RuntimeError, type ImportedRunNote } from '@pawl/runtime';

import { COMMON_OPTIONS, defineCommand, text, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { checkedRunId, journalPlace } from '../journal-place.ts';
import { renderImport } from '../render/copies.ts';
import { jsonLine } from '../render/json.ts';

export const importCommand: Command = defineCommand({
  description:
    'Takes runs in that pawl export wrote: all of the text or nothing of it. A run that had not ended goes on when it is resumed, and not before.',
  arguments: [{ name: '<file>', description: 'the text (- = what comes in)' }],
  options: {
    as: text('--as <id>', 'under another id; only for a run that is alone in the text'),
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl import order-7.pawl', what: 'what pawl export wrote' },
    { command: 'pawl import order-7.pawl --as order-7-again', what: 'beside the one that is here' },
  ],
  run: async ({ args, options, io }) => {
    const place = journalPlace(options.db, io);
    const as = options.as === undefined ? undefined : checkedRunId(options.as);
    const given = args[0] ?? '-';
    // It is read twice: what comes in is kept meanwhile.
    const spool = given === '-' ? join(tmpdir(), `pawl-import-${randomUUID()}`) : undefined;
    try {
      if (spool !== undefined)
        await pipeline(process.stdin, createWriteStream(spool, { flags: 'wx', mode: 0o600 }));
      const runs = await importFrom(spool ?? resolve(io.cwd, given), given, place.path, as);
      if (options.json) io.out.line(jsonLine({ runs: runs.map(documentOf) }));
      else io.out.lines(renderImport(runs, place.flags, io.out.width, io.out.theme));
      return DONE;
    } finally {
      if (spool !== undefined) rmSync(spool, { force: true });
    }
  },
});

async function importFrom(
  file: string,
  asGiven: string,
  path: string,
  as: string | undefined,
): Promise<readonly ImportedRunNote[]> {
  const runtime = await openRuntime({ path });
  try {
    return runtime.copies.import(as === undefined ? { file } : { file, as });
  } catch (error) {
    throw unreadable(error, asGiven);
  } finally {
    await runtime.close();
  }
}

function unreadable(error: unknown, file: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (error instanceof RuntimeError || !/^E[A-Z]+$/.test(code)) return error;
  const isMissing = code === 'ENOENT';
  return new RuntimeError(
    isMissing ? 'NOT_FOUND' : 'REFUSED',
    isMissing ? `There is no file ${file}.` : `${file} cannot be read: ${String(error)}`,
    { hint: 'Make it: pawl export <run> -o <file>', data: { path: file }, cause: error },
  );
}

function documentOf(note: ImportedRunNote): Record<string, unknown> {
  const { runId, process: name, status, events, outcome, isVerified, isRedacted } = note;
  return {
    id: runId,
    process: name,
    status,
    events,
    outcome,
    verified: isVerified,
    redacted: isRedacted,
  };
}
