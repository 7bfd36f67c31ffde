import type { CancelledError } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import type { ErrorRecord } from '../journal/error-record.ts';
import type { Encoded, TaskPolicy } from '../journal/event.ts';
import { taskText } from '../kernel/divergence.ts';
import type { Asked } from './admission.ts';
import { nobody, type NewRequest } from './call-request.ts';
import type { ProcessHost } from './host.ts';
import { openOffer, type whoseWork } from './offer-call.ts';
import type { OpenCall, OpenStream, OpenTask } from './open-call.ts';
import type { Scope } from './scope.ts';

/** A use of a task, with all that can be refused looked at. */
export class PreparedTask implements Asked {
  readonly name: string | undefined;
  readonly fingerprint: string;
  readonly version: string | null;
  readonly inputHash: string;
  readonly policy: TaskPolicy;
  readonly task: OpenTask;
  /** Whether others do it; undefined where that cannot be. */
  readonly whose: ReturnType<typeof whoseWork> | undefined;

  constructor(
    name: string | undefined,
    fingerprint: string,
    version: string | null,
    inputHash: string,
    policy: TaskPolicy,
    task: OpenTask,
    whose: ReturnType<typeof whoseWork> | undefined,
  ) {
    this.name = name;
    this.fingerprint = fingerprint;
    this.version = version;
    this.inputHash = inputHash;
    this.policy = policy;
    this.task = task;
    this.whose = whose;
  }

  get what(): string {
    return taskText(this.task.definition.name, this.version);
  }

  get args(): Encoded {
    return this.task.args;
  }

  /** The same use under the next ordinal. */
  unnamed(): PreparedTask {
    const { fingerprint, version, inputHash, policy, task, whose } = this;
    return new PreparedTask(undefined, fingerprint, version, inputHash, policy, task, whose);
  }
}

/** Where the progress of a task goes, if the process reads it. */
export interface TaskStream {
  readonly queue: OpenStream;
  opened(key: CallKey): void;
}

/**
 * A use of a task on its way to its key, and then the open call. One object and no closures: a map has as many of
 * them as it has items under way, and what lives long costs the garbage collector most.
 */
export class TaskRequest implements NewRequest<unknown>, OpenCall {
  readonly scope: Scope;
  readonly asked: PreparedTask;
  task: OpenTask;
  site?: { readonly stack?: string };
  resolve: (value: unknown) => void = nobody;
  reject: (reason: unknown) => void = nobody;
  lastFailure?: ErrorRecord;
  readonly #host: ProcessHost;
  readonly #stream: TaskStream | undefined;

  constructor(host: ProcessHost, scope: Scope, asked: PreparedTask, stream: TaskStream | undefined) {
    this.scope = scope;
    this.asked = asked;
    this.task = asked.task;
    this.#host = host;
    this.#stream = stream;
  }

  get name(): string | undefined {
    return this.asked.name;
  }

  get stream(): OpenStream | undefined {
    return this.#stream?.queue;
  }

  promised(resolve: (value: unknown) => void, reject: (reason: unknown) => void): void {
    this.resolve = resolve;
    this.reject = reject;
  }

  refuse(reason: CancelledError): void {
    this.reject(reason);
  }

  issue(key: CallKey): void {
    const { version, inputHash, policy, whose } = this.asked;
    const { definition, args, pool } = this.task;
    const task = definition.name;
    const host = this.#host;
    const work = whose?.(key);
    if (work?.by === 'others') {
      const { resolve, reject, scope } = this;
      openOffer(host, work, { key, task, version, inputHash, args }, { resolve, reject, scope });
      return;
    }
    if (work?.failure !== undefined) this.task = failing(this.task, work.failure);
    host.openCalls.set(key, this);
    if (host.isNew(key))
      host.command({ type: 'ScheduleTask', key, task, version, inputHash, args, pool, policy });
    this.#stream?.opened(key);
  }
}

/** Work that cannot even be described: its attempt fails with that. */
function failing(task: OpenTask, { thrown }: { readonly thrown: unknown }): OpenTask {
  const build = (): never => {
    throw thrown;
  };
  return { ...task, definition: { ...task.definition, build } };
}
