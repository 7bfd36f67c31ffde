import { InvalidOptionError } from './errors.ts';
import type { CacheSettings, PollSettings } from './resilience.ts';
import {
  checked,
  type ModuleSpec,
  type TaskContext,
  type TaskDefinition,
  type TaskSettings,
} from './task.ts';

/**
 * What a function in another thread or process gets beside its arguments. It has no signal: it is ended instead. Its
 * progress does not wait for a reader: what is too much for one fails the attempt with LimitError. What it costs is said
 * at the call. It receives no messages.
 */
export type ModuleContext = Omit<TaskContext, 'signal' | 'reconcile' | 'receive'>;

interface ModuleTask<Args, Output> extends Omit<TaskSettings, 'cache' | 'poll'> {
  readonly name: string;
  /** `new URL('./resize.ts', import.meta.url)`, a `file:` URL as text, or an absolute path. Node loads it as it is. */
  readonly module: string | { readonly href: string };
  /** The exported function, called with the arguments and a ModuleContext (default: 'default'). */
  readonly export?: string;
  readonly cache?: CacheSettings<Args>;
  readonly poll?: PollSettings<Output>;
}

/**
 * Declares a task that calls an exported function in a worker thread. Arguments and results keep their types. A
 * cancelled attempt ends the thread at once, also in an endless loop; a thread that ends before it answered
 * (`process.exit`, an uncaught error, no memory left) fails the attempt with WorkerLostError, which is retried like
 * any failure. Its pool is 'thread' unless it names another, with as many slots as the runtime's `limits.threads`.
 * @throws InvalidOptionError
 */
export function threadTask<Args = void, Output = unknown>(
  task: ModuleTask<Args, Output>,
): TaskDefinition<Args, Output> {
  return moduleTask('thread', task);
}

/**
 * Declares a task that calls an exported function in a process of its own. A cancelled attempt ends its whole process
 * group; a process that ends before it answered fails the attempt with WorkerLostError. What it prints goes to
 * stderr. Its pool is 'process' unless it names another, with as many slots as the runtime's `limits.processes`.
 * @throws InvalidOptionError
 */
export function processTask<Args = void, Output = unknown>(
  task: ModuleTask<Args, Output>,
): TaskDefinition<Args, Output> {
  return moduleTask('process', task);
}

function moduleTask<Args, Output>(
  kind: ModuleSpec['kind'],
  task: ModuleTask<Args, Output>,
): TaskDefinition<Args, Output> {
  if (typeof task !== 'object' || task === null)
    throw new InvalidOptionError('task', task, 'an object with a name and a module');
  const { name, module, export: exported = 'default', ...settings } = task;
  if (typeof exported !== 'string' || exported === '')
    throw new InvalidOptionError('export', exported, 'the name of an exported function');
  const href = hrefOf(module);
  return checked<Args, Output>({
    name,
    settings: { pool: kind, ...settings },
    isPoolImplied: settings.pool === undefined,
    build: (args) => ({ kind, module: href, export: exported, args }),
  });
}

/** A relative path would be looked for beside whoever loads it, which is not the caller. */
function hrefOf(module: unknown): string {
  const given: unknown = typeof module === 'object' && module !== null ? Reflect.get(module, 'href') : module;
  if (typeof given === 'string') {
    if (given.startsWith('file:')) return given;
    // `#` and `?` mean something else in a URL.
    if (given.startsWith('/')) return `file://${given.split('/').map(encodeURIComponent).join('/')}`;
    if (/^[A-Za-z]:[\\/]/.test(given)) {
      const [drive = '', ...rest] = given.split(/[\\/]/);
      return `file:///${[drive, ...rest.map(encodeURIComponent)].join('/')}`;
    }
  }
  throw new InvalidOptionError(
    'module',
    module,
    `a file: URL such as new URL('./work.ts', import.meta.url), or an absolute path`,
  );
}
