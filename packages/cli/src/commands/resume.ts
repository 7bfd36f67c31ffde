import { displayStatus, RuntimeError, type RunId, type RunRecord } from '@pawl/runtime';
import type { ProcessDefinition } from '@pawl/sdk';

import { PLACE_OPTIONS, defineCommand, flag, text, usage, type Command } from '../command.ts';
import { loadConfig } from '../config-file.ts';
import { DRIVE_OPTIONS, refuseDriveOptions, runtimeOptions } from '../drive-options.ts';
import { DONE, SIGNAL_EXIT_CODES } from '../exit-codes.ts';
import { failureOf } from '../failure.ts';
import { tellChecks, tellEnd, type FinishOptions } from '../finish.ts';
import { anyPlace, checkedRunId, readJournal, type JournalPlace } from '../journal-place.ts';
import { isOtherCode, type ModuleFile } from '../module-file.ts';
import { clean } from '../render/clean.ts';
import { renderFailure } from '../render/failure.ts';
import { jsonLine } from '../render/json.ts';
import { shellWords } from '../render/next-commands.ts';
import { renderResumedRuns, type ResumedRun } from '../render/resumed-runs.ts';
import { codeOfRun, goesOnWith, originOf, type Origin } from '../run-code.ts';
import { runDocument } from '../run-document.ts';
import { resumeElsewhere } from '../run-elsewhere.ts';
import { Session, type RunEnd } from '../session.ts';

/** Runs that one `resume --all` looks at. */
const MOST_RUNS = 10_000;
/** Runs of which it says at length why they were left. */
const MOST_FAILURES = 5;

interface ResumeOptions extends FinishOptions {
  readonly module: string | undefined;
  readonly force: boolean;
  readonly isAccepted: boolean;
}

export const resumeCommand: Command = defineCommand({
  description:
    'Goes on from the journal: what is done is not done again. A run that has ended gives its recorded result. ' +
    'Code that has changed since, in the module or in a local file that it imports, is tried on what is recorded; ' +
    'the run goes on with it when you accept that.',
  arguments: [{ name: '[run]', description: 'the id of the run (default: the one that was interrupted)' }],
  options: {
    all: flag('-a, --all', 'every run that nobody drives'),
    module: text('-m, --module <file>', 'load this module instead of the recorded one'),
    acceptCodeChange: flag('--accept-code-change', 'go on with code that has changed, and record that'),
    force: flag('--force', 'load a recorded module outside this folder although it has changed'),
    external: flag('--external', 'leave external tasks to others: exit 13 when it waits for them'),
    ...DRIVE_OPTIONS,
    ...PLACE_OPTIONS,
  },
  examples: [
    { command: 'pawl resume', what: 'go on with the run that was interrupted' },
    { command: 'pawl resume run_01kh…', what: 'go on with this one' },
    { command: 'pawl resume --all', what: 'after a crash of the machine' },
    { command: 'pawl resume run_01kh… --accept-code-change', what: 'with the code as it is by now' },
  ],
  run: async ({ args, options, io }) => {
    const [given] = args;
    if (options.all && given !== undefined)
      throw usage('Name a run, or give --all, not both.', 'pawl resume --all');
    const place = anyPlace(options, io);
    const { json: isJson, debug: isDebug, module, force } = options;
    if (place.engine !== undefined) {
      refuseDriveOptions(options);
      if (options.all || module !== undefined || force || options.acceptCodeChange)
        throw usage(
          'On an engine a run is named, and its workers have its code.',
          shellWords('pawl', 'resume', ...place.flags) + ' <run>',
        );
      return await resumeElsewhere(checkedRunId(given), { io, place, isJson, isDebug });
    }
    const driven = runtimeOptions(options, io);
    // Who forces a module that has changed to be loaded has said the same.
    const isAccepted = options.acceptCodeChange || force;
    const told: ResumeOptions = { io, place, isJson, isDebug, module, force: isAccepted, isAccepted };
    const { runs, asleep } = await runsToResume(place, given === undefined ? undefined : checkedRunId(given));
    if (runs.length === 0) return nothingToResume(asleep, told);
    if (!options.all && runs.length > 1) throw ambiguous(runs);
    const loaded = options.all ? undefined : await loadOne(runs[0], told);
    const { executors } = options.external ? {} : await loadConfig(io.cwd);
    const session = await Session.open({ io, place, isJson, runtime: driven, executors });
    try {
      const exitCode =
        loaded === undefined ? await resumeAll(session, runs, told) : await resumeOne(session, loaded, told);
      return tellChecks(session, exitCode, told);
    } finally {
      await session.close();
    }
  },
});

interface Resumable {
  readonly runs: readonly RunRecord[];
  /** One that sleeps has nothing to do before its time. */
  readonly asleep: readonly RunRecord[];
}

/** Read first: a journal that is not there is not made. */
function runsToResume(place: JournalPlace, id: RunId | undefined): Promise<Resumable> {
  return readJournal(place, (reader) => {
    if (id !== undefined) return { runs: [reader.get(id)], asleep: [] };
    const open = reader.list({ limit: MOST_RUNS, statuses: ['running'] });
    const asleep = open.filter((run) => displayStatus(run) === 'sleeping');
    const runs = open.filter((run) => !['running', 'sleeping'].includes(displayStatus(run)));
    const ids = new Set(runs.map(({ runId }) => runId));
    // One that another run started goes on with that one.
    return { runs: runs.filter((run) => !goesOnWith(reader, run, ids)), asleep };
  });
}

function ambiguous(runs: readonly RunRecord[]): RuntimeError {
  const ids = runs.slice(0, 3).map(({ runId }) => runId);
  const more = runs.length > ids.length ? ', …' : '';
  return usage(
    `${runs.length} runs can be resumed: ${ids.join(', ')}${more}.`,
    'Name one, or take all: pawl resume --all',
  );
}

function nothingToResume(asleep: readonly RunRecord[], { io, place, isJson }: ResumeOptions): number {
  const [first] = asleep;
  if (isJson) io.out.line(jsonLine({ runs: [] }));
  else if (first === undefined)
    io.err.line('nothing to resume: every run has ended, or is driven by another program');
  else {
    const pawl = (...words: readonly string[]): string => clean(shellWords('pawl', ...words, ...place.flags));
    const which = asleep.length === 1 ? `run ${clean(first.runId)} sleeps` : `${asleep.length} runs sleep`;
    io.err.line(
      `nothing to resume now: ${which}, and nobody drives ${asleep.length === 1 ? 'it' : 'them'}; have a worker wait for the time: ${pawl('work')}, or go on with one: ${pawl('resume', first.runId)}`,
    );
  }
  return DONE;
}

interface Loaded {
  readonly run: RunRecord;
  /** Undefined for a run that has ended: nothing of it is executed. */
  readonly code: LoadedCode | undefined;
}

interface LoadedCode {
  readonly definition: ProcessDefinition;
  readonly file: ModuleFile;
  /** It is other code than is recorded, and nobody has accepted that. */
  readonly isOther: boolean;
}

async function loadOne(run: RunRecord | undefined, options: ResumeOptions): Promise<Loaded> {
  if (run === undefined) throw new RuntimeError('UNEXPECTED', 'there is no run to load');
  if (run.status !== 'running') return { run, code: undefined };
  const { io, place, module, force, isAccepted } = options;
  const origin = (child: RunRecord): Promise<Origin | undefined> =>
    readJournal(place, (reader) => originOf(reader, child));
  const found = await codeOfRun(run, { cwd: io.cwd, module, force, originOf: origin });
  const { definition, file, codeHash } = found;
  return { run, code: { definition, file, isOther: !isAccepted && isOtherCode(codeHash, file) } };
}

async function resumeOne(session: Session, loaded: Loaded, options: ResumeOptions): Promise<number> {
  const { run } = loaded;
  const end = await drive(session, loaded, options);
  if (run.status !== 'running') session.warn(`Run ${run.runId} had ended: this is its recorded end.`);
  return tellEnd(session, run.runId, end, options);
}

async function drive(session: Session, { run, code }: Loaded, options: ResumeOptions): Promise<RunEnd> {
  const { runtime } = session;
  if (code?.isOther === true && !run.ownerAlive) {
    const refused = await whyRefused(session, run, code, options);
    if (refused !== undefined) return { status: 'left', error: refused };
  }
  const codeHash = code?.file.digest;
  return session.drive(runtime.resume(run.runId, code?.definition, { codeHash }), run.process, run.lastSeq);
}

/** The run is pinned to its code: other code is compared with all that is recorded, and then asked about. */
async function whyRefused(
  { runtime }: Session,
  { runId }: RunRecord,
  { definition, file }: LoadedCode,
  { place }: ResumeOptions,
): Promise<unknown> {
  try {
    const { events } = await runtime.replay(runId, definition);
    return new RuntimeError(
      'REFUSED',
      `${file.given}, or a local file that it imports, has changed since run ${runId} was started. It fits all ${events} events that are recorded, so the run can go on with it.`,
      {
        hint: shellWords('pawl', 'resume', runId, '--accept-code-change', ...place.flags),
        data: { runId, events, fits: true },
      },
    );
  } catch (error) {
    return error;
  }
}

async function resumeAll(
  session: Session,
  runs: readonly RunRecord[],
  options: ResumeOptions,
): Promise<number> {
  const { io, isJson, isDebug } = options;
  const resumed = await Promise.all(
    runs.map(async (run): Promise<ResumedRun> => {
      const end = await loadOne(run, options)
        .then((loaded) => drive(session, loaded, options))
        .catch((error: unknown): RunEnd => ({ status: 'left', error }));
      const failure = end.status === 'left' ? failureOf(end.error, io.cwd, isDebug) : undefined;
      return { runId: run.runId, process: run.process, failure };
    }),
  );
  session.endProgress();
  if (isJson) {
    const documents = resumed.map(({ runId, failure }) => {
      const run = session.runtime.get(runId);
      const error =
        failure === undefined
          ? null
          : { code: failure.code, exitCode: failure.exitCode, message: failure.message };
      return { ...(run === undefined ? { id: runId } : runDocument(run)), left: error };
    });
    io.out.line(jsonLine({ runs: documents }));
  } else {
    io.out.lines(renderResumedRuns(resumed, io.out.width, io.out.theme));
    const failures = resumed.flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
    for (const failure of failures.slice(0, MOST_FAILURES)) {
      io.err.lines(['', ...renderFailure(failure, io.err.width, io.err.theme)]);
    }
  }
  if (session.stoppedBy !== undefined) return SIGNAL_EXIT_CODES[session.stoppedBy];
  return resumed.find(({ failure }) => failure !== undefined)?.failure?.exitCode ?? DONE;
}
