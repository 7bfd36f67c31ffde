import { expect, it } from 'vitest';
import { bounded } from './remote-messages.ts';
import { IngressTasks } from './remote-tasks.ts';

/** Three bytes a character: within the limit of values, and beyond that of a message. */
const LARGE = '\u20ac'.repeat(9_000_000);
const work = {
  task: 'give',
  process: 'p',
  runId: 'r',
  key: '0',
  attempt: 1,
  idempotencyKey: 'k',
  args: LARGE,
  timeoutMs: null,
  pool: null,
  cost: undefined,
  priority: 0,
};

it('an input that no message can hold is the failure of the attempt, before anything is sent', async () => {
  // Nobody listens there.
  const tasks = new IngressTasks('http://127.0.0.1:1', new Map(), () => undefined);
  expect(await tasks.make(work, false, new AbortController().signal)).toMatchObject({
    status: 'failed',
    error: {
      name: 'LimitError',
      message: expect.stringMatching(/input of task 'give' takes 27000\d+ bytes/) as string,
    },
    isFinal: true,
  });
});

it('an output that no message can hold is the failure of the attempt', () => {
  expect(bounded('give', { status: 'done', output: LARGE })).toMatchObject({
    status: 'failed',
    error: {
      name: 'LimitError',
      message: expect.stringMatching(/output of task 'give' takes 27000\d+ bytes/) as string,
    },
    isFinal: true,
  });
  const small = { status: 'done', output: 1 } as const;
  expect(bounded('give', small)).toBe(small);
});
