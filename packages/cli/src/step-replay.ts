/** Stepping through a recorded run: to one place, or from stop to stop as somebody types. */
import { createInterface } from 'node:readline';

import {
  logText,
  nearest,
  RuntimeError,
  type JournalEvent,
  type ReadRun,
  type ReplaySteps,
  type ReplayStop,
  type Seq,
} from '@pawl/runtime';

import { DONE } from './exit-codes.ts';
import { jsonLine } from './render/json.ts';
import { renderStop } from './render/replay-stop.ts';
import { timestamp } from './run-document.ts';
import type { Io } from './terminal.ts';

export interface StepOptions {
  readonly run: ReadRun;
  readonly steps: ReplaySteps;
  readonly io: Io;
  readonly isJson: boolean;
  /** Where it stops first. */
  readonly to: Seq | undefined;
  /** Calls by that name are stopped at. */
  readonly breakAt: string | undefined;
  /** Somebody types. */
  readonly isAsked: boolean;
}

/** @throws NonDeterminismError; RuntimeError NOT_FOUND, STALLED */
export async function stepReplay(options: StepOptions): Promise<number> {
  const stepping = new Stepping(options);
  try {
    await stepping.begin();
    if (options.isAsked) await stepping.ask();
    return DONE;
  } finally {
    options.steps.close();
  }
}

const HELP = [
  'n, next      the next event (or press Enter)',
  'c, continue  to the next stop of --break, else to the end',
  'to <seq>     to that event',
  'q, quit      leave',
];

class Stepping {
  readonly #options: StepOptions;
  readonly #breaks: readonly Seq[];
  #seq: Seq = 0;
  #isOver = false;

  constructor(options: StepOptions) {
    this.#options = options;
    const { to, steps, breakAt, run } = options;
    if (to !== undefined && (to < 1 || to > steps.lastSeq)) throw noSuchSeq(run, to, steps.lastSeq);
    this.#breaks = breakAt === undefined ? [] : breaksOf(run, steps, breakAt);
  }

  /** Where nobody says where to, it is the first event, or the last where nobody types. */
  async begin(): Promise<void> {
    const { to, isAsked, steps } = this.#options;
    await this.#show(to ?? this.#breaks[0] ?? (isAsked ? 1 : steps.lastSeq));
  }

  /** Until somebody quits, or it is at its end. */
  async ask(): Promise<void> {
    const { io } = this.#options;
    const { theme } = io.out;
    const lines = createInterface({
      input: process.stdin,
      output: io.out.stream,
      prompt: theme.dim('step> '),
    });
    lines.prompt();
    try {
      for await (const line of lines) {
        if (await this.#obey(line.trim())) return;
        lines.prompt();
      }
    } finally {
      lines.close();
    }
  }

  /** Whether that was all. */
  async #obey(line: string): Promise<boolean> {
    const { io, steps } = this.#options;
    const [word = '', argument] = line.split(/\s+/);
    if (word === 'q' || word === 'quit') return true;
    if (word === '' || word === 'n' || word === 'next') {
      await this.#show(this.#seq + 1);
    } else if (word === 'c' || word === 'continue') {
      await this.#show(this.#breaks.find((seq) => seq > this.#seq) ?? steps.lastSeq + 1);
    } else if (word === 'to') {
      const seq = Number(argument);
      if (Number.isInteger(seq) && seq > this.#seq && seq <= steps.lastSeq) await this.#show(seq);
      else
        io.out.line(
          io.out.theme.attention(
            `to takes a seq from ${this.#seq + 1} to ${steps.lastSeq}: a replay does not go back`,
          ),
        );
    } else {
      io.out.lines(HELP);
    }
    return this.#isOver;
  }

  async #show(to: Seq): Promise<void> {
    const { run, steps, io, isJson } = this.#options;
    const stop = await steps.advance(to);
    this.#seq = stop.recorded?.seq ?? 0;
    this.#isOver = stop.reached !== 'seq';
    const { width, theme } = io.out;
    if (isJson) io.out.line(jsonLine({ stop: stopDocument(run, stop) }));
    else io.out.lines(renderStop({ run, stop, cwd: io.cwd, width, theme }));
  }
}

function stopDocument(run: ReadRun, stop: ReplayStop): Readonly<Record<string, unknown>> {
  const { recorded, lastSeq, reached, asks, open, outside, logs } = stop;
  return {
    run: run.runId,
    process: run.process,
    seq: recorded?.seq ?? 0,
    lastSeq,
    at: timestamp(recorded?.at ?? null),
    event: recorded?.event ?? null,
    reached,
    asks,
    open: open.map(({ node, where }) => ({ key: node.key, kind: node.kind, status: node.status, where })),
    outside,
    logs: logs.map(({ values }) => logText(values)),
  };
}

/** Where calls by that name are recorded. @throws RuntimeError NOT_FOUND with the nearest names */
function breaksOf(run: ReadRun, steps: ReplaySteps, name: string): Seq[] {
  const found: Seq[] = [];
  const names = new Set<string>();
  for (const { seq, event } of steps.events()) {
    const called = calledName(event);
    if (called === undefined) continue;
    names.add(called);
    if (called === name) found.push(seq);
  }
  if (found.length > 0) return found;
  const near = nearest(name, [...names]);
  throw new RuntimeError('NOT_FOUND', `Run ${run.runId} has no call of task '${name.slice(0, 128)}'.`, {
    hint: hintOf(run, near, [...names]),
    data: { nearest: near },
  });
}

const MOST_NAMES = 8;

function hintOf(run: ReadRun, near: readonly string[], names: readonly string[]): string {
  if (near.length > 0) return `Did you mean ${near.map(quoted).join(' or ')}?`;
  if (names.length === 0) return `It has none: pawl show ${run.runId}`;
  const more = names.length > MOST_NAMES ? ', …' : '';
  return `It has ${names.slice(0, MOST_NAMES).map(quoted).join(', ')}${more}`;
}

function quoted(name: string): string {
  return `'${name}'`;
}

function calledName(event: JournalEvent): string | undefined {
  switch (event.type) {
    case 'TaskScheduled':
    case 'TaskOffered':
      return event.task;
    case 'SignalAwaited':
      return event.name;
    case 'BreakpointOpened':
      return event.title;
    case 'ChildStarted':
      return event.process;
    case 'StreamOpened':
      return event.kind === 'source' ? event.name : undefined;
    default:
      return undefined;
  }
}

function noSuchSeq(run: ReadRun, seq: Seq, lastSeq: Seq): RuntimeError {
  return new RuntimeError('NOT_FOUND', `Run ${run.runId} has no event ${seq}: its last is ${lastSeq}.`, {
    hint: `See them: pawl events ${run.runId}`,
    data: { runId: run.runId, seq, lastSeq },
  });
}
