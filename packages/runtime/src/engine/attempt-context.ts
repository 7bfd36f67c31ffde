import type { Cost, Log, LogLevel, TaskContext, TaskReceiveOptions } from '@pawl/sdk';
import { levelled } from '../journal/log-line.ts';
import type { AttemptPlace } from './attempt-owner.ts';

/** The attempt, as its context asks it. */
export interface ContextSource {
  readonly place: AttemptPlace;
  readonly signal: AbortSignal;
  log(level: LogLevel, values: readonly unknown[]): void;
  progress(value: unknown): Promise<void>;
  heartbeat(): void;
  reconcile(actualCost: Cost): void;
  receive(name: string, options: TaskReceiveOptions | undefined): Promise<unknown>;
}

/**
 * What a task function is given. A class, since an object with accessors of its own takes its own hidden class:
 * 10,000 of them let the heap grow by 30 MiB. Most tasks use little of it: a function is made when it is first asked
 * for, and bound, so that it can be taken out of the context.
 */
export class AttemptContext implements TaskContext {
  readonly runId: string;
  readonly key: string;
  readonly attempt: number;
  // Not hidden by `#`: a builder's context has this one as its prototype.
  private readonly of: ContextSource;
  private logs: Log | undefined = undefined;
  private tells: TaskContext['progress'] | undefined = undefined;
  private beats: TaskContext['heartbeat'] | undefined = undefined;
  private reconciles: TaskContext['reconcile'] | undefined = undefined;
  private receives: TaskContext['receive'] | undefined = undefined;

  constructor(of: ContextSource) {
    const { runId, key, attempt } = of.place;
    this.runId = runId;
    this.key = key;
    this.attempt = attempt;
    this.of = of;
  }

  get log(): Log {
    const { of } = this;
    return (this.logs ??= levelled((level, values) => of.log(level, values)));
  }

  get progress(): TaskContext['progress'] {
    const { of } = this;
    return (this.tells ??= (value) => of.progress(value));
  }

  get heartbeat(): TaskContext['heartbeat'] {
    const { of } = this;
    return (this.beats ??= () => of.heartbeat());
  }

  get reconcile(): TaskContext['reconcile'] {
    const { of } = this;
    return (this.reconciles ??= (actualCost) => of.reconcile(actualCost));
  }

  get receive(): TaskContext['receive'] {
    const { of } = this;
    // A message was checked against the schema, whose type the options carry.
    return (this.receives ??= (name: string, options?: TaskReceiveOptions) =>
      of.receive(name, options) as Promise<never>);
  }

  get signal(): AbortSignal {
    return this.of.signal;
  }

  get idempotencyKey(): string {
    return this.of.place.idempotencyKey;
  }
}
