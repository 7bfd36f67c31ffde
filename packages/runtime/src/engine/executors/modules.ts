import { UnserializableError, type ModuleSpec } from '@pawl/sdk';
import { decode } from '../../journal/codec.ts';
import { isLevel } from '../../journal/log-line.ts';
import { reviveError } from '../../journal/error-record.ts';
import { unreachable } from '../../journal/invariant.ts';
import { encodePayload, tooLarge } from '../../process/payload.ts';
import type { ModuleAnswer, ModuleWork, SignOfLife } from './module-work.ts';
import type { Work } from './work.ts';

/** What is sent to a thread or a process. @throws UnserializableError, LimitError */
export function moduleWork(spec: ModuleSpec, { what, context }: Work, maxSize: number): ModuleWork {
  const { runId, key, attempt, idempotencyKey } = context;
  return {
    module: spec.module,
    export: spec.export,
    args: encodePayload(`The input of ${what}`, spec.args, maxSize),
    id: `${runId} ${key} ${attempt}`,
    task: { runId, key, attempt, idempotencyKey },
    maxSize,
  };
}

/** What came back. @throws what the function threw, UnserializableError, LimitError */
export function resultOf(answer: ModuleAnswer, { what }: Work, maxSize: number): unknown {
  switch (answer.status) {
    case 'done':
      return decode(answer.output);
    case 'failed':
      throw reviveError(answer.error);
    case 'refused': {
      const output = `The output of ${what}`;
      throw answer.reason === 'size'
        ? tooLarge(output, maxSize)
        : new UnserializableError(output, answer.path, answer.why);
    }
    default:
      return unreachable(answer);
  }
}

/**
 * What one attempt elsewhere tells before its answer.
 *
 * Owns how much of it came. Talks to the attempt.
 */
export class Signs {
  readonly #work: Work;
  #seen = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => undefined;

  constructor(work: Work) {
    this.#work = work;
  }

  /** False for what is none: a module may send messages of its own. */
  take(message: unknown): boolean {
    if (!isSign(message)) return false;
    this.#seen += 1;
    try {
      this.#tell(message);
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#wake();
    return true;
  }

  #tell(sign: SignOfLife): void {
    const { context } = this.#work;
    switch (sign.pawl) {
      case 'log':
        context.log[sign.level](...sign.values.map((value) => decode(value)));
        return;
      case 'heartbeat':
        context.heartbeat();
        return;
      case 'progress':
        // Nobody can wait there: what is too much for its reader is refused.
        void context.progress(decode(sign.value));
        return;
      default:
        unreachable(sign);
    }
  }

  /** Resolves when all of it came. @throws what telling it failed with, such as LimitError */
  async all(told: number): Promise<void> {
    const { signal } = this.#work.context;
    while (this.#seen < told && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
      await promise;
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

function isSign(message: unknown): message is SignOfLife {
  if (typeof message !== 'object' || message === null) return false;
  const pawl: unknown = Reflect.get(message, 'pawl');
  return (
    pawl === 'heartbeat' ||
    pawl === 'progress' ||
    (pawl === 'log' &&
      isLevel(Reflect.get(message, 'level')) &&
      Array.isArray(Reflect.get(message, 'values')))
  );
}
