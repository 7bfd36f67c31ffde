import { LOG_LEVELS } from '../../../journal/log-line.ts';
import { iso, NOW, type ViewText } from './view-text.ts';

export const MESSAGES: ViewText = {
  name: 'messages',
  what: 'one row a message that was sent to a run, or to a start that waits for a worker',
  columns: [
    { name: 'run_id', type: 'TEXT', what: 'for whom', sql: 'm.run_id' },
    { name: 'message_id', type: 'TEXT', what: 'its id: the same one counts once', sql: 'm.id' },
    { name: 'posted_at', type: 'TEXT', what: 'when it was sent', sql: iso('m.posted_at') },
    {
      name: 'status',
      type: 'TEXT',
      what: `waiting, or taken: then what it held is in events, by payload ->> '$.messageId'`,
      sql: `iif(m.payload is null, 'taken', 'waiting')`,
    },
    {
      name: 'kind',
      type: 'TEXT',
      what: 'while it waits: signal, answer, cancel, …',
      sql: `m.payload ->> '$.kind'`,
    },
    { name: 'name', type: 'TEXT', what: 'while it waits: of a signal', sql: `m.payload ->> '$.name'` },
    { name: 'payload', type: 'JSON', what: 'while it waits: all of it', sql: 'm.payload' },
  ],
  from: ({
    table,
    opened,
  }) => `(select r.run_id, i.id, i.posted_at, ${opened([`'message'`, 'i.id'], 'i.payload')} as payload
    from main.inbox i join main.runs r on r.id = i.run
    union all select s.run_id, q.id, q.posted_at, ${opened([`'message'`, 'q.id'], 'q.payload')}
    from ${table('start_inbox')} q join ${table('starts')} s on s.n = q.start) m`,
};

export const LOGS: ViewText = {
  name: 'logs',
  what: 'one row a line that tasks or the process logged: the newest that are kept',
  columns: [
    { name: 'run_id', type: 'TEXT', what: 'whose', sql: 'r.run_id' },
    {
      name: 'n',
      type: 'INTEGER',
      what: 'place among all lines of the run, from 1; what is missing is left out',
      sql: 'l.n',
    },
    { name: 'at', type: 'TEXT', what: 'when', sql: iso('l.at') },
    { name: 'seq', type: 'INTEGER', what: 'last event of the run by then', sql: 'l.seq' },
    {
      name: 'level',
      type: 'TEXT',
      what: LOG_LEVELS.join(', '),
      sql: `case l.level ${LOG_LEVELS.map((level, i) => `when ${i} then '${level}'`).join(' ')} end`,
    },
    { name: 'key', type: 'TEXT', what: 'the call that logged; null: the process', sql: 'l.key' },
    { name: 'task', type: 'TEXT', what: 'its task, or source', sql: 'l.task' },
    { name: 'attempt', type: 'INTEGER', what: 'its attempt', sql: 'l.attempt' },
    {
      name: 'line',
      type: 'TEXT',
      what: 'what it said',
      sql: ({ opened }) => opened([`'log line'`, 'r.run_id', 'l.n'], 'l.line'),
    },
  ],
  from: ({ table }) => `${table('pawl_logs')} l join main.runs r on r.id = l.run`,
};

const LIVE = `l.pool = p.name and l.until > ${NOW} and not pawl_is_dead(l.owner)`;

function ofPrograms(table: (name: string) => string, expression: string): string {
  return `(select ${expression} from ${table('pool_leases')} l where ${LIVE})`;
}

export const POOLS: ViewText = {
  name: 'pools',
  what: 'one row a pool, with what living programs have of it',
  columns: [
    { name: 'pool', type: 'TEXT', what: 'its name', sql: 'p.name' },
    { name: 'parent', type: 'TEXT', what: 'the pool that it is a part of', sql: `p.declared ->> '$.parent'` },
    {
      name: 'limits',
      type: 'JSON',
      what: 'how much there is, by resource; null in it: without limit',
      sql: `coalesce(p.limits, p.declared -> '$.limits')`,
    },
    {
      name: 'is_set',
      type: 'INTEGER',
      what: '1 where a person set the limits (pawl pools set)',
      sql: 'p.limits is not null',
    },
    {
      name: 'queue_size',
      type: 'INTEGER',
      what: 'how many may wait; null: without limit',
      sql: `p.declared ->> '$.queueSize'`,
    },
    { name: 'rate', type: 'JSON', what: 'how often something may start', sql: `p.declared -> '$.rate'` },
    {
      name: 'running',
      type: 'INTEGER',
      what: 'attempts that run',
      sql: ({ table }) => ofPrograms(table, `coalesce(sum(l.lease ->> '$.running'), 0)`),
    },
    {
      name: 'waiting',
      type: 'INTEGER',
      what: 'attempts that wait for it',
      sql: ({ table }) => ofPrograms(table, `coalesce(sum(l.lease ->> '$.waiting'), 0)`),
    },
    {
      name: 'programs',
      type: 'INTEGER',
      what: 'programs that use it',
      sql: ({ table }) => ofPrograms(table, 'count(*)'),
    },
  ],
  from: ({ table }) => `${table('pools')} p`,
};

export const SCHEDULES: ViewText = {
  name: 'schedules',
  what: 'one row a schedule (pawl schedule)',
  columns: [
    { name: 'name', type: 'TEXT', what: 'its name', sql: 's.name' },
    { name: 'cron', type: 'TEXT', what: 'when it starts something', sql: 's.cron' },
    { name: 'zone', type: 'TEXT', what: 'the time zone of that', sql: 's.zone' },
    { name: 'process', type: 'TEXT', what: 'what it starts', sql: 's.process' },
    { name: 'module', type: 'TEXT', what: 'path of its module', sql: 's.module' },
    { name: 'status', type: 'TEXT', what: 'active or paused', sql: `iif(s.paused, 'paused', 'active')` },
    { name: 'next_at', type: 'TEXT', what: 'when it starts the next run', sql: iso('s.next_at') },
    { name: 'last_at', type: 'TEXT', what: 'when it started the last one', sql: iso('s.last_at') },
    {
      name: 'missed',
      type: 'TEXT',
      what: 'what becomes of times that nobody was there for',
      sql: 's.missed',
    },
    {
      name: 'overlap',
      type: 'TEXT',
      what: 'what becomes of a start while the last run goes on',
      sql: 's.overlap',
    },
    {
      name: 'input',
      type: 'JSON',
      what: 'what its runs are started with',
      sql: ({ opened }) => opened([`'schedule'`, 's.name'], 's.inputs'),
    },
  ],
  from: ({ table }) => `${table('schedules')} s`,
};
