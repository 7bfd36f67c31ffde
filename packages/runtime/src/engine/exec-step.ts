import type { TaskDefinition } from '@pawl/sdk';
import { decode } from '../journal/codec.ts';
import type { ErrorRecord } from '../journal/error-record.ts';
import type { Encoded, TaskScheduled } from '../journal/event.ts';
import type { RunId } from '../journal/ids.ts';
import type { OpenTask } from '../process/open-call.ts';
import type { AttemptDeps } from './attempt.ts';
import type { Engine } from './engine.ts';
import { attemptAlone, loneMessages } from './lone-attempt.ts';

/** What one attempt of a recorded call came to; nothing of it is recorded. */
export type StepResult =
  | { readonly status: 'succeeded'; readonly output: unknown; readonly encoded: Encoded }
  | { readonly status: 'failed'; readonly error: ErrorRecord };

interface Step {
  readonly runId: RunId;
  readonly process: string;
  readonly scheduled: TaskScheduled;
  readonly definition: TaskDefinition<never, unknown>;
  readonly signal: AbortSignal | undefined;
}

/**
 * Does the work of a recorded task call once more, with its recorded input, beside the run: it holds no slot, and it
 * has an idempotency key of its own.
 */
export async function execStep(engine: Engine, step: Step): Promise<StepResult> {
  const { scheduled, definition, signal } = step;
  const { key, args, policy } = scheduled;
  const idempotencyKey = engine.options.entropy.token();
  const place = { runId: step.runId, key, attempt: 1, idempotencyKey };
  const task: OpenTask = {
    definition,
    args,
    hasSecrets: true,
    priority: 0,
    pool: null,
    cost: undefined,
    timeoutMs: policy.timeoutMs,
    shouldRetry: undefined,
    kept: null,
  };
  const told = await attemptAlone(place, task, depsOf(engine, step), signal);
  if (told.type === 'AttemptSucceeded')
    return { status: 'succeeded', output: decode(told.output), encoded: told.output };
  if (told.type === 'AttemptErred') return { status: 'failed', error: told.error };
  return { status: 'failed', error: { name: 'AbortError', message: 'it was stopped' } };
}

function depsOf(engine: Engine, { runId, process, definition }: Step): AttemptDeps {
  const { clock, entropy, graceMs, limits, sink, vault } = engine.options;
  return {
    clock,
    entropy,
    executors: engine.executors,
    payloadBytes: limits.payloadBytes,
    graceMs,
    ...loneMessages(definition.name, 'without its run there is nobody to send a message to'),
    reveal: (args) => vault.reveal(runId, args),
    within: undefined,
    log: ({ key, attempt }, task, { level, values }) =>
      sink.log({ runId, process, key, task, attempt, level, values }),
    progress: (key, attempt, value) => sink.progress({ runId, key, attempt, value }),
    warn: (message) => sink.warn(runId, message),
  };
}
