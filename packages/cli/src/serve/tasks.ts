/** External tasks over HTTP: as `pawl tasks` and `pawl task` do it. */
import { RuntimeError, type Runtime } from '@pawl/runtime';
import type { Duration } from '@pawl/sdk';
import type { Context, Hono } from 'hono';

import { JSON_VERSION } from '../render/json.ts';
import { openTaskDocument, taskAnswerDocument, type TaskAnswer } from '../task-document.ts';
import { bodyOf, fieldsOf, idOf, mustGet, textField } from './request.ts';

const STATUS = {
  claimed: 200,
  held: 200,
  released: 200,
  accepted: 202,
  duplicate: 200,
  invalid: 422,
  busy: 409,
  early: 409,
  lost: 409,
  notHeld: 409,
  closed: 409,
  unknown: 404,
} as const satisfies Readonly<Record<TaskAnswer['status'], number>>;

const FIELDS = {
  claim: ['as', 'lease'],
  heartbeat: ['as', 'claim', 'lease'],
  release: ['as', 'claim'],
  complete: ['as', 'claim', 'value'],
  fail: ['as', 'claim', 'message', 'details'],
  cancel: ['as', 'claim', 'message'],
} as const;

type Action = keyof typeof FIELDS;

interface Said {
  readonly as?: unknown;
  readonly claim?: unknown;
  readonly lease?: unknown;
  readonly value?: unknown;
  readonly message?: unknown;
  readonly details?: unknown;
}

const ACTIONS = Object.keys(FIELDS) as readonly Action[];

export function addTasks(app: Hono, runtime: Runtime): void {
  app.get('/tasks', (c) => {
    const kind = c.req.query('kind');
    const tasks = runtime.tasks.list(kind === undefined ? {} : { kinds: [kind] });
    return c.json({ version: JSON_VERSION, tasks: tasks.map(openTaskDocument) });
  });
  app.get('/runs/:id/tasks', (c) => {
    const { runId } = mustGet(runtime, idOf(c));
    return c.json({ version: JSON_VERSION, tasks: runtime.tasks.list({ runId }).map(openTaskDocument) });
  });
  app.get('/tasks/:task', (c) => {
    const task = runtime.tasks.get(c.req.param('task'));
    if (task === undefined) throw new RuntimeError('NOT_FOUND', 'There is no such task that is open.');
    return c.json({ version: JSON_VERSION, task: openTaskDocument(task) });
  });
  for (const action of ACTIONS)
    app.post(`/tasks/:task/${action}`, async (c) => {
      const taskId = c.req.param('task');
      const said: Said = fieldsOf(await bodyOf(c), FIELDS[action], `'${action}'`);
      const answer = act(runtime, taskId, action, said, c);
      return c.json(
        { version: JSON_VERSION, taskId, action, ...taskAnswerDocument(answer) },
        STATUS[answer.status],
      );
    });
}

function act({ tasks }: Runtime, id: string, action: Action, said: Said, c: Context): TaskAnswer {
  const worker = textField(said.as, 'as');
  const claim = textField(said.claim, 'claim');
  const message = textField(said.message, 'message');
  // The runtime checks that it is one.
  const lease = said.lease as Duration | undefined;
  const by = { worker, claim, idempotencyKey: c.req.header('idempotency-key') };
  switch (action) {
    case 'claim':
      return tasks.claim(id, { worker, lease });
    case 'heartbeat':
      return tasks.heartbeat(id, { ...held(worker, claim), lease });
    case 'release':
      return { status: tasks.release(id, held(worker, claim)) ? 'released' : 'notHeld' };
    case 'complete':
      return tasks.complete(id, said.value ?? null, by);
    case 'fail':
      return tasks.fail(id, message ?? 'whoever did it said that it failed', {
        ...by,
        details: said.details,
      });
    case 'cancel':
      return tasks.cancel(id, message ?? 'given up by who does it', by);
    default:
      return action satisfies never;
  }
}

function held(
  worker: string | undefined,
  claim: string | undefined,
): { readonly worker: string | undefined; readonly claim: string | undefined } {
  if (worker !== undefined || claim !== undefined) return { worker, claim };
  throw new RuntimeError('USAGE', "Say who holds the task: 'claim', or 'as'.");
}
