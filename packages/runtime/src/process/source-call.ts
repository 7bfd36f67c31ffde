import {
  InvalidArgumentError,
  InvalidOptionError,
  LimitError,
  retryPlan,
  type ItemStream,
  type OpenSource,
  type SourceOptions,
} from '@pawl/sdk';
import { decode } from '../journal/codec.ts';
import { streamFingerprint } from '../kernel/fingerprint.ts';
import type { ProcessHost } from './host.ts';
import { checkOptionNames } from './option-names.ts';
import type { OpenSourceCall } from './open-call.ts';
import { checkName } from './parallel/options.ts';
import { noteSource } from './own-stream.ts';
import { StreamQueue } from './stream-queue.ts';

const OPTIONS: ReadonlySet<string> = new Set<keyof SourceOptions>(['key', 'buffer', 'retry']);
const DEFAULT_BUFFER = 16;

/** @throws InvalidOptionError, LimitError */
export function bufferOption(buffer: unknown, maxItems: number): number {
  if (buffer === undefined) return Math.min(DEFAULT_BUFFER, maxItems);
  if (typeof buffer !== 'number' || !Number.isInteger(buffer) || buffer < 1)
    throw new InvalidOptionError('buffer', buffer, 'an integer >= 1');
  if (buffer <= maxItems) return buffer;
  throw new LimitError(
    'streamItems',
    `A buffer of ${buffer} items is more than the limit streamItems = ${maxItems}; take a smaller one, or raise it: openRuntime({ limits: { streamItems: … } }).`,
  );
}

/** `ctx.source`: recorded at the call; the engine opens it once that is committed. */
export function openSource<Item, Cursor>(
  host: ProcessHost,
  name: string,
  open: OpenSource<Item, Cursor>,
  options: SourceOptions = {},
): ItemStream<Item> {
  const scope = host.currentScope();
  if (typeof name !== 'string' || name === '' || name.length > 200 || !name.isWellFormed())
    throw new InvalidArgumentError(
      'ctx.source takes a name as its first argument: 1 to 200 characters, well-formed Unicode.',
    );
  if (typeof open !== 'function')
    throw new InvalidArgumentError(
      'ctx.source takes a function as its second argument, which gives an async iterable of { item, cursor }, such as an async generator.',
    );
  checkOptionNames(options, OPTIONS, 'ctx.source');
  const key = checkName(options.key);
  const retry = retryPlan(options.retry);
  const buffer = bufferOption(options.buffer, host.limits.streamItems);
  const queue = new StreamQueue<Item>(host, scope, buffer, ({ item }) => {
    // What the journal gives back is what the source gave, whose type `open` carries.
    return decode(item) as Item;
  });
  const source: OpenSourceCall = {
    name,
    // It gets back the cursors that it gave.
    open: open as OpenSource<unknown, unknown>,
    shouldRetry: options.retry?.shouldRetry,
    get cursor() {
      return queue.cursor;
    },
  };
  const fingerprint = streamFingerprint('source', name);
  host
    .request<void>(scope, key, { fingerprint, what: fingerprint }, (callKey, resolve, reject) => {
      host.openCalls.set(callKey, {
        resolve: () => resolve(),
        reject,
        scope,
        stream: queue,
        source,
      });
      host.command({ type: 'OpenStream', key: callKey, kind: 'source', name, retry });
      queue.opened(callKey);
    })
    .then(
      () => queue.end(),
      (error: unknown) => queue.fail(error),
    );
  return noteSource(queue.reader, queue);
}
