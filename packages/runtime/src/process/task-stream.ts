import {
  CancelledError,
  InvalidOptionError,
  type ItemStream,
  type TaskDefinition,
  type TaskEnvelope,
  type TaskStreamOptions,
} from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import { decode } from '../journal/codec.ts';
import type { ProcessHost } from './host.ts';
import { progressKey } from './place.ts';
import { bufferOption } from './source-call.ts';
import { StreamQueue } from './stream-queue.ts';
import { scheduleTask } from './task-call.ts';

/** `ctx.stream`: a task call whose progress is recorded and handed over, and then its end. */
export function streamTask<Output, Progress>(
  host: ProcessHost,
  definition: TaskDefinition<never, unknown>,
  args: unknown,
  options: TaskStreamOptions = {},
): ItemStream<TaskEnvelope<Output, Progress>> {
  if (typeof options !== 'object' || options === null)
    throw new InvalidOptionError('options', options, 'an object');
  const { buffer, ...rest } = options;
  const size = bufferOption(buffer, host.limits.streamItems);
  const queue = new StreamQueue<TaskEnvelope<Output, Progress>>(
    host,
    host.currentScope(),
    size,
    ({ key, n, attempt, item }) => ({
      type: 'INTERMEDIATE',
      key,
      index: n,
      attempt,
      // What the journal gives back is what the task told, whose type the definition carries.
      value: decode(item) as Progress,
    }),
  );
  let key: CallKey = '';
  const stream = {
    queue,
    opened: (callKey: CallKey): void => {
      key = callKey;
      host.admission.noteIssued(progressKey(key));
      host.command({ type: 'OpenStream', key, kind: 'progress', name: definition.name, retry: null });
      queue.opened(key);
    },
  };
  const lastAttempt = (): number => {
    const call = host.port.recorded(key);
    return call?.kind === 'task' ? call.attempts : 0;
  };
  scheduleTask<Output>(host, definition, args, rest, stream).then(
    (value) => queue.end({ item: { type: 'FINAL', key, attempt: lastAttempt(), value } }),
    (error: Error) => {
      if (error instanceof CancelledError) queue.fail(error);
      else queue.end({ item: { type: 'ERROR', key, attempt: lastAttempt(), error } });
    },
  );
  return queue.reader;
}
