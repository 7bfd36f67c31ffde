import { randomBytes } from 'node:crypto';
import { isAbsolute, normalize, sep } from 'node:path';
import { z } from 'zod';
import { failed } from '../failure.ts';
import type { PawlUse } from '../pawl.ts';
import { bounded, type Reply } from '../reply.ts';
import { defineTool, RUN, WAIT, type Deps, type Tool } from '../tool.ts';

const KEY = z.string().min(1).max(1000);
const TEXT = z.string().max(10_000);
const MODULE = z.string().min(1).max(1000);
const VALUE = z.json();

/** What was done, as the command tells it. Only exit code 0 means that it was. */
async function done({ pawl }: Deps, use: PawlUse, next: readonly string[] = []): Promise<Reply> {
  const end = await pawl.use({ ...use, options: { ...use.options, json: true } });
  const document = end.stdout.trimEnd().split('\n').at(-1) ?? '';
  if (end.exitCode === 0) return { data: bounded(document), next };
  // An answer that came too late is told on stdout, and is no error of the command.
  if (document === '') return failed(end);
  return {
    said: 'REFUSED: it changed nothing.',
    data: bounded(document),
    isError: true,
    next: ['why_run says where the run stands.'],
  };
}

/** Code is run from the folder alone. */
function outside(module: string): Reply | undefined {
  const path = normalize(module);
  if (!isAbsolute(path) && path !== '..' && !path.startsWith(`..${sep}`) && !/^\w+:/.test(module))
    return undefined;
  return {
    said: 'REFUSED: a module is named by its path within the folder of this server.',
    isError: true,
    next: ['Name it such as processes/order.ts.'],
  };
}

function newId(): string {
  return `agent-${Date.now().toString(36)}-${randomBytes(5).toString('hex')}`;
}

const AFTER_ANSWER = ['Unless the run is driven (isDriven), resume_run goes on with it.'];

function answerTool(name: 'approve' | 'reject', description: string): Tool {
  return defineTool({
    name,
    kind: 'change',
    isFinal: true,
    description,
    input: {
      run: RUN,
      wait: KEY.optional().describe('Key or title of the question, where there are several'),
      option: TEXT.optional().describe('One of the options that the question offers'),
      feedback: TEXT.optional().describe('What the process shall know beside it'),
      response: VALUE.optional().describe('A value for the process'),
    },
    call: ({ run, wait, option, feedback, response }, deps) => {
      const hasResponse = response !== undefined;
      const options = { option, feedback, as: deps.agent, response: hasResponse ? '-' : undefined };
      const args = wait === undefined ? [run] : [run, wait];
      const stdin = hasResponse ? { stdin: JSON.stringify(response) } : {};
      return done(deps, { command: name, options, args, ...stdin }, AFTER_ANSWER);
    },
  });
}

export const CHANGE: readonly Tool[] = [
  defineTool({
    name: 'start_run',
    kind: 'change',
    description:
      'Starts a process from its module and waits some seconds for its end. It runs the code of the module. The run goes on when the wait is over.',
    input: {
      module: MODULE.describe('Path of the module, within the folder of this server'),
      input: VALUE.default(null).describe('The input of the process'),
      id: RUN.optional().describe('Twice the same id is one run. Default: a new one'),
      wait_seconds: WAIT,
    },
    call: async ({ module, input, id, wait_seconds }, { drives }) => {
      const refused = outside(module);
      if (refused !== undefined) return refused;
      const run = id ?? newId();
      const options = { json: true, id: run, input: '-' };
      const use = { command: 'run', options, args: [module], stdin: JSON.stringify(input) };
      return drives.drive(run, use, wait_seconds);
    },
  }),
  defineTool({
    name: 'resume_run',
    kind: 'change',
    description:
      'Goes on with a run that nobody drives: after a crash, or once what it waited for has come. What is done is not done again. Of a run that is driven from here, or has ended, it waits for the end.',
    input: {
      run: RUN,
      accept_code_change: z
        .boolean()
        .default(false)
        .describe('Go on with code that has changed since, where it fits: see check_code'),
      wait_seconds: WAIT,
    },
    call: ({ run, accept_code_change, wait_seconds }, { drives }) => {
      const options = { json: true, 'accept-code-change': accept_code_change };
      return drives.drive(run, { command: 'resume', options, args: [run] }, wait_seconds);
    },
  }),
  defineTool({
    name: 'check_code',
    kind: 'change',
    description:
      'Replays a run with the code as it is now, or with another module, without any effect: does it still fit the journal? It runs the code of the module. Call it before resume_run where code has changed.',
    input: { run: RUN, module: MODULE.optional().describe('Another module than the recorded one') },
    call: async ({ run, module }, { pawl }) => {
      const refused = module === undefined ? undefined : outside(module);
      if (refused !== undefined) return refused;
      const end = await pawl.use({ command: 'replay', options: { json: true, module }, args: [run] });
      // 7: it diverges, which is an answer.
      const isAnswer = end.exitCode === 0 || (end.exitCode === 7 && end.stdout !== '');
      // What the module prints stands between.
      const lines = end.stdout.split('\n').filter((line) => line.startsWith('{"version":'));
      return isAnswer ? { data: bounded(lines.join('\n')) } : failed(end);
    },
  }),
  defineTool({
    name: 'cancel_run',
    kind: 'change',
    isFinal: true,
    description: 'Gives a run up, whoever drives it. It cannot be taken back.',
    input: { run: RUN, reason: TEXT.min(1).describe('Why; it is recorded') },
    call: ({ run, reason }, deps) => done(deps, { command: 'cancel', options: { reason }, args: [run] }),
  }),
  answerTool(
    'approve',
    'Approves what a run asks people (ctx.breakpoint). The answer is recorded under the name of this client. Only where the person you work for wants it.',
  ),
  answerTool('reject', 'Rejects what a run asks people (ctx.breakpoint), as approve does.'),
  defineTool({
    name: 'send_message',
    kind: 'change',
    isFinal: true,
    description: 'Sends a message to a run that waits for one of that name (ctx.receive): see waiting.',
    input: {
      run: RUN,
      name: KEY.describe('The name that the run waits for'),
      payload: VALUE.default(null),
      message_id: KEY.optional().describe('Twice the same id is one message'),
    },
    call: ({ run, name, payload, message_id }, deps) => {
      const stdin = JSON.stringify(payload);
      const use = { command: 'send', options: { id: message_id }, args: [run, name, '-'], stdin };
      return done(deps, use, AFTER_ANSWER);
    },
  }),
  defineTool({
    name: 'resolve_attempt',
    kind: 'change',
    isFinal: true,
    description:
      'Says what became of an attempt whose end is not recorded (why_run: outcome). Find out what really happened first: a wrong answer does work twice, or never.',
    input: {
      run: RUN,
      key: KEY.describe('The key of the call'),
      as: z.enum(['done', 'failed', 'retry']),
      output: VALUE.optional().describe('With done: what the task gave'),
      message: TEXT.optional().describe('With failed: why'),
    },
    call: ({ run, key, as, output, message }, deps) => {
      const hasOutput = output !== undefined;
      const options = { as, message, output: hasOutput ? '-' : undefined };
      const stdin = hasOutput ? { stdin: JSON.stringify(output) } : {};
      return done(deps, { command: 'resolve', options, args: [run, key], ...stdin }, AFTER_ANSWER);
    },
  }),
  defineTool({
    name: 'claim_task',
    kind: 'change',
    description:
      'Takes an external task, so that nobody else does it meanwhile. Its description is in the answer.',
    input: { task: KEY.describe('The id of the task, as tasks gives it') },
    call: ({ task }, deps) =>
      done(deps, { command: 'task', options: { as: deps.agent }, args: ['claim', task] }, [
        'Do the work, then complete_task.',
      ]),
  }),
  defineTool({
    name: 'complete_task',
    kind: 'change',
    isFinal: true,
    description: 'Answers an external task: with its result, or with why it failed.',
    input: {
      task: KEY.describe('The id of the task'),
      value: VALUE.optional().describe('The result, of the form that the task asks for'),
      failed_because: TEXT.optional().describe('Instead of a result: why there is none'),
    },
    call: ({ task, value, failed_because: message }, deps) => {
      const as = deps.agent;
      if (message !== undefined)
        return done(deps, { command: 'task', options: { as, message }, args: ['fail', task] }, AFTER_ANSWER);
      const stdin = JSON.stringify(value ?? null);
      const use = { command: 'task', options: { as, value: '-' }, args: ['complete', task], stdin };
      return done(deps, use, AFTER_ANSWER);
    },
  }),
];
