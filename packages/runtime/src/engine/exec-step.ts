import { InvalidArgumentError, type TaskDefinition } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import { decode } from '../journal/codec.ts';
import type { ErrorRecord } from '../journal/error-record.ts';
import type { Encoded, TaskScheduled } from '../journal/event.ts';
import type { RunId } from '../journal/ids.ts';
import type { Report } from '../kernel/input.ts';
import type { OpenTask } from '../process/open-call.ts';
import { Attempt, type AttemptDeps } from './attempt.ts';
import type { Engine } from './engine.ts';
import { NO_SLOT } from './slot.ts';

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
  const { promise, resolve } = Promise.withResolvers<StepResult>();
  const report = (told: Report): void => {
    if (told.type === 'AttemptSucceeded')
      resolve({ status: 'succeeded', output: decode(told.output), encoded: told.output });
    if (told.type === 'AttemptErred') resolve({ status: 'failed', error: told.error });
    if (told.type === 'AttemptStopped')
      resolve({ status: 'failed', error: { name: 'AbortError', message: 'it was stopped' } });
  };
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
  const owner = { report, gone: () => undefined };
  const attempt = new Attempt(place, task, depsOf(engine, step), NO_SLOT, undefined, owner);
  const abort = (): void => attempt.abort('the program was asked to stop');
  signal?.addEventListener('abort', abort, { once: true });
  attempt.start();
  try {
    return await promise;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

function depsOf(engine: Engine, { runId, process, definition }: Step): AttemptDeps {
  const { clock, entropy, graceMs, limits, sink, vault } = engine.options;
  const alone = (key: CallKey): never => {
    throw new InvalidArgumentError(
      `Task '${definition.name}' (${key}) waits for a message: without its run there is nobody to send one to.`,
    );
  };
  return {
    clock,
    entropy,
    executors: engine.executors,
    payloadBytes: limits.payloadBytes,
    graceMs,
    isOurs: () => true,
    recordedMessage: (key) => alone(key),
    awaitMessage: () => alone(''),
    forgoMessage: () => undefined,
    reveal: (args) => vault.reveal(runId, args),
    within: undefined,
    log: ({ key, attempt }, task, { level, values }) =>
      sink.log({ runId, process, key, task, attempt, level, values }),
    progress: (key, attempt, value) => sink.progress({ runId, key, attempt, value }),
    warn: (message) => sink.warn(runId, message),
  };
}
