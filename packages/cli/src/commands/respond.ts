import {
  EXIT_CODES,
  openRuntime,
  RuntimeError,
  type Responded,
  type Responder,
  type Runtime,
} from '@pawl/runtime';
import type { Executor } from '@pawl/sdk';

import {
  COMMON_OPTIONS,
  defineCommand,
  duration,
  flag,
  text,
  usage,
  wholeNumber,
  type Command,
} from '../command.ts';
import { loadConfig, respondBy } from '../config-file.ts';
import { DONE, SIGNAL_EXIT_CODES, type StopSignal } from '../exit-codes.ts';
import { checkedRunId, journalPlace, readJournal } from '../journal-place.ts';
import { clean } from '../render/clean.ts';
import { jsonLine } from '../render/json.ts';
import { respondedLine } from '../render/tasks.ts';
import { respondedDocument } from '../task-document.ts';
import type { Io } from '../terminal.ts';

/** Between two looks whether anything is left. */
const LOOK_MS = 50;
const SIGNALS = Object.keys(SIGNAL_EXIT_CODES) as readonly StopSignal[];

export const respondCommand: Command = defineCommand({
  description:
    'For each open task of the kind, of all runs, the command gets the description as JSON on stdin and answers JSON ' +
    'on stdout; where it fails, the task fails with what it printed on stderr. A command that cannot be run fails ' +
    'nothing: it ends this program. A task is claimed while the command ' +
    'runs, and goes to others if this program dies. Without a command the executor of pawl.config.ts is used. It does ' +
    'not drive runs: pawl resume goes on with them.',
  arguments: [
    { name: '<kind>', description: 'such as agent, as pawl tasks prints it' },
    { name: '[command...]', description: 'the program and its arguments, after --' },
  ],
  options: {
    concurrency: wholeNumber('-c, --concurrency <n>', 'tasks at once (default: 1)', undefined, 1),
    timeout: duration('--timeout <duration>', 'longest time of one try'),
    retry: wholeNumber('--retry <n>', 'tries before the task fails (default: 1)', undefined, 1),
    lease: duration(
      '--lease <duration>',
      'without a sign of life the task goes to others after this (default: 30s)',
    ),
    as: text('--as <worker>', 'the name that answers are recorded under'),
    run: text('--run <run>', 'only the tasks of this run'),
    untilIdle: flag('--until-idle', 'end when no task of the kind is open; exit code 3 if one failed'),
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl respond agent -- claude -p --output-format json', what: 'a coding agent does them' },
    { command: 'pawl respond shell --concurrency 4 -- ./run-task.sh', what: 'four at once' },
    { command: 'pawl respond agent --until-idle', what: 'what is open, as pawl.config.ts says' },
  ],
  run: async ({ args, options, io }) => {
    const [kind = '', ...command] = args.filter((arg) => arg !== undefined);
    const place = journalPlace(options.db, io);
    const runId = options.run === undefined ? undefined : checkedRunId(options.run);
    const executor = await executorOf(kind, command, io);
    await readJournal(place, (reader) => (runId === undefined ? undefined : reader.get(runId)));
    const own = respondBy(executor, io);
    const runtime = await openRuntime({ path: place.path });
    try {
      noteNothingOpen(runtime, { kind, runId }, io);
      let failed = false;
      const { concurrency, timeout, retry, lease, as: worker } = options;
      const responder = runtime.tasks.respond({
        ...own,
        kinds: [kind],
        concurrency: concurrency ?? own.concurrency,
        timeout: timeout ?? own.timeout,
        retry: retry === undefined ? own.retry : { attempts: retry },
        lease,
        worker,
        runId,
        onResponded: (responded) => {
          failed ||= responded.status === 'failed';
          tell(responded, options.json, io);
        },
      });
      const code = await untilStopped(runtime, responder, { kind, runId, untilIdle: options.untilIdle }, io);
      return code === DONE && failed && options.untilIdle ? EXIT_CODES.RUN_FAILED : code;
    } finally {
      await runtime.close();
    }
  },
});

async function executorOf(kind: string, command: readonly string[], io: Io): Promise<Executor> {
  if (kind === '') throw usage('Name a kind of tasks.', 'pawl respond agent -- my-agent');
  if (command.length > 0) return { command };
  const { executors = {} } = await loadConfig(io.cwd);
  const executor = Object.hasOwn(executors, kind) ? executors[kind] : undefined;
  if (executor !== undefined) return executor;
  throw new RuntimeError('USAGE', `Nothing says what answers tasks of kind '${kind}'.`, {
    hint: `pawl respond ${kind} -- <command…>, or an executor in pawl.config.ts`,
  });
}

/** A kind that is misspelled would wait for ever, or be done at once. */
function noteNothingOpen(
  runtime: Runtime,
  { kind, runId }: { readonly kind: string; readonly runId: string | undefined },
  io: Io,
): void {
  const kinds = new Set(runtime.tasks.list({ runId }).map((task) => task.kind));
  if (kinds.has(kind)) return;
  const others = kinds.size === 0 ? '' : `; there is: ${[...kinds].toSorted().join(', ')}`;
  io.err.line(clean(`nothing of kind '${kind}' is open${others}`));
}

function tell(responded: Responded, isJson: boolean, io: Io): void {
  if (!isJson) {
    io.err.line(respondedLine(responded, io.err.theme));
    return;
  }
  io.out.line(jsonLine({ responded: respondedDocument(responded) }));
}

interface Watched {
  readonly kind: string;
  readonly runId: string | undefined;
  readonly untilIdle: boolean;
}

/** The first signal lets what is under way end, the second gives it back. */
async function untilStopped(
  runtime: Runtime,
  responder: Responder,
  watched: Watched,
  io: Io,
): Promise<number> {
  let stoppedBy: StopSignal | undefined;
  const onSignal = new Map<StopSignal, () => void>();
  for (const signal of SIGNALS) {
    const handler = (): void => {
      const drain = stoppedBy === undefined;
      stoppedBy ??= signal;
      if (drain && responder.running > 0)
        io.err.line(`ends with ${responder.running} under way; again to give them back`);
      void responder.stop({ drain });
    };
    onSignal.set(signal, handler);
    process.on(signal, handler);
  }
  const { kind, runId, untilIdle } = watched;
  const timer = untilIdle
    ? setInterval(() => {
        const open = runtime.tasks
          .list({ kinds: [kind], runId })
          .filter(({ status }) => status !== 'answered');
        if (open.length === 0 && responder.running === 0) void responder.stop({ drain: true });
      }, LOOK_MS)
    : undefined;
  try {
    await responder.finished;
    return stoppedBy === undefined ? DONE : SIGNAL_EXIT_CODES[stoppedBy];
  } finally {
    clearInterval(timer);
    for (const [signal, handler] of onSignal) process.off(signal, handler);
  }
}
