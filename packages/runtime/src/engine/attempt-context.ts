import type { TaskContext } from '@pawl/sdk';
import type { AttemptPlace } from './attempt.ts';

type Members = Pick<TaskContext, 'log' | 'progress' | 'heartbeat' | 'reconcile' | 'receive'>;

/**
 * What a task function is given. A class, since an object with accessors of its own takes its own hidden class:
 * 10,000 of them let the heap grow by 30 MiB.
 */
export class AttemptContext implements TaskContext {
  readonly runId: string;
  readonly key: string;
  readonly attempt: number;
  readonly log: TaskContext['log'];
  readonly progress: TaskContext['progress'];
  readonly heartbeat: TaskContext['heartbeat'];
  readonly reconcile: TaskContext['reconcile'];
  readonly receive: TaskContext['receive'];
  // Not hidden by `#`: a builder's context has this one as its prototype.
  private readonly place: AttemptPlace;
  private readonly signalOf: () => AbortSignal;

  constructor(place: AttemptPlace, members: Members, signalOf: () => AbortSignal) {
    this.runId = place.runId;
    this.key = place.key;
    this.attempt = place.attempt;
    this.log = members.log;
    this.progress = members.progress;
    this.heartbeat = members.heartbeat;
    this.reconcile = members.reconcile;
    this.receive = members.receive;
    this.place = place;
    this.signalOf = signalOf;
  }

  get signal(): AbortSignal {
    return this.signalOf();
  }

  get idempotencyKey(): string {
    return this.place.idempotencyKey;
  }
}
