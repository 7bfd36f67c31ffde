/**
 * What runs in another thread or process: an exported function of a module, called with decoded values. Nothing here
 * may import a package: these files are entry points of their own, and resolve nothing of the program around them.
 */
import type { LogLevel } from '@pawl/sdk';
import { decode, encode, EncodeRefusal } from '../../journal/codec.ts';
import { toErrorRecord, type ErrorRecord } from '../../journal/error-record.ts';
import type { Encoded } from '../../journal/event.ts';
import { levelled } from '../../journal/log-line.ts';

export interface ModuleWork {
  /** A `file:` URL. */
  readonly module: string;
  readonly export: string;
  readonly args: Encoded;
  /** Told with each sign of life. */
  readonly id: string;
  readonly task: {
    readonly attempt: number;
    readonly idempotencyKey: string;
    readonly runId: string;
    readonly key: string;
  };
  readonly maxSize: number;
}

export type ModuleAnswer = {
  /** Signs of life before it. They come by another way, and may be later. */
  readonly told: number;
} & ModuleEnd;

type ModuleEnd =
  | { readonly status: 'done'; readonly output: Encoded }
  | { readonly status: 'failed'; readonly error: ErrorRecord }
  /** The result cannot be recorded. */
  | { readonly status: 'refused'; readonly reason: 'size' }
  | { readonly status: 'refused'; readonly reason: 'value'; readonly path: string; readonly why: string };

/** Between its start and its answer. */
export type SignOfLife =
  | {
      readonly pawl: 'log';
      readonly id: string;
      readonly level: LogLevel;
      readonly values: readonly Encoded[];
    }
  | { readonly pawl: 'progress'; readonly id: string; readonly value: Encoded }
  | { readonly pawl: 'heartbeat'; readonly id: string };

/** Never rejects. */
export async function runModule(work: ModuleWork, tell: (sign: SignOfLife) => void): Promise<ModuleAnswer> {
  let told = 0;
  const end = await endOf(work, (sign) => {
    told += 1;
    tell(sign);
  });
  return { told, ...end };
}

async function endOf(work: ModuleWork, tell: (sign: SignOfLife) => void): Promise<ModuleEnd> {
  const { id, maxSize } = work;
  const progress = (value: unknown): Promise<void> => {
    tell({ pawl: 'progress', id, value: encode(value, { maxSize }) });
    return Promise.resolve();
  };
  let value: unknown;
  try {
    const exports: unknown = await import(work.module);
    const run: unknown = Reflect.get(Object(exports), work.export);
    if (typeof run !== 'function') throw new TypeError(`${work.module} exports no function '${work.export}'`);
    const returned: unknown = (run as (args: unknown, task: object) => unknown)(decode(work.args), {
      ...work.task,
      log: levelled((level, values) => tell({ pawl: 'log', id, level, values: values.map(loggable) })),
      heartbeat: () => tell({ pawl: 'heartbeat', id }),
      progress,
      receive: refuseReceive,
    });
    value = await outputOf(returned, progress);
  } catch (error) {
    return { status: 'failed', error: toErrorRecord(error) };
  }
  try {
    return { status: 'done', output: encode(value, { maxSize }) };
  } catch (refusal) {
    if (!(refusal instanceof EncodeRefusal)) return { status: 'failed', error: toErrorRecord(refusal) };
    if (refusal.kind === 'size') return { status: 'refused', reason: 'size' };
    return { status: 'refused', reason: 'value', path: refusal.path, why: refusal.reason };
  }
}

/** Messages are for attempts of this program: a thread or a process has no way to wait for them. */
function refuseReceive(): never {
  throw Object.assign(new TypeError('task.receive is not there in a thread or in a process of its own.'), {
    name: 'InvalidArgumentError',
  });
}

/** Of a generator, what it returns; what it yields is its progress. */
async function outputOf(returned: unknown, progress: (value: unknown) => Promise<void>): Promise<unknown> {
  const value = await returned;
  if (Object.prototype.toString.call(value) !== '[object AsyncGenerator]') return value;
  const generator = value as AsyncGenerator;
  for (;;) {
    const next = await generator.next();
    if (next.done === true) return next.value;
    await progress(next.value);
  }
}

/** What cannot cross is told in words. */
function loggable(value: unknown): Encoded {
  try {
    return encode(value);
  } catch {
    return typeof value === 'function' ? '[function]' : toErrorRecord(value).message;
  }
}

/** Beside this file, as the sources or the build have it. */
export function entryPoint(name: string): string {
  const { url } = import.meta;
  return new URL(`./${name}${url.slice(url.lastIndexOf('.'))}`, url).href;
}
