import type { EventType } from '../../../journal/event.ts';
import { codeOf } from '../event-types.ts';
import { errorText, iso, rowAt, type SqlPlace, type ViewText } from './view-text.ts';

const codes = (...types: readonly EventType[]): string => types.map(codeOf).join(', ');

const OPENS = codes(
  'TaskScheduled',
  'TaskOffered',
  'TimerStarted',
  'SignalAwaited',
  'BreakpointOpened',
  'ChildStarted',
  'StreamOpened',
  'ScopeOpened',
);
/** What settles a call, but a source. */
const SETTLES = codes(
  'TaskSucceeded',
  'TaskFailed',
  'TaskCancelled',
  'TimerFired',
  'SignalReceived',
  'SignalTimedOut',
  'BreakpointClosed',
  'ChildFinished',
  'ScopeClosed',
);
/** What settles a source, and nothing where a task tells its progress under its own key. */
const STREAM_SETTLES = codes('StreamEnded', 'StreamFailed', 'StreamClosed');
const STARTS = codeOf('AttemptStarted');
/** All in the order of their codes above. */
const ASKS = codes('SignalAwaited', 'BreakpointOpened', 'TaskOffered', 'OutcomeAsked', 'TaskSignalAwaited');

/**
 * One row a call, with where it began and ended. Grouped by what people filter by, too: such a condition is then put
 * before the grouping.
 */
const CALLS = `(select process, run_id, run, key, max(run_status) as run_status,
    min(iif(type in (${OPENS}), seq, null)) as opened,
    coalesce(min(iif(type in (${SETTLES}), seq, null)),
      iif(max(type = ${codeOf('TaskScheduled')}), null, min(iif(type in (${STREAM_SETTLES}), seq, null)))) as settled,
    sum(type = ${STARTS}) as attempts
  from temp.pawl_events
  where type in (${OPENS}, ${SETTLES}, ${STREAM_SETTLES}, ${STARTS})
  group by run, key, process, run_id
  having opened is not null)`;

/** `case` over the type of a row. */
function byType(alias: string, ...cases: readonly (readonly [EventType, string])[]): string {
  const whens = cases.map(([type, sql]) => `when ${codeOf(type)} then ${sql}`);
  return `case ${alias}.type ${whens.join(' ')} end`;
}

const KIND = byType(
  'o',
  ['TaskScheduled', `'task'`],
  ['TaskOffered', `'task'`],
  ['TimerStarted', `'timer'`],
  ['SignalAwaited', `'wait'`],
  ['BreakpointOpened', `'breakpoint'`],
  ['ChildStarted', `'child'`],
  ['StreamOpened', `'source'`],
  ['ScopeOpened', `'group'`],
);
const NAME = byType(
  'o',
  ['TaskScheduled', `o.payload ->> '$.task'`],
  ['TaskOffered', `o.payload ->> '$.task'`],
  ['TimerStarted', `o.payload ->> '$.timer'`],
  ['SignalAwaited', `o.payload ->> '$.name'`],
  ['BreakpointOpened', `o.payload ->> '$.title'`],
  ['ChildStarted', `o.payload ->> '$.process'`],
  ['StreamOpened', `o.payload ->> '$.name'`],
  ['ScopeOpened', `o.payload ->> '$.mode'`],
);
const OPEN_STATUS = `iif(c.run_status = 'running', 'pending', 'cancelled')`;
const STATUS = `coalesce(${byType(
  's',
  ['TaskSucceeded', `'succeeded'`],
  ['TaskFailed', `'failed'`],
  ['TaskCancelled', `'cancelled'`],
  ['TimerFired', `'succeeded'`],
  ['SignalReceived', `'succeeded'`],
  ['SignalTimedOut', `'failed'`],
  ['BreakpointClosed', `iif(s.payload ->> '$.outcome' = 'failed', 'failed', 'succeeded')`],
  [
    'ChildFinished',
    `iif(s.payload ->> '$.outcome.status' = 'detached', 'succeeded', s.payload ->> '$.outcome.status')`,
  ],
  ['StreamEnded', `'succeeded'`],
  ['StreamFailed', `'failed'`],
  ['StreamClosed', `'succeeded'`],
  [
    'ScopeClosed',
    `case s.payload ->> '$.outcome' when 'fulfilled' then 'succeeded' when 'aborted' then 'cancelled' else 'failed' end`,
  ],
)}, ${OPEN_STATUS})`;

export const STEPS: ViewText = {
  name: 'steps',
  what: 'one row a call of a run: tasks, timers, waits, questions, child runs, sources, groups',
  columns: [
    { name: 'run_id', type: 'TEXT', what: 'the run', sql: 'c.run_id' },
    { name: 'process', type: 'TEXT', what: 'its process', sql: 'c.process' },
    { name: 'seq', type: 'INTEGER', what: 'the event that it began with', sql: 'c.opened' },
    { name: 'key', type: 'TEXT', what: 'its call key', sql: 'c.key' },
    {
      name: 'kind',
      type: 'TEXT',
      what: 'task, timer, wait, breakpoint, child, source or group',
      sql: KIND,
    },
    {
      name: 'name',
      type: 'TEXT',
      what: 'of the task, source, message or child process; title of a question; mode of a group',
      sql: NAME,
    },
    { name: 'status', type: 'TEXT', what: 'pending, succeeded, failed or cancelled', sql: STATUS },
    { name: 'opened_at', type: 'TEXT', what: 'when it was called', sql: iso('o.at') },
    { name: 'settled_at', type: 'TEXT', what: 'when it was settled; null: it is not', sql: iso('s.at') },
    {
      name: 'duration_ms',
      type: 'INTEGER',
      what: 'from the call to its end, with all waiting',
      sql: 's.at - o.at',
    },
    { name: 'attempts', type: 'INTEGER', what: 'attempts that were started', sql: 'c.attempts' },
    { name: 'pool', type: 'TEXT', what: 'where its attempts run', sql: `o.payload ->> '$.pool'` },
    {
      name: 'task_kind',
      type: 'TEXT',
      what: 'of an external task: who shall do it',
      sql: `iif(o.type = ${codeOf('TaskOffered')}, o.payload ->> '$.kind', null)`,
    },
    { name: 'worker', type: 'TEXT', what: 'who did an external task', sql: `s.payload ->> '$.worker'` },
    { name: 'input', type: 'JSON', what: 'of a task', sql: `o.payload -> '$.args'` },
    {
      name: 'output',
      type: 'JSON',
      what: 'of a task or child, or the message that came',
      sql: byType(
        's',
        ['TaskSucceeded', `s.payload -> '$.output'`],
        ['SignalReceived', `s.payload -> '$.payload'`],
        ['ChildFinished', `s.payload -> '$.outcome.output'`],
        ['BreakpointClosed', `s.payload -> '$.outcome'`],
      ),
    },
    {
      name: 'error',
      type: 'TEXT',
      what: 'why it failed, as name and message, or was cancelled',
      sql: `coalesce(${errorText(`coalesce(s.payload -> '$.error', s.payload -> '$.outcome.error')`)},
        s.payload ->> '$.reason', s.payload ->> '$.outcome.reason')`,
    },
    { name: 'child_run_id', type: 'TEXT', what: 'of a child: its run', sql: `o.payload ->> '$.runId'` },
  ],
  from: (place) =>
    `${CALLS} c join ${rowAt(place, 'o', 'c.run', 'c.opened')} left join ${rowAt(place, 's', 'c.run', 'c.settled')}`,
};

/** The newest row that asks under a key. */
function asking({ hasForks }: SqlPlace): string {
  const rows = hasForks ? 'temp.pawl_events' : 'main.events';
  return `(select max(x.seq) from ${rows} x where x.run = r.id and x.key = a.value and x.type in (${ASKS}))`;
}

export const WAITS: ViewText = {
  name: 'waits',
  what: 'one row for each thing that a run waits for from outside, now',
  columns: [
    { name: 'run_id', type: 'TEXT', what: 'the run', sql: 'r.run_id' },
    { name: 'process', type: 'TEXT', what: 'its process', sql: 'r.process' },
    { name: 'key', type: 'TEXT', what: 'the call that waits', sql: 'a.value' },
    {
      name: 'kind',
      type: 'TEXT',
      what: 'message, task (a running task waits for a message), breakpoint, external or outcome (pawl resolve)',
      sql: byType(
        'o',
        ['SignalAwaited', `'message'`],
        ['TaskSignalAwaited', `'task'`],
        ['BreakpointOpened', `'breakpoint'`],
        ['TaskOffered', `'external'`],
        ['OutcomeAsked', `'outcome'`],
      ),
    },
    {
      name: 'name',
      type: 'TEXT',
      what: 'of the message or external task; title of the question',
      sql: `coalesce(o.payload ->> '$.name', o.payload ->> '$.title', o.payload ->> '$.task')`,
    },
    {
      name: 'prompt',
      type: 'TEXT',
      what: 'what is asked',
      sql: `coalesce(o.payload ->> '$.prompt', o.payload ->> '$.question')`,
    },
    { name: 'since', type: 'TEXT', what: 'since when', sql: iso('o.at') },
    {
      name: 'due_at',
      type: 'TEXT',
      what: 'when it gives up; null: never',
      sql: iso(`o.at + coalesce(o.payload ->> '$.timeoutMs', o.payload ->> '$.policy.timeoutMs')`),
    },
    {
      name: 'data',
      type: 'JSON',
      what: 'what is shown with it',
      sql: `coalesce(o.payload -> '$.data', o.payload -> '$.context', o.payload -> '$.description')`,
    },
  ],
  from: (place) => `main.runs r join json_each(r.asked) a
    join ${rowAt(place, 'o', 'r.id', asking(place))}
    where r.status = 'running'`,
};
