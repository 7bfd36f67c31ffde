import { z } from 'zod';
import { failed } from '../failure.ts';
import type { PawlUse } from '../pawl.ts';
import { pageOf, type Reply } from '../reply.ts';
import { defineTool, FROM_LINE, RUN, type Deps, type Tool } from '../tool.ts';
import { document } from './document.ts';

const STATUSES = [
  'running',
  'interrupted',
  'sleeping',
  'waiting',
  'cancelling',
  'succeeded',
  'failed',
  'cancelled',
  'continued',
] as const;

/** What people read, line by line. */
async function page({ pawl }: Deps, use: PawlUse, from: number): Promise<Reply> {
  const end = await pawl.use(use);
  // Said once more, for programs.
  if (end.exitCode !== 0) return failed(await pawl.use({ ...use, options: { ...use.options, json: true } }));
  const { lines, nextLine } = pageOf(end.stdout.trimEnd().split('\n'), from);
  const more = nextLine === undefined ? [] : [`There is more: call it again with from_line ${nextLine}.`];
  return { data: lines.join('\n'), next: more };
}

interface WhyDocument {
  readonly why: {
    readonly run: string;
    readonly state: string;
    readonly call: { readonly key?: string } | null;
  };
}

/** What to call, by the state of a run. */
function nextOf({ why: { state } }: WhyDocument): readonly string[] {
  switch (state) {
    case 'breakpoint':
      return [
        'People are asked: approve or reject answers, if they want you to; then resume_run if nobody drives it.',
      ];
    case 'message':
    case 'taskMessage':
      return ['send_message gives it what it waits for; then resume_run if nobody drives it.'];
    case 'external':
      return ['tasks shows the work that it waits for; complete_task answers.'];
    case 'outcome':
      return ['An attempt has no recorded end: find out what became of it, then resolve_attempt.'];
    case 'idle':
    case 'abandoned':
      return ['resume_run goes on with it.'];
    case 'failed':
      return ['show_run shows the call that failed, events with its error and stack.'];
    default:
      return [];
  }
}

export const LOOK: readonly Tool[] = [
  defineTool({
    name: 'list_runs',
    kind: 'look',
    description: 'Lists runs, the newest first: ids, processes, statuses. Start here.',
    input: {
      status: z.enum(STATUSES).optional().describe('Only runs of this status'),
      limit: z.number().int().min(1).max(100).default(20),
      before: RUN.optional().describe('Only runs older than this one: the last of the page before'),
    },
    call: ({ status, limit, before }, deps) =>
      document(
        deps,
        { command: 'list', options: { status, limit, before } },
        ({ hasMore }: { hasMore: boolean }) =>
          hasMore ? ['There are more: call it again with before = the last id.'] : [],
      ),
  }),
  defineTool({
    name: 'why_run',
    kind: 'look',
    description:
      'Says in one sentence why a run does not move, or how it ended, and what to do next. Call this first for a run that is stuck, waits or failed.',
    input: { run: RUN },
    call: ({ run }, deps) => document(deps, { command: 'why', args: [run] }, nextOf),
  }),
  defineTool({
    name: 'show_run',
    kind: 'look',
    description: 'Shows a run as a tree of its calls with statuses, durations, inputs, outputs and errors.',
    input: {
      run: RUN,
      all: z.boolean().default(false).describe('Every call of wide groups and long loops'),
      from_line: FROM_LINE,
    },
    call: ({ run, all, from_line }, deps) =>
      page(deps, { command: 'show', options: { all }, args: [run] }, from_line),
  }),
  defineTool({
    name: 'timeline',
    kind: 'look',
    description: 'Draws when each call of a run waited and worked. For questions of time.',
    input: { run: RUN, from_line: FROM_LINE },
    call: ({ run, from_line }, deps) => page(deps, { command: 'timeline', args: [run] }, from_line),
  }),
  defineTool({
    name: 'events',
    kind: 'look',
    description:
      'Gives the journal of a run, one JSON document a line: every fact with its whole error and values. For details that show_run leaves out.',
    input: {
      run: RUN,
      after_seq: z.number().int().min(0).default(0).describe('Only events after this one'),
      limit: z.number().int().min(1).max(200).default(50),
    },
    call: async ({ run, after_seq, limit }, { pawl }) => {
      const options = { json: true, after: after_seq };
      const end = await pawl.use({ command: 'events', options, args: [run] });
      if (end.exitCode !== 0 && !end.isCut) return failed(end);
      const all = end.stdout.split('\n').filter((line) => line.endsWith('}'));
      const { lines } = pageOf(all.slice(0, limit), 1);
      const { seq } = JSON.parse(all[lines.length - 1] ?? '{}') as { seq?: number };
      const hasMore = all.length > lines.length && seq !== undefined;
      return {
        data: lines.join('\n'),
        next: hasMore ? [`There are more: call it again with after_seq ${seq}.`] : [],
      };
    },
  }),
  defineTool({
    name: 'logs',
    kind: 'look',
    description: 'Gives what the tasks and the process of a run logged, line by line, the oldest first.',
    input: {
      run: RUN,
      level: z.enum(['debug', 'info', 'warn', 'error']).default('debug').describe('Only this and above'),
      task: z.string().max(200).optional().describe('Only what this task logged'),
      from_line: FROM_LINE,
    },
    call: ({ run, level, task, from_line }, deps) =>
      page(deps, { command: 'logs', options: { level, task }, args: [run] }, from_line),
  }),
  defineTool({
    name: 'diff_runs',
    kind: 'look',
    description: 'Compares two runs, call by call: the first difference, inputs, outputs, durations.',
    input: { a: RUN, b: RUN },
    call: ({ a, b }, deps) => document(deps, { command: 'diff', args: [a, b] }),
  }),
  defineTool({
    name: 'waiting',
    kind: 'look',
    description:
      'Lists what runs wait for from outside: questions to people, and messages, with their names and keys.',
    input: { run: RUN.optional().describe('Only this run') },
    call: ({ run }, deps) => document(deps, { command: 'waiting', args: run === undefined ? [] : [run] }),
  }),
  defineTool({
    name: 'tasks',
    kind: 'look',
    description:
      'Lists external tasks that are open: work that runs ask of agents and others, with descriptions and schemas of the answers.',
    input: {
      run: RUN.optional().describe('Only of this run'),
      kind: z.string().max(200).optional().describe("Only of this kind, such as 'agent'"),
    },
    call: ({ run, kind }, deps) =>
      document(deps, {
        command: 'tasks',
        options: { pending: true, kind },
        args: run === undefined ? [] : [run],
      }),
  }),
];
