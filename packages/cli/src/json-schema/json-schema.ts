/** The contract of `--json`: for each command the documents that it writes, one a line. */
import { JSON_VERSION } from '../render/json.ts';
import { IMPORTED, KEY, PRUNED, ROTATED } from './copy-shapes.ts';
import { LOG_ENTRY, LOG_LINE } from './log-shapes.ts';
import { DEFS } from './run-shapes.ts';
import {
  anyOf,
  byName,
  DETAILS,
  document,
  fields,
  list,
  NUMBER,
  oneOf,
  orNull,
  sameAs,
  TEXT,
  TIME,
  VALUE,
  WHOLE,
  YES_NO,
  type Shape,
} from './shape.ts';

const RESPONDED = fields({
  id: TEXT,
  runId: TEXT,
  key: TEXT,
  task: TEXT,
  status: TEXT,
  ack: orNull(TEXT),
  error: orNull(TEXT),
});

/** On stderr, of any command. */
const ERROR = document({
  error: fields(
    { code: TEXT, exitCode: WHOLE, message: TEXT, hint: orNull(TEXT), data: DETAILS },
    { hints: list(TEXT), where: TEXT, stack: TEXT },
  ),
});

/** On stderr, of commands that drive runs, before their document or instead of one. */
const NOTES: readonly Shape[] = [LOG_ENTRY, document({ warning: fields({ runId: TEXT, message: TEXT }) })];
const WORK_NOTES: readonly Shape[] = [
  ...NOTES,
  document({ note: DETAILS }),
  document({ responded: RESPONDED }),
];

const ENDED = document({ run: anyOf(sameAs('run'), fields({ id: TEXT })), output: VALUE });
const FORK = document({
  fork: fields({
    parent: TEXT,
    seq: WHOLE,
    before: orNull(TEXT),
    kept: list(fields({ name: TEXT, count: WHOLE })),
    reused: list(fields({ key: TEXT, name: TEXT })),
    again: list(fields({ key: TEXT, kind: TEXT, name: TEXT, outcome: orNull(TEXT), risky: YES_NO })),
  }),
});

/** What came of something that was sent to a run. */
const ACK = { status: oneOf('accepted', 'duplicate', 'invalid', 'closed', 'unknown'), isDriven: YES_NO };
const ACK_MAYBE = { messageId: TEXT, issues: VALUE };
const ANSWER = document({ runId: TEXT, key: TEXT, approved: YES_NO, by: TEXT, ...ACK }, ACK_MAYBE);

const TIMES = fields({ count: WHOLE, averageMs: NUMBER, maxMs: NUMBER, p50Ms: NUMBER, p95Ms: NUMBER });
/** By resource; null: without limit. */
const AMOUNTS = byName(orNull(NUMBER));
const COUNTS = ['started', 'completed', 'failed', 'timedOut', 'cancelled', 'refused', 'retries', 'zombies'];
const POOL = fields({
  name: TEXT,
  parent: orNull(TEXT),
  weight: NUMBER,
  limits: AMOUNTS,
  set: YES_NO,
  used: AMOUNTS,
  available: AMOUNTS,
  active: WHOLE,
  queueLength: WHOLE,
  owners: WHOLE,
  utilization: NUMBER,
  averageUtilization: orNull(NUMBER),
  stats: fields({
    ...Object.fromEntries(COUNTS.map((name) => [name, WHOLE])),
    wait: TIMES,
    run: TIMES,
    averageActive: NUMBER,
  }),
});
const STATS = fields({
  process: TEXT,
  runs: byName(WHOLE),
  duration: TIMES,
  tasks: list(
    fields({
      name: TEXT,
      calls: WHOLE,
      succeeded: WHOLE,
      failed: WHOLE,
      cancelled: WHOLE,
      retries: WHOLE,
      retryMs: NUMBER,
      run: TIMES,
    }),
  ),
  slowest: list(fields({ runId: TEXT, path: TEXT, ms: NUMBER })),
  resumes: WHOLE,
  savedMs: NUMBER,
});
const SCHEDULE = fields({
  name: TEXT,
  cron: TEXT,
  zone: TEXT,
  process: TEXT,
  module: orNull(TEXT),
  codeHash: orNull(TEXT),
  inputs: VALUE,
  missed: oneOf('skip', 'one', 'all'),
  overlap: oneOf('allow', 'skip', 'queue'),
  paused: YES_NO,
  nextAt: orNull(TIME),
  lastAt: orNull(TIME),
});

const DIFF_CALL = orNull(
  fields({
    seq: WHOLE,
    kind: TEXT,
    name: TEXT,
    input: TEXT,
    output: orNull(TEXT),
    status: TEXT,
    error: orNull(TEXT),
    attempts: WHOLE,
    openedAt: TIME,
    endedAt: orNull(TIME),
  }),
);
const DIFFERENCE = fields({
  key: TEXT,
  in: oneOf('a', 'b', 'both'),
  aspects: list(TEXT),
  a: DIFF_CALL,
  b: DIFF_CALL,
});
const DIFF_SIDE = fields({ id: TEXT, process: TEXT, status: TEXT, codeHash: orNull(TEXT) });
const DIFF = fields({
  a: DIFF_SIDE,
  b: DIFF_SIDE,
  same: YES_NO,
  calls: fields({ same: WHOLE, different: WHOLE, onlyA: WHOLE, onlyB: WHOLE }),
  first: orNull(DIFFERENCE),
  differences: list(DIFFERENCE),
  hasMore: YES_NO,
  durations: list(fields({ key: TEXT, name: TEXT, aMs: NUMBER, bMs: NUMBER })),
  cut: YES_NO,
});

const BAR = { kind: TEXT, depth: WHOLE, status: TEXT, from: TIME, to: orNull(TIME) };
const PART = fields({
  kind: oneOf('run', 'wait', 'backoff', 'stopped'),
  from: TIME,
  to: orNull(TIME),
  failed: YES_NO,
});
const TIMELINE = fields({
  run: TEXT,
  process: TEXT,
  status: TEXT,
  from: TIME,
  to: TIME,
  bars: list(
    anyOf(
      fields({ ...BAR, key: TEXT, name: TEXT, attempts: WHOLE, parts: list(PART) }),
      fields({ ...BAR, kind: oneOf('rest'), within: TEXT, count: WHOLE, failed: WHOLE }),
    ),
  ),
});

const WAIT = fields(
  {
    runId: TEXT,
    process: TEXT,
    kind: oneOf('message', 'task', 'breakpoint', 'outcome'),
    key: TEXT,
    name: TEXT,
    prompt: orNull(TEXT),
    data: VALUE,
    secret: YES_NO,
    since: TIME,
    dueAt: orNull(TIME),
    schema: VALUE,
  },
  { breakpoint: DETAILS, answered: YES_NO },
);

const REPLAYED = document({
  run: TEXT,
  process: TEXT,
  class: TEXT,
  seq: orNull(WHOLE),
  events: orNull(WHOLE),
  asks: orNull(fields({ what: TEXT, key: TEXT, where: orNull(TEXT) })),
  error: orNull(fields({ code: TEXT, exitCode: WHOLE, message: TEXT, hints: list(TEXT), data: DETAILS })),
});
const STOP = document({
  stop: fields({
    run: TEXT,
    process: TEXT,
    seq: WHOLE,
    lastSeq: WHOLE,
    at: orNull(TIME),
    event: orNull({ ...fields({ type: TEXT }), additionalProperties: true }),
    reached: TEXT,
    asks: orNull(fields({ what: TEXT, key: TEXT, where: orNull(TEXT) })),
    open: list(fields({ key: TEXT, kind: TEXT, status: TEXT, where: orNull(TEXT) })),
    outside: orNull(fields({ type: TEXT, where: orNull(TEXT) })),
    logs: list(TEXT),
  }),
});
const REPLAYS = document({
  summary: fields({
    replayed: WHOLE,
    same: WHOLE,
    diverges: WHOLE,
    needsNewWork: WHOLE,
    notReplayed: WHOLE,
    skipped: WHOLE,
    events: WHOLE,
  }),
});

const TASK_DONE = document(
  { taskId: TEXT, action: TEXT, status: TEXT },
  {
    claim: TEXT,
    worker: orNull(TEXT),
    until: orNull(TIME),
    task: sameAs('openTask'),
    opensAt: orNull(TIME),
    ...ACK_MAYBE,
  },
);

const CHECK = fields(
  { name: TEXT, level: oneOf('ok', 'note', 'problem'), text: TEXT },
  { hint: TEXT, exitCode: WHOLE },
);

const TOP = document({
  top: fields({
    counts: byName(WHOLE),
    hasMore: YES_NO,
    endedLastMinute: WHOLE,
    // A run, and what of it is under way.
    runs: list({
      ...fields({ open: list(fields({ key: TEXT, kind: TEXT, status: TEXT })) }),
      additionalProperties: true,
    }),
    hidden: WHOLE,
    pools: list(fields({ name: TEXT, active: WHOLE, queueLength: WHOLE, utilization: orNull(NUMBER) })),
  }),
});
/** By command, in the order of the help. */
const DOCUMENTS: Readonly<Record<string, readonly Shape[]>> = {
  run: [ENDED, ...NOTES],
  resume: [
    ENDED,
    document({ runs: list(anyOf(sameAs('resumedRun'), fields({ id: TEXT, left: VALUE }))) }),
    ...NOTES,
  ],
  retry: [ENDED, FORK, ...NOTES],
  fork: [ENDED, FORK, ...NOTES],
  rewind: [ENDED, FORK, ...NOTES],
  'exec-step': [document({ step: fields({ runId: TEXT, key: TEXT, output: VALUE }) }), ...NOTES],
  list: [document({ runs: list(sameAs('run')), hasMore: YES_NO })],
  show: [document({ run: anyOf(sameAs('runTree'), sameAs('queuedRun')) })],
  why: [document({ why: sameAs('why') })],
  diff: [document({ diff: DIFF })],
  timeline: [document({ timeline: TIMELINE, files: list(TEXT) })],
  top: [TOP],
  events: [
    document({
      runId: TEXT,
      seq: WHOLE,
      at: TIME,
      event: { ...fields({ type: TEXT }), additionalProperties: true },
    }),
  ],
  logs: [LOG_LINE],
  work: WORK_NOTES,
  serve: WORK_NOTES,
  dev: [
    document({
      dev: fields({ engine: TEXT, ingress: TEXT, admin: TEXT, worker: TEXT, processes: list(TEXT) }),
    }),
  ],
  ui: [document({ ui: fields({ url: TEXT, journal: TEXT, readOnly: YES_NO }) })],
  enqueue: [
    document({ id: TEXT, status: oneOf('queued', 'duplicate', 'exists', 'debounced'), process: TEXT }),
  ],
  queue: [
    document({
      starts: list(sameAs('start')),
      setBack: list(fields({ id: TEXT, process: TEXT, at: orNull(TIME), setbacks: WHOLE, problem: TEXT })),
    }),
    document({ removed: TEXT }),
  ],
  schedule: [
    document({ schedules: list(SCHEDULE) }),
    document({ schedule: SCHEDULE }),
    document({ schedule: TEXT, done: oneOf('removed', 'paused', 'resumed') }),
  ],
  pools: [document({ pools: list(POOL), runs: WHOLE })],
  stats: [document({ stats: STATS })],
  sql: [
    document({ columns: list(TEXT), rows: list(byName(oneOfValues())), hasMore: YES_NO }),
    document({
      contract: WHOLE,
      views: list(
        fields({ name: TEXT, what: TEXT, columns: list(fields({ name: TEXT, type: TEXT, what: TEXT })) }),
      ),
    }),
  ],
  cancel: [
    document({ runId: TEXT, result: oneOf('asked', 'cancelled', 'ended', 'removed') }, { isDriven: YES_NO }),
  ],
  resolve: [document({ runId: TEXT, key: TEXT, as: oneOf('done', 'failed', 'retry'), isDriven: YES_NO })],
  waiting: [document({ waits: list(WAIT) })],
  inbox: [],
  approve: [ANSWER],
  reject: [ANSWER],
  send: [document({ runId: TEXT, name: TEXT, ...ACK }, ACK_MAYBE)],
  tasks: [document({ tasks: list(anyOf(sameAs('openTask'), sameAs('settledTask'))) })],
  task: [TASK_DONE],
  respond: [document({ responded: RESPONDED })],
  mcp: [],
  verify: [
    document({
      runs: WHOLE,
      events: WHOLE,
      damage: list(fields({ runId: TEXT, seq: WHOLE, problem: TEXT })),
      isWhole: YES_NO,
    }),
  ],
  export: [
    document({
      exported: anyOf(
        fields({ file: TEXT, runs: WHOLE, events: WHOLE, redacted: YES_NO }),
        fields({ file: TEXT, html: oneOf(true), bytes: WHOLE, redacted: YES_NO }),
      ),
    }),
  ],
  import: [document({ runs: list(IMPORTED) })],
  backup: [document({ backup: fields({ file: TEXT, bytes: WHOLE }) })],
  prune: [PRUNED],
  compact: [document({ compacted: fields({ before: WHOLE, after: WHOLE }) })],
  key: [KEY, document({ newKey: TEXT }), ROTATED],
  replay: [REPLAYED, REPLAYS, STOP],
  check: [
    document({
      file: TEXT,
      ok: YES_NO,
      process: orNull(TEXT),
      problems: list(fields({ line: WHOLE, column: WHOLE, message: TEXT })),
    }),
  ],
  graph: [document({ format: TEXT, graph: TEXT })],
  doctor: [document({ checks: list(CHECK) })],
  init: [document({ folder: TEXT, name: TEXT, files: list(TEXT), next: list(TEXT) })],
  completion: [document({ shell: TEXT, script: TEXT })],
  docs: [
    document({ pages: list(fields({ name: TEXT, title: TEXT })) }),
    document({ page: TEXT, text: TEXT }),
  ],
  schema: [document({ command: TEXT, schema: DETAILS }), document({ commands: list(TEXT) })],
};

function oneOfValues(): Shape {
  return { type: ['string', 'number', 'null'] };
}

/** Names of commands of which there is a schema. */
export const DESCRIBED: readonly string[] = Object.keys(DOCUMENTS);

/** JSON Schema (2020-12) of each line that a command writes with `--json`; undefined for no command. */
export function jsonSchemaOf(command: string): Shape | undefined {
  const documents = Object.hasOwn(DOCUMENTS, command) ? DOCUMENTS[command] : undefined;
  if (documents === undefined) return undefined;
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `pawl ${command} --json, version ${JSON_VERSION}`,
    description:
      'One document a line: of the command on stdout, errors and notes on stderr. Fields may be added.',
    anyOf: [...documents, ERROR],
    $defs: DEFS,
  };
}
