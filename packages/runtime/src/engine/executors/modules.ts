import { UnserializableError, type ModuleSpec } from '@pawl/sdk';
import { decode } from '../../journal/codec.ts';
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

export function isSignOfLife(message: unknown): message is SignOfLife {
  if (typeof message !== 'object' || message === null) return false;
  const pawl: unknown = Reflect.get(message, 'pawl');
  return pawl === 'heartbeat' || (pawl === 'log' && Array.isArray(Reflect.get(message, 'values')));
}

export function tellSign(sign: SignOfLife, { context }: Work): void {
  if (sign.pawl === 'heartbeat') context.heartbeat();
  else context.log(...sign.values.map((value) => decode(value)));
}
