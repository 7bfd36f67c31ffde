import { resolve } from 'node:path';

import type { Exported, RunId } from '@pawl/runtime';

import { COMMON_OPTIONS, defineCommand, flag, text, texts, usage, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { checkedRunId, journalPlace, readJournal, type JournalPlace } from '../journal-place.ts';
import { clean } from '../render/clean.ts';
import { renderExport, renderPageExport } from '../render/copies.ts';
import { jsonLine } from '../render/json.ts';
import type { Io } from '../terminal.ts';
import { writeWhole } from '../written-file.ts';

export const exportCommand: Command = defineCommand({
  description:
    'Writes a run as text, with the runs that follow it and those that it started: one event a line, the same text for the same history each time. To a file, or to where the output goes.',
  arguments: [{ name: '[run]', description: 'the id of the run' }],
  options: {
    output: text('-o, --output <file>', 'write it to a file (- = print it, as without)'),
    html: text('--html <file>', 'write it as a page that needs nothing else: to look at', {
      conflicts: ['output', 'all'],
    }),
    redact: texts(
      '--redact <path>',
      'do not tell a value, such as $.inputs.email or $..password (repeatable)',
    ),
    all: flag('--all', 'all runs of the journal'),
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl export order-7 -o order-7.pawl', what: 'to take it elsewhere' },
    { command: "pawl export order-7 --redact '$..email' -o bug.pawl", what: 'for a report' },
    { command: 'pawl export order-7 --html order-7.html', what: 'one page, to look at anywhere' },
    { command: 'pawl export order-7 | pawl import - --db other.db', what: 'into another journal' },
  ],
  run: async ({ args, options, io }) => {
    const place = journalPlace(options.db, io);
    if ((args[0] === undefined) !== options.all)
      throw usage('Name a run, or --all, and not both.', 'See the runs: pawl list');
    const runId = args[0] === undefined ? undefined : checkedRunId(args[0]);
    if (options.html !== undefined && runId !== undefined)
      return await exportPage(runId, options.html, { ...options, place, io });
    const file = options.output === '-' ? undefined : options.output;
    if (file === undefined && options.json)
      throw usage(
        'What is printed is the text itself: --json tells of a file.',
        'pawl export <run> -o <file> --json',
      );
    await readJournal(place, async (reader) => {
      const pieces = reader.export(runId, { redact: options.redact });
      if (file === undefined) {
        await print(io, pieces);
        return;
      }
      const written = writeWhole(resolve(io.cwd, file), file, pieces);
      const isRedacted = options.redact.length > 0;
      if (options.json) io.out.line(jsonLine({ exported: { file, ...written, redacted: isRedacted } }));
      else io.out.lines(renderExport(file, written, isRedacted, io.out.theme));
    });
    return DONE;
  },
});

interface PageOptions {
  readonly redact: readonly string[];
  readonly json: boolean;
  readonly place: JournalPlace;
  readonly io: Io;
}

async function exportPage(
  runId: RunId,
  file: string,
  { redact, json: isJson, place, io }: PageOptions,
): Promise<typeof DONE> {
  // No other command needs the page.
  const { runAsPage } = await import('../shared-page.ts');
  const html = await readJournal(place, (reader) => runAsPage(reader, runId, { redact, io }));
  writeWhole(resolve(io.cwd, file), file, onePiece(html));
  const bytes = Buffer.byteLength(html);
  const isRedacted = redact.length > 0;
  if (isJson) io.out.line(jsonLine({ exported: { file, html: true, bytes, redacted: isRedacted } }));
  else io.out.lines(renderPageExport(file, bytes, isRedacted, io.out.theme));
  return DONE;
}

function* onePiece(html: string): Generator<string, void, void> {
  yield html;
}

/** As it is, but to a terminal, which must not obey what was recorded. */
async function print(io: Io, pieces: Generator<string, Exported, void>): Promise<void> {
  for (const piece of pieces) {
    if (io.out.isClosed) return;
    io.out.line(io.out.isTerminal ? clean(piece.trimEnd()) : piece.slice(0, -1));
    await io.out.ready();
  }
}
