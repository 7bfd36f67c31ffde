import sdk from '@a5c-ai/babysitter-sdk';

import { shapes } from './kit/perform.mjs';

/** What to do for each requested step, by name: the runner is in the same program. */
export const work = new Map();

const step = sdk.defineTask('step', ({ name }) => ({ kind: 'node', title: name }));

export async function process({ shape, n }, ctx) {
  // A step that is not done yet is thrown, so errors are told by the runner, which knows them apart.
  const task = (name, fn) => {
    work.set(name, fn);
    return ctx.task(step, { name });
  };
  await shapes[shape](n, task, (thunks) => ctx.parallel.all(thunks));
  return 'done';
}
