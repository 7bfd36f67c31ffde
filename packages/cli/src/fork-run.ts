/** Forks of runs: asked about, made, and driven until they end. */
import { RuntimeError, type ForkAsk, type ForkPlan, type RunId, type RunRecord } from '@pawl/runtime';
import { checkAgainst } from '@pawl/sdk';

import { flag, text, texts, usage, type OptionSpec, type Use } from './command.ts';
import { loadConfig } from './config-file.ts';
import { DONE } from './exit-codes.ts';
import { tellChecks, tellEnd } from './finish.ts';
import { forkDocument } from './fork-document.ts';
import { readJsonOption } from './input-value.ts';
import { runtimeOptions, type DriveValues } from './drive-options.ts';
import { checkedRunId, journalPlace, readJournal, type JournalPlace } from './journal-place.ts';
import { renderForkPlan } from './render/fork-plan.ts';
import { jsonLine } from './render/json.ts';
import { shellWords } from './render/next-commands.ts';
import { codeOfRun, originOf, type RunCode } from './run-code.ts';
import { Session, type SessionOptions } from './session.ts';
import type { Io } from './terminal.ts';

/** How a fork came to be asked for. */
type ForkWord = 'fork' | 'retry' | 'rewind';

interface ForkValues {
  readonly input: string | undefined;
  readonly module: string | undefined;
  readonly id: string | undefined;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly force: boolean;
}

/** What every command that makes a fork takes. */
export const FORK_OPTIONS: { readonly [Name in keyof ForkValues]: OptionSpec<ForkValues[Name]> } = {
  input: text('-i, --input <json>', 'start its process with this instead: JSON, @file, or - for stdin'),
  module: text('-m, --module <file>', 'go on with this module instead of the recorded one'),
  id: text('--id <run>', 'the id of the fork (default: a new one)'),
  dryRun: flag('-n, --dry-run', 'only say what is kept, what is taken over and what is done again'),
  yes: flag('-y, --yes', 'also where that repeats what nothing declares safe to repeat'),
  force: flag('--force', 'load a recorded module outside this folder although it has changed'),
};

/** `--set <call>=<json>`, given several times. */
export const SET_OPTION: OptionSpec<readonly string[]> = texts(
  '--set <call=json>',
  'give the call of a task this result; it is not done (may be given several times)',
);

/** @throws RuntimeError USAGE, REFUSED */
export function settings(given: readonly string[]): Readonly<Record<string, unknown>> | undefined {
  if (given.length === 0) return undefined;
  return Object.fromEntries(
    given.map((each) => {
      const at = each.indexOf('=');
      if (at < 1)
        throw usage(`'${each}' is no result of a call, which --set takes.`, `--set ':fetch={"ok":true}'`);
      return [each.slice(0, at), resultOf(each.slice(0, at), each.slice(at + 1))];
    }),
  );
}

function resultOf(key: string, json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw usage(
      `The result of call ${key} is not JSON: ${reason}.`,
      `A text is quoted twice: --set '${key}="text"'`,
    );
  }
}

interface Asked {
  readonly word: ForkWord;
  readonly runId: RunId;
  readonly ask: ForkAsk;
  readonly values: ForkValues;
  readonly isJson: boolean;
  readonly isDebug: boolean;
  readonly io: Io;
  readonly place: JournalPlace;
  readonly runtime: SessionOptions['runtime'];
}

type Values = ForkValues &
  DriveValues & { readonly db: string | undefined; readonly json: boolean; readonly debug: boolean };

/** One use of a command that makes a fork. @throws as `forkRun` */
export function forkBy(word: ForkWord, { args, options, io }: Use<Values>, ask: ForkAsk): Promise<number> {
  return forkRun({
    word,
    runId: checkedRunId(args[0]),
    ask,
    values: options,
    isJson: options.json,
    isDebug: options.debug,
    io,
    place: journalPlace(options.db, io),
    runtime: runtimeOptions(options, io),
  });
}

/** @throws RuntimeError NOT_FOUND, REFUSED; ValidationError */
async function forkRun(asked: Asked): Promise<number> {
  const { io, place, values, isJson, runId, word } = asked;
  const id = values.id === undefined ? {} : { id: checkedRunId(values.id) };
  const inputs =
    values.input === undefined ? {} : { inputs: await readJsonOption('--input', values.input, io) };
  const ask: ForkAsk = { ...asked.ask, ...id, ...inputs };
  const { run, plan } = await readJournal(place, (reader) => ({
    run: reader.get(runId),
    plan: reader.planFork(runId, ask),
  }));
  if (values.dryRun) return tellPlan(asked, plan);
  const risky = plan.again.filter(({ isRisky, outcome }) => isRisky && outcome !== 'failed');
  if (risky.length > 0 && !values.yes)
    throw mustAsk(
      asked,
      risky.map(({ key }) => key),
    );
  const code = await codeOf(run, asked);
  if ('inputs' in ask && code.definition.input !== undefined)
    await checkAgainst(code.definition.input, ask.inputs, `The input of process '${run.process}'`);
  const { executors } = await loadConfig(io.cwd);
  const session = await Session.open({ io, place, isJson, runtime: asked.runtime, executors });
  try {
    const { runtime } = session;
    const { at: from, ...more } = ask;
    const at = from === undefined ? {} : { at: from };
    const how = { ...more, process: code.definition, module: code.file.recorded, codeHash: code.file.digest };
    const handle = ask.retries
      ? await runtime.retry(runId, { ...how, ...(from === undefined ? {} : { from }) })
      : await runtime.fork(runId, { ...how, ...at });
    if (!isJson) io.err.line(io.err.theme.dim(`${handle.id}, a fork of ${runId} behind event ${plan.seq}`));
    if (word === 'rewind' && run.status === 'running')
      runtime.cancel(runId, `rewound: it goes on as ${handle.id}`);
    const end = await session.drive(handle, run.process, plan.seq + 1);
    const told = { io, place, isJson, isDebug: asked.isDebug };
    return tellChecks(session, tellEnd(session, handle.id, end, told), told);
  } finally {
    await session.close();
  }
}

function codeOf(run: RunRecord, { io, place, values }: Asked): Promise<RunCode> {
  const { module, force } = values;
  return codeOfRun(run, {
    cwd: io.cwd,
    module,
    force,
    originOf: (child) => readJournal(place, (reader) => originOf(reader, child)),
  });
}

function tellPlan({ io, isJson, runId, word }: Asked, plan: ForkPlan): number {
  if (isJson) io.out.line(jsonLine({ fork: forkDocument(runId, plan) }));
  else io.out.lines(renderForkPlan({ word, runId, plan }, io.out.width, io.out.theme));
  return DONE;
}

/** Where it was asked to begin, as it was typed. */
function whereOf({ retries, at, afterSeq }: ForkAsk): readonly string[] {
  if (at !== undefined) return [retries ? '--from' : '--at', at];
  return afterSeq === undefined ? [] : ['--after-seq', String(afterSeq)];
}

function mustAsk({ word, runId, ask, place }: Asked, keys: readonly string[]): RuntimeError {
  const [first = ''] = keys;
  const which = keys.length === 1 ? `Call ${first}` : `${keys.length} calls, ${first} among them,`;
  const may = keys.length === 1 ? 'may have had its effect' : 'may have had their effects';
  const command = shellWords('pawl', word, runId, ...whereOf(ask), '--dry-run', ...place.flags);
  return new RuntimeError(
    'REFUSED',
    `${which} ${may} already, and nothing declares it safe to be repeated (a task that may be tried again says so: retry).`,
    { hint: `See them: ${command}; then say --yes`, data: { runId, calls: keys } },
  );
}
