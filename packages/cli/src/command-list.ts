import type { Command } from './command.ts';

/** What the help says of a command, and where it is. */
export interface Listed {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** In the order of the help. What a command needs is loaded when it is asked for. */
export const COMMANDS: readonly Listed[] = [
  {
    name: 'run',
    summary: 'start a process from its module',
    load: async () => (await import('./commands/run.ts')).runCommand,
  },
  {
    name: 'resume',
    summary: 'go on with a run that was interrupted',
    load: async () => (await import('./commands/resume.ts')).resumeCommand,
  },
  {
    name: 'list',
    summary: 'list runs, the newest first',
    load: async () => (await import('./commands/list.ts')).listCommand,
  },
  {
    name: 'show',
    summary: 'show a run as a tree of its calls',
    load: async () => (await import('./commands/show.ts')).showCommand,
  },
  {
    name: 'why',
    summary: 'say in one sentence what a run waits for, or why it failed',
    load: async () => (await import('./commands/why.ts')).whyCommand,
  },
  {
    name: 'diff',
    summary: 'compare two runs, call by call',
    load: async () => (await import('./commands/diff.ts')).diffCommand,
  },
  {
    name: 'timeline',
    summary: 'draw when each call of a run waited and worked',
    load: async () => (await import('./commands/timeline.ts')).timelineCommand,
  },
  {
    name: 'top',
    summary: 'look on live: runs, what is under way, pools',
    load: async () => (await import('./commands/top.ts')).topCommand,
  },
  {
    name: 'events',
    summary: 'print the journal of a run, one event a line',
    load: async () => (await import('./commands/events.ts')).eventsCommand,
  },
  {
    name: 'logs',
    summary: 'print what the tasks and the process of a run logged',
    load: async () => (await import('./commands/logs.ts')).logsCommand,
  },
  {
    name: 'work',
    summary: 'drive what can go on: queued starts, schedules, runs that nobody drives',
    load: async () => (await import('./commands/work.ts')).workCommand,
  },
  {
    name: 'serve',
    summary: 'start, send, query and watch runs over HTTP, and work',
    load: async () => (await import('./commands/serve.ts')).serveCommand,
  },
  {
    name: 'dev',
    summary: 'start a server of Restate and a worker here, for trying',
    load: async () => (await import('./commands/dev.ts')).devCommand,
  },
  {
    name: 'ui',
    summary: 'open a page that shows what runs and why it waits, and takes answers',
    load: async () => (await import('./commands/ui.ts')).uiCommand,
  },
  {
    name: 'enqueue',
    summary: 'leave a start for a worker',
    load: async () => (await import('./commands/enqueue.ts')).enqueueCommand,
  },
  {
    name: 'queue',
    summary: 'list starts that wait for a worker, and runs that could not go on',
    load: async () => (await import('./commands/queue.ts')).queueCommand,
  },
  {
    name: 'schedule',
    summary: 'start a process again and again, at times',
    load: async () => (await import('./commands/schedule.ts')).scheduleCommand,
  },
  {
    name: 'pools',
    summary: 'show pools: what is in use, what waits, how long it took',
    load: async () => (await import('./commands/pools.ts')).poolsCommand,
  },
  {
    name: 'stats',
    summary: 'tell what the tasks of a process take, and which fail',
    load: async () => (await import('./commands/stats.ts')).statsCommand,
  },
  {
    name: 'sql',
    summary: 'ask the journal by SQL: runs, steps, attempts, events, waits, …',
    load: async () => (await import('./commands/sql.ts')).sqlCommand,
  },
  {
    name: 'retry',
    summary: 'try a run again that failed, without what succeeded',
    load: async () => (await import('./commands/fork.ts')).retryCommand,
  },
  {
    name: 'fork',
    summary: 'go on from an earlier place of a run, as another run',
    load: async () => (await import('./commands/fork.ts')).forkCommand,
  },
  {
    name: 'rewind',
    summary: 'give a run up, and go on from an earlier place of it',
    load: async () => (await import('./commands/fork.ts')).rewindCommand,
  },
  {
    name: 'exec-step',
    summary: 'do one recorded task again, with its recorded input',
    load: async () => (await import('./commands/exec-step.ts')).execStepCommand,
  },
  {
    name: 'cancel',
    summary: 'give a run up, whoever drives it',
    load: async () => (await import('./commands/cancel.ts')).cancelCommand,
  },
  {
    name: 'resolve',
    summary: 'say what became of an attempt whose end is not recorded',
    load: async () => (await import('./commands/resolve.ts')).resolveCommand,
  },
  {
    name: 'waiting',
    summary: 'list what runs wait for from outside',
    load: async () => (await import('./commands/waiting.ts')).waitingCommand,
  },
  {
    name: 'inbox',
    summary: 'answer what runs wait for, one after the other',
    load: async () => (await import('./commands/inbox.ts')).inboxCommand,
  },
  {
    name: 'approve',
    summary: 'approve what a run asks people (ctx.breakpoint)',
    load: async () => (await import('./commands/answer.ts')).approveCommand,
  },
  {
    name: 'reject',
    summary: 'reject what a run asks people (ctx.breakpoint)',
    load: async () => (await import('./commands/answer.ts')).rejectCommand,
  },
  {
    name: 'send',
    summary: 'send a message to a run that waits for one',
    load: async () => (await import('./commands/send.ts')).sendCommand,
  },
  {
    name: 'tasks',
    summary: 'list external tasks: work that somebody else does',
    load: async () => (await import('./commands/tasks.ts')).tasksCommand,
  },
  {
    name: 'task',
    summary: 'claim an external task, and answer it',
    load: async () => (await import('./commands/task.ts')).taskCommand,
  },
  {
    name: 'respond',
    summary: 'answer external tasks of a kind with a command',
    load: async () => (await import('./commands/respond.ts')).respondCommand,
  },
  {
    name: 'mcp',
    summary: 'serve agents over MCP: look at runs, and with --allow-write act',
    load: async () => (await import('./commands/mcp.ts')).mcpCommand,
  },
  {
    name: 'verify',
    summary: 'check recorded events against their checksums',
    load: async () => (await import('./commands/verify.ts')).verifyCommand,
  },
  {
    name: 'export',
    summary: 'write a run as text, to read, to compare, to take elsewhere',
    load: async () => (await import('./commands/export.ts')).exportCommand,
  },
  {
    name: 'import',
    summary: 'take runs in that were exported',
    load: async () => (await import('./commands/import.ts')).importCommand,
  },
  {
    name: 'backup',
    summary: 'write the whole journal into a file of its own, while programs go on',
    load: async () => (await import('./commands/backup.ts')).backupCommand,
  },
  {
    name: 'prune',
    summary: 'remove runs that ended long ago',
    load: async () => (await import('./commands/prune.ts')).pruneCommand,
  },
  {
    name: 'compact',
    summary: 'give free room in the journal back to the disk',
    load: async () => (await import('./commands/compact.ts')).compactCommand,
  },
  {
    name: 'key',
    summary: 'say how much of the journal is encrypted, and give it another key',
    load: async () => (await import('./commands/key.ts')).keyCommand,
  },
  {
    name: 'replay',
    summary: 'try code on recorded runs, without any effect: does it still fit?',
    load: async () => (await import('./commands/replay.ts')).replayCommand,
  },
  {
    name: 'check',
    summary: 'look for problems of a workflow, without running it',
    load: async () => (await import('./commands/check.ts')).checkCommand,
  },
  {
    name: 'graph',
    summary: 'draw the steps of a workflow and what they wait for',
    load: async () => (await import('./commands/graph.ts')).graphCommand,
  },
  {
    name: 'init',
    summary: 'make a project with a process, its tests and scripts',
    load: async () => (await import('./commands/init.ts')).initCommand,
  },
  {
    name: 'completion',
    summary: 'print what makes bash, zsh or fish complete pawl',
    load: async () => (await import('./commands/completion.ts')).completionCommand,
  },
  {
    name: 'docs',
    summary: 'print a page of the documentation',
    load: async () => (await import('./commands/docs.ts')).docsCommand,
  },
  {
    name: 'schema',
    summary: 'print the JSON Schema of what a command writes with --json',
    load: async () => (await import('./commands/schema.ts')).schemaCommand,
  },
  {
    name: 'doctor',
    summary: 'look whether everything that Pawl needs is there',
    load: async () => (await import('./commands/doctor.ts')).doctorCommand,
  },
];
