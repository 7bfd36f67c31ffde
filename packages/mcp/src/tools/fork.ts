import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { PawlUse } from '../pawl.ts';
import type { Reply } from '../reply.ts';
import { defineTool, RUN, WAIT, type Deps, type Tool } from '../tool.ts';
import { document } from './document.ts';

const CALL = z.string().min(1).max(1000);
const COMMON = {
  run: RUN,
  dry_run: z
    .boolean()
    .default(true)
    .describe(
      'Only say what is kept, taken over and done again: look at that first, then call it with false',
    ),
  repeat_unsafe: z
    .boolean()
    .default(false)
    .describe('Also where that repeats effects that nothing declares safe to repeat (risky in the dry run)'),
  wait_seconds: WAIT,
};

interface Asked {
  readonly run: string;
  readonly dry_run: boolean;
  readonly repeat_unsafe: boolean;
  readonly wait_seconds: number;
}

function make(
  command: 'fork' | 'retry',
  { run, dry_run, repeat_unsafe, wait_seconds }: Asked,
  use: Pick<PawlUse, 'options' | 'stdin'>,
  deps: Deps,
): Promise<Reply> {
  const given = { ...use, command, args: [run] };
  if (dry_run)
    return document(deps, { ...given, options: { ...use.options, 'dry-run': true } }, () => [
      'Call it again with dry_run false to do that.',
    ]);
  const id = `fork-${Date.now().toString(36)}-${randomBytes(5).toString('hex')}`;
  const options = { ...use.options, json: true, id, yes: repeat_unsafe };
  return deps.drives.drive(id, { ...given, options }, wait_seconds);
}

/** Another run that goes on from an earlier place of one, which itself stays as it is. */
export const FORK: readonly Tool[] = [
  defineTool({
    name: 'retry_run',
    kind: 'change',
    description:
      'Tries a run again that failed or was cancelled, as another run: what succeeded is kept, the call that failed is done again.',
    input: {
      ...COMMON,
      from: CALL.optional().describe('Key of the call to go back to. Default: what failed last'),
    },
    call: ({ from, ...asked }, deps) => make('retry', asked, { options: { from } }, deps),
  }),
  defineTool({
    name: 'fork_run',
    kind: 'change',
    description:
      'Goes on from an earlier call of a run, as another run: with other results of calls, or another input. To try out what would have been.',
    input: {
      ...COMMON,
      at: CALL.optional().describe('Key of the first call that is made anew'),
      set: z
        .array(z.strictObject({ call: CALL, value: z.json() }))
        .max(20)
        .default([])
        .describe('Results that calls of tasks are given; they are not done'),
      reuse: z
        .boolean()
        .default(false)
        .describe('Take later results of the run, where the same task is asked the same'),
      input: z.json().optional().describe('Another input of the process'),
    },
    call: ({ at, set, reuse, input, ...asked }, deps) => {
      const hasInput = input !== undefined;
      const options = {
        at,
        set: set.map(({ call, value }) => `${call}=${JSON.stringify(value)}`),
        reuse,
        input: hasInput ? '-' : undefined,
      };
      return make('fork', asked, { options, ...(hasInput ? { stdin: JSON.stringify(input) } : {}) }, deps);
    },
  }),
];
