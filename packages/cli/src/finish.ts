/** How a driven run is told at its end, and with which code the program ends. */
import type { RunId, Runtime } from '@pawl/runtime';

import { DONE, SIGNAL_EXIT_CODES } from './exit-codes.ts';
import { failureOf } from './failure.ts';
import type { JournalPlace } from './journal-place.ts';
import { OWN_FOLDERS } from './own-folders.ts';
import { clean } from './render/clean.ts';
import { failureJson, renderFailure } from './render/failure.ts';
import { jsonLine } from './render/json.ts';
import { shellWords } from './render/next-commands.ts';
import { outputLines } from './render/output.ts';
import { count, renderRunEnd, renderRunNext, type RunView } from './render/run.ts';
import { runDocument } from './run-document.ts';
import type { RunEnd, Session } from './session.ts';
import type { Io } from './terminal.ts';

export interface FinishOptions {
  readonly io: Io;
  readonly place: JournalPlace;
  readonly isJson: boolean;
  readonly isDebug: boolean;
}

/** What was driven, or followed. */
interface Ended extends Pick<Session, 'endProgress' | 'lastOf' | 'stoppedBy' | 'treeOf'> {
  readonly runtime: Pick<Runtime, 'get'>;
}

/** Calls of one place that the tree at the end of a run shows. */
const SHOWN_CALLS = 12;

/** The run goes to stderr as a tree, its output to stdout: pipes get the value and nothing else. */
export function tellEnd(session: Ended, first: RunId, end: RunEnd, options: FinishOptions): number {
  session.endProgress();
  const runId = session.lastOf(first);
  if (session.stoppedBy !== undefined && end.status === 'left') return tellStopped(session, runId, options);
  if (end.status === 'left') return tellFailure(session, runId, end.error, options);
  const { io, isJson } = options;
  const run = session.runtime.get(runId);
  if (isJson) {
    io.out.line(
      jsonLine({ run: run === undefined ? { id: runId } : runDocument(run), output: end.encoded ?? null }),
    );
    return DONE;
  }
  const view = viewOf(session, runId, options);
  if (view !== undefined) io.err.lines(renderRunEnd(view));
  const output = outputLines(end.output, end.encoded ?? null);
  if (output.length > 0 && io.out.isTerminal) io.err.line('');
  io.out.lines(output);
  if (view !== undefined) io.err.lines(renderRunNext(view));
  return DONE;
}

/** At length, of runs whose replay went another way. */
const MOST_FAILURES = 5;

/**
 * What the replays of `--check` found, told as `pawl replay` tells it.
 * @returns the exit code: that of the first that does not fit, else that of the end
 */
export function tellChecks(
  session: Session,
  exitCode: number,
  { io, isJson, isDebug }: FinishOptions,
): number {
  const { err } = io;
  const failures = session.checks.flatMap((check) =>
    'error' in check ? [failureOf(check.error, io.cwd, isDebug)] : [],
  );
  for (const failure of failures.slice(0, MOST_FAILURES))
    err.lines(isJson ? [failureJson(failure)] : ['', ...renderFailure(failure, err.width, err.theme)]);
  const [first] = failures;
  if (first !== undefined) return first.exitCode;
  const events = session.checks.reduce(
    (sum, check) => sum + ('report' in check ? check.report.events : 0),
    0,
  );
  if (!isJson && session.checks.length > 0)
    err.line(
      `${err.theme.good('✓')} ${count(session.checks.length, 'run')} replayed: the same ${count(events, 'event')}`,
    );
  return exitCode;
}

function viewOf(session: Ended, runId: RunId, { io, place }: FinishOptions): RunView | undefined {
  const run = session.runtime.get(runId);
  if (run === undefined) return undefined;
  const { width, theme } = io.err;
  return {
    run,
    tree: session.treeOf(runId),
    now: io.now(),
    limit: SHOWN_CALLS,
    flags: place.flags,
    places: { cwd: io.cwd, ownFolders: OWN_FOLDERS },
    width,
    theme,
  };
}

function tellFailure(session: Ended, runId: RunId, error: unknown, options: FinishOptions): number {
  const { io, isJson, isDebug } = options;
  const failure = failureOf(error, io.cwd, isDebug);
  if (isJson) {
    io.err.line(failureJson(failure));
    return failure.exitCode;
  }
  if (failure.code === 'RUN_FAILED' || failure.code === 'CANCELLED') {
    const view = viewOf(session, runId, options);
    if (view !== undefined) io.err.lines([...renderRunEnd(view), '']);
  }
  io.err.lines(renderFailure(failure, io.err.width, io.err.theme));
  return failure.exitCode;
}

function tellStopped(session: Ended, runId: RunId, { io, place, isJson }: FinishOptions): number {
  const exitCode = SIGNAL_EXIT_CODES[session.stoppedBy ?? 'SIGINT'];
  const resume = clean(shellWords('pawl', 'resume', runId, ...place.flags));
  if (isJson) {
    const hint = `Go on: ${resume}`;
    io.err.line(
      jsonLine({
        error: { code: 'STOPPED', exitCode, message: `Run ${runId} was stopped.`, hint, data: { runId } },
      }),
    );
  } else {
    io.err.line(`stopped; go on with: ${resume}`);
  }
  return exitCode;
}
