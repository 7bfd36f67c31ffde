import { InvalidArgumentError, type TaskDefinition } from '@pawl/sdk';
import { availableParallelism } from 'node:os';
import { emitWarning } from 'node:process';
import { attemptAlone, loneMessages } from './engine/lone-attempt.ts';
import type { AttemptDeps } from './engine/attempt.ts';
import { Executors } from './engine/executors/executors.ts';
import { resolveLimits, type Limits } from './engine/limits.ts';
import { positive } from './engine/refusals.ts';
import { Redaction } from './engine/redaction.ts';
import { NO_SLOT } from './engine/slot.ts';
import { decode } from './journal/codec.ts';
import { LogLines } from './log-lines.ts';
import type { RemoteEnd, RemoteWork } from './ports/remote-tasks.ts';
import type { RuntimeOptions } from './runtime-options.ts';
import { systemClock, systemEntropy } from './system.ts';

export type TaskRunnerOptions = Pick<RuntimeOptions, 'graceMs' | 'limits' | 'logger' | 'onLog' | 'onWarning'>;

/** What holds a slot holds it elsewhere. */
type LoneWork = Omit<RemoteWork, 'pool' | 'cost' | 'priority'>;

const NEEDS_RUN = 'it runs in another worker than its run';

/** Of what is bounded elsewhere. */
const NO_COST: typeof NO_SLOT = {
  ...NO_SLOT,
  reconcile: () => {
    throw new InvalidArgumentError(`task.reconcile is not there for a remote task: ${NEEDS_RUN}.`);
  },
};

/**
 * Makes attempts of runs that are driven by other programs, as a runtime makes those of its own.
 *
 * Owns threads and batches. Talks to whoever asked by what it returns.
 */
export class TaskRunner {
  readonly #options: TaskRunnerOptions;
  readonly #limits: Limits;
  readonly #graceMs: number;
  readonly #executors: Executors;
  readonly #lines: LogLines | undefined;

  /** @throws InvalidOptionError */
  constructor(options: TaskRunnerOptions) {
    this.#options = options;
    this.#limits = resolveLimits(options.limits, availableParallelism());
    this.#graceMs = positive('graceMs', options.graceMs ?? 5000);
    this.#executors = new Executors(systemClock, this.#limits);
    this.#lines = options.logger === undefined ? undefined : new LogLines(options.logger);
  }

  /** Its end; one that is aborted has one within the grace. It does not reject. */
  async make(
    definition: TaskDefinition<never, unknown>,
    work: LoneWork,
    signal: AbortSignal,
  ): Promise<RemoteEnd> {
    const { args, timeoutMs } = work;
    const task = {
      definition,
      args,
      hasSecrets: false,
      priority: 0,
      pool: null,
      cost: undefined,
      timeoutMs,
      shouldRetry: undefined,
      kept: null,
    };
    const told = await attemptAlone(work, task, this.#deps(work), signal, NO_COST);
    switch (told.type) {
      case 'AttemptSucceeded':
        return { status: 'done', output: told.output };
      case 'AttemptErred':
        return { status: 'failed', error: told.error, cause: told.cause, isFinal: !told.retryable };
      default:
        return { status: 'stopped' };
    }
  }

  #deps({ task, process, runId }: LoneWork): AttemptDeps {
    const { onLog, onWarning = (_, text) => emitWarning(text) } = this.#options;
    return {
      clock: systemClock,
      entropy: systemEntropy,
      executors: this.#executors,
      payloadBytes: this.#limits.payloadBytes,
      graceMs: this.#graceMs,
      ...loneMessages(task, NEEDS_RUN),
      reveal: (args) => ({ value: decode(args), redaction: Redaction.NONE }),
      within: undefined,
      log: ({ key, attempt }, _, { level, values }) => {
        const entry = { runId, process, key, task, attempt, level, values };
        this.#lines?.log(entry);
        onLog?.(entry);
      },
      // Whoever would look on looks at the run.
      progress: () => undefined,
      warn: (message) => onWarning(runId, message),
    };
  }

  close(): Promise<void> {
    return this.#executors.close();
  }
}
