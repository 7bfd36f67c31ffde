import { setTimeout as sleep } from 'node:timers/promises';

import { SQL_CONTRACT_VERSION, SQL_VIEWS, type JournalReader, type SqlRows } from '@pawl/runtime';

import {
  COMMON_OPTIONS,
  defineCommand,
  duration,
  flag,
  usage,
  wholeNumber,
  type Command,
} from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { journalPlace, readJournal } from '../journal-place.ts';
import { LiveRegion } from '../live/live-region.ts';
import { clean } from '../render/clean.ts';
import { csvLines } from '../render/csv.ts';
import { jsonLine } from '../render/json.ts';
import { renderSqlRows, renderSqlSchema } from '../render/sql.ts';
import type { Io } from '../terminal.ts';

const ROWS = 10_000;
const TIMEOUT_MS = 30_000;
const SHORTEST_WATCH_MS = 100;

interface Form {
  readonly json: boolean;
  readonly csv: boolean;
}

export const sqlCommand: Command = defineCommand({
  description:
    'Asks the journal by SQL, over documented views (see --schema): runs, steps, attempts, events, waits, messages, pools, schedules, logs, task_stats. It only reads: nothing it is given can write, attach a file or load code, and what takes too long is ended.',
  arguments: [{ name: '[query]', description: 'one select; - or nothing: from stdin' }],
  options: {
    schema: flag('--schema', 'print the views, their columns and types'),
    csv: flag('--csv', 'rows as CSV (RFC 4180)', { conflicts: ['json'] }),
    watch: duration('--watch <time>', 'ask again and again, such as every 2s'),
    timeout: duration('--timeout <time>', 'end the query after this time (default: 30s)'),
    rows: wholeNumber('-n, --rows <count>', `at most so many rows (default: ${ROWS})`, ROWS, 1),
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: `pawl sql "select status, count(*) from runs group by status"`, what: 'how runs stand' },
    {
      command: `pawl sql "select * from task_stats order by p95_ms desc" --watch 2s`,
      what: 'what is slow, live',
    },
    { command: 'pawl sql - --csv < report.sql > report.csv', what: 'for a spreadsheet' },
    { command: 'pawl sql --schema', what: 'what there is to ask for' },
  ],
  run: async ({ args, options, io }) => {
    if (options.schema) {
      if (options.json) io.out.line(jsonLine({ contract: SQL_CONTRACT_VERSION, views: SQL_VIEWS }));
      else io.out.lines(renderSqlSchema(SQL_VIEWS, io.out.width, io.out.theme));
      return DONE;
    }
    if (options.watch !== undefined && options.watch < SHORTEST_WATCH_MS)
      throw usage('--watch takes 100ms or more.', 'Such as: --watch 2s');
    const sql = await queryOf(args[0], io);
    const limits = { timeoutMs: options.timeout ?? TIMEOUT_MS, rows: options.rows };
    await readJournal(journalPlace(options.db, io), async (reader) => {
      if (options.watch === undefined) await print(io, options, await reader.sql(sql, limits));
      else await watch(io, options, options.watch, () => reader.sql(sql, limits));
    });
    return DONE;
  },
});

async function queryOf(given: string | undefined, io: Io): Promise<string> {
  if (given !== undefined && given !== '-') return given;
  if (given === undefined && process.stdin.isTTY)
    throw usage('There is no query.', `pawl sql "select run_id, status from runs limit 10"`);
  return io.readStdin();
}

async function print(io: Io, form: Form, rows: SqlRows): Promise<void> {
  const { out, err } = io;
  if (form.json) out.line(documentOf(rows));
  else if (form.csv) {
    // A program gets what is there; a terminal must not obey it.
    for (const line of csvLines(rows)) {
      out.line(out.isTerminal ? clean(line.slice(0, -1)) : line);
      await out.ready();
    }
  } else out.lines(tableOf(io, rows));
  if (rows.hasMore && !form.json) err.lines(['', moreLine(io, rows)]);
}

function tableOf({ out }: Io, rows: SqlRows): string[] {
  return rows.rows.length === 0
    ? [out.theme.dim('no rows')]
    : renderSqlRows(rows, out.isTerminal ? out.width : undefined, out.theme);
}

function moreLine({ err }: Io, { rows }: SqlRows): string {
  return `${err.theme.attention('!')} the first ${rows.length} rows; more with --rows ${rows.length * 10}`;
}

function documentOf({ columns, rows, hasMore }: SqlRows): string {
  const names = columns.map((name, i) => (columns.indexOf(name) === i ? name : `${name}:${i + 1}`));
  return jsonLine({
    columns: names,
    rows: rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]]))),
    hasMore,
  });
}

async function watch(
  io: Io,
  form: Form,
  everyMs: number,
  ask: () => ReturnType<JournalReader['sql']>,
): Promise<void> {
  const isDrawn = io.out.isTerminal && !form.json && !form.csv;
  const region = isDrawn ? new LiveRegion(io.out.stream, [io.err.stream]) : undefined;
  try {
    while (!io.out.isClosed) {
      const rows = await ask();
      if (region === undefined) await print(io, form, rows);
      else region.draw(tableOf(io, rows).slice(0, io.out.rows - 1));
      await sleep(everyMs);
    }
  } finally {
    region?.end();
  }
}
