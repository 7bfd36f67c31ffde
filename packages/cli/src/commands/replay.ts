import { url } from 'node:inspector';

import { DISPLAY_STATUSES } from '@pawl/runtime';
import { EXIT_CODES } from '@pawl/runtime/errors';

import {
  choice,
  COMMON_OPTIONS,
  defineCommand,
  duration,
  flag,
  text,
  usage,
  wholeNumber,
  type Command,
} from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { checkedRunId, journalPlace, readJournal } from '../journal-place.ts';
import { LiveRegion } from '../live/live-region.ts';
import { jsonLine } from '../render/json.ts';
import { renderReplays, replayProgress } from '../render/replays.ts';
import { ReplayTally } from '../replay-tally.ts';
import { codeByItself, replayAll, replayOne, type ReplayOptions, type Verdict } from '../replay-runs.ts';
import { stepReplay } from '../step-replay.ts';
import type { Io } from '../terminal.ts';

/** Between two drawings of how far it is. */
const DRAW_EVERY_MS = 120;

export const replayCommand: Command = defineCommand({
  description:
    'Tries code on recorded runs: what is recorded is handed over, no task runs, and nothing is written. A run does the ' +
    'same, or diverges, or fits and needs new work. Exits 7 where any diverges.',
  arguments: [{ name: '[run]', description: 'the id of the run' }],
  options: {
    all: flag('-a, --all', 'every run of the journal'),
    module: text(
      '-m, --module <file>',
      'try this module instead of the recorded one, on the runs of its processes',
    ),
    process: text('-p, --process <name>', 'of all, only runs of this process'),
    status: choice(
      '-s, --status <status>',
      'of all, only runs with this status',
      DISPLAY_STATUSES,
      undefined,
    ),
    step: flag('--step', 'stop at events: where does the process wait, and for what?'),
    to: wholeNumber('--to <seq>', 'stop at this event; without --step show that and end', undefined, 1),
    break: text('--break <task>', 'stop where the process asks for this task'),
    stall: duration('--stall <duration>', 'how long code may wait for something outside ctx (default: 30s)'),
    force: flag('--force', 'load a recorded module outside this folder although it has changed'),
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl replay --all', what: 'does the code still fit? For CI: exits 7 where not' },
    { command: 'pawl replay --all --status waiting', what: 'only what would have to go on' },
    { command: 'pawl replay run_01kh… --module new.ts', what: 'what if this run had other code?' },
    { command: 'pawl replay run_01kh… --to 12', what: 'where did the process stand at event 12?' },
    { command: 'pawl replay run_01kh… --step', what: 'event by event; a debugger works, too' },
  ],
  run: async ({ args, options, io }) => {
    const [given] = args;
    const { all: isAll, json: isJson, debug: isDebug, module, force, process, status, stall } = options;
    if (isAll === (given !== undefined))
      throw usage(
        isAll ? 'Name a run, or give --all, not both.' : 'Name a run, or give --all.',
        'pawl replay --all',
      );
    if (!isAll && (process !== undefined || status !== undefined))
      throw usage('--process and --status choose among --all.', 'pawl replay --all');
    const isStepping = options.step || options.to !== undefined || options.break !== undefined;
    if (isStepping && isAll)
      throw usage('--step, --to and --break are for one run.', 'pawl replay <run> --step');
    const runId = given === undefined ? undefined : checkedRunId(given);
    const place = journalPlace(options.db, io);
    return await readJournal(place, async (reader) => {
      const isDebugged = options.step || url() !== undefined;
      const replayer = reader.replayer({ isDebugged, ...(stall === undefined ? {} : { stallMs: stall }) });
      try {
        if (isStepping && runId !== undefined) {
          const run = reader.get(runId);
          const code = await codeByItself(run, { reader, cwd: io.cwd, module, force });
          return await stepReplay({
            run,
            steps: replayer.steps(runId, code),
            io,
            isJson,
            to: options.to,
            breakAt: options.break,
            isAsked: options.step && !isJson && io.out.isTerminal && globalThis.process.stdin.isTTY,
          });
        }
        const how: ReplayOptions = { reader, replayer, cwd: io.cwd, isDebug, module, force };
        const verdicts =
          runId === undefined ? replayAll({ process, status }, how) : replayOne(reader.get(runId), how);
        return await tell(verdicts, io, isJson);
      } finally {
        await replayer.close();
      }
    });
  },
});

async function tell(verdicts: AsyncIterable<Verdict>, io: Io, isJson: boolean): Promise<number> {
  const { out, err } = io;
  const tally = new ReplayTally();
  const startedAt = io.now();
  const region = isJson || !err.isTerminal ? undefined : new LiveRegion(err.stream, [out.stream]);
  let exitCode: number = DONE;
  let drawnAt = startedAt;
  try {
    for await (const verdict of verdicts) {
      tally.add(verdict);
      if ('failure' in verdict && (exitCode === DONE || verdict.class === 'diverges'))
        exitCode = verdict.failure.exitCode;
      if (isJson && verdict.class !== 'skipped') out.line(jsonLine(documentOf(verdict)));
      if (io.now() - drawnAt < DRAW_EVERY_MS) continue;
      drawnAt = io.now();
      region?.draw([replayProgress(tally, err.theme)]);
    }
  } finally {
    region?.end();
  }
  const { counts, replayed, events } = tally;
  if (isJson) {
    const { same, diverges, skipped } = counts;
    const summary = {
      same,
      diverges,
      needsNewWork: counts['needs-new-work'],
      notReplayed: counts['not-replayed'],
    };
    out.line(jsonLine({ summary: { replayed, ...summary, skipped, events } }));
  } else {
    out.lines(renderReplays({ tally, cwd: io.cwd, tookMs: io.now() - startedAt }, out.width, out.theme));
    if (replayed + counts['not-replayed'] === 0) err.line(`${err.theme.attention('!')} no run was replayed`);
  }
  return exitCode === DONE || counts.diverges === 0 ? exitCode : EXIT_CODES.NON_DETERMINISM;
}

function documentOf(verdict: Verdict): Readonly<Record<string, unknown>> {
  const { run } = verdict;
  const failure = 'failure' in verdict ? verdict.failure : undefined;
  return {
    run: run.runId,
    process: run.process,
    class: verdict.class,
    seq: failure?.data['seq'] ?? null,
    events: 'events' in verdict ? verdict.events : null,
    asks: 'asks' in verdict ? verdict.asks : null,
    error:
      failure === undefined
        ? null
        : {
            code: failure.code,
            exitCode: failure.exitCode,
            message: failure.message,
            hints: failure.hints,
            data: failure.data,
          },
  };
}
