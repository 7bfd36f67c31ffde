import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { addTimelineEvent, barsOf, createTimeline, type JournalReader, type RunId } from '@pawl/runtime';

import { PLACE_OPTIONS, defineCommand, text, wholeNumber, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { checkedRunId, anyPlace, namedOrNewest, readJournal } from '../journal-place.ts';
import { jsonLine } from '../render/json.ts';
import { renderBars, renderTimelineHead, type TimelineView } from '../render/timeline.ts';
import { timelineHtml } from '../render/timeline-html.ts';
import { timelineSvg } from '../render/timeline-svg.ts';
import { Reading } from '../read-events.ts';
import type { Io } from '../terminal.ts';
import { timelineDocument } from '../timeline-document.ts';
import { cannotBeWritten } from '../written-file.ts';

const SHOWN = 12;
/** A file has more room than a terminal. */
const DRAWN = 60;

export const timelineCommand: Command = defineCommand({
  description:
    'A bar for each call: when it waited, worked, failed and was tried again. In the terminal, or as a file for a report. Without an id: the newest run.',
  arguments: [{ name: '[run]', description: 'the id of the run (default: the newest)' }],
  options: {
    limit: wholeNumber(
      '-n, --limit <count>',
      `calls of one place that have a bar of their own (default: ${SHOWN}, in a file ${DRAWN})`,
      undefined,
      1,
    ),
    svg: text('--svg <file>', 'write it as an image'),
    html: text('--html <file>', 'write it as a page that needs nothing else'),
    ...PLACE_OPTIONS,
  },
  examples: [
    { command: 'pawl timeline', what: 'the newest run' },
    { command: 'pawl timeline order-7 --html order-7.html', what: 'for a report' },
  ],
  run: async ({ args, options, io }) => {
    const place = anyPlace(options, io);
    const named = args[0] === undefined ? undefined : checkedRunId(args[0]);
    const isDrawn = options.svg !== undefined || options.html !== undefined;
    const limit = options.limit ?? (isDrawn || options.json ? DRAWN : SHOWN);
    const isPrinted = !isDrawn && !options.json;
    const view = await readJournal(
      place,
      (reader) => {
        const span = spanOf(reader, namedOrNewest(reader, named, place), io.now());
        // It stands there while the rest is read.
        if (isPrinted) io.out.lines(renderTimelineHead(span, io.out.width, io.out.theme));
        return viewOf(reader, span, limit, io);
      },
      { run: named },
    );
    const write = (file: string, content: string): void => writeReport(resolve(io.cwd, file), file, content);
    if (options.svg !== undefined) write(options.svg, timelineSvg(view));
    if (options.html !== undefined) write(options.html, timelineHtml(view));
    const files = [options.svg, options.html].filter((file) => file !== undefined);
    if (options.json) io.out.line(jsonLine({ timeline: timelineDocument(view), files }));
    else if (isDrawn) io.out.lines(files);
    else io.out.lines(renderBars(view, io.out.width, io.out.theme));
    return DONE;
  },
});

type Span = Omit<TimelineView, 'bars'>;

function spanOf(reader: JournalReader, runId: RunId, now: number): Span {
  const run = reader.get(runId);
  const isAlive = run.status === 'running' && run.ownerAlive;
  return { run, from: run.startedAt, to: isAlive ? Math.max(now, run.updatedAt) : run.updatedAt };
}

function viewOf(reader: JournalReader, span: Span, limit: number, io: Io): TimelineView {
  const { run, from, to } = span;
  const timeline = createTimeline(limit);
  const reading = new Reading(io, [run]);
  for (const recorded of reading.events(reader, run.runId)) addTimelineEvent(timeline, recorded);
  reading.end();
  return { run, bars: barsOf(timeline), from, to: Math.max(to, timeline.to) };
}

/** @throws RuntimeError REFUSED, STORAGE */
function writeReport(path: string, asGiven: string, content: string): void {
  try {
    writeFileSync(path, content);
  } catch (cause) {
    throw cannotBeWritten(asGiven, cause);
  }
}
