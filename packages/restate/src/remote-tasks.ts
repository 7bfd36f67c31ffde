/**
 * Remote attempts, as the driver of a run has them made: by the ingress, as invocations of their tasks' workflows.
 *
 * Owns nothing that has to be kept: what it asked for is in Restate under the key of the attempt. Talks to Restate until
 * it answers, or until nobody here waits any more.
 */
import {
  costIn,
  type RemoteEnd,
  type RemotePlace,
  type RemoteTasks,
  type RemoteWork,
} from '@pawl/runtime/elsewhere';
import type { PoolPlan } from '@pawl/sdk';
import {
  connect,
  defaultShouldRetry,
  HttpCallError,
  Opts,
  SendOpts,
  type IngressWorkflowClient,
  type RetryPolicy,
} from '@restatedev/restate-sdk-clients';
import {
  bytesOf,
  MOST_BYTES,
  remoteKey,
  taskService,
  tooLarge,
  type RemoteRequest,
  type SlotRequest,
} from './remote-messages.ts';
import type { TaskHandlers } from './task-service.ts';

const NOT_FOUND = 404;
/** So often what was not taken is asked for again. */
const PATIENT: RetryPolicy = {
  maxAttempts: false,
  maxDuration: false,
  initialInterval: 100,
  maxInterval: 3000,
};

const UNKNOWN: RemoteEnd = { status: 'unknown' };

export class IngressTasks implements RemoteTasks {
  readonly #ingress: string;
  readonly #pools: ReadonlyMap<string, PoolPlan>;
  readonly #warn: (runId: string, message: string) => void;
  /** By key: what is on its way. */
  readonly #asked = new Map<string, Promise<unknown>>();

  /** @param pools of all runs, by their names */
  constructor(
    ingress: string,
    pools: ReadonlyMap<string, PoolPlan>,
    warn: (runId: string, message: string) => void,
  ) {
    this.#ingress = ingress;
    this.#pools = pools;
    this.#warn = warn;
  }

  async make(work: RemoteWork, isAgain: boolean, left: AbortSignal): Promise<RemoteEnd> {
    const request: RemoteRequest = isAgain ? { type: 'attend' } : this.#request(work);
    const bytes = bytesOf(request);
    if (bytes > MOST_BYTES) {
      const message = tooLarge(`The input of task '${work.task}'`, bytes);
      return { status: 'failed', error: { name: 'LimitError', message }, cause: 'error', isFinal: true };
    }
    await this.#ask(work, request, left);
    try {
      return await this.#client(work).workflowAttach(Opts.from<void, RemoteEnd>({ signal: left }));
    } catch (error) {
      // Somebody killed it, or it is kept no longer.
      if (error instanceof HttpCallError) return UNKNOWN;
      throw error;
    }
  }

  stop(place: RemotePlace, reason: string): void {
    void this.#stop(place, reason).catch((error: unknown) => {
      const target = `${taskService(place.task)}/${remoteKey(place)}`;
      this.#warn(
        place.runId,
        `Task '${place.task}' (${place.key}) could not be stopped, and works on: ${String(error)}. Stop it: restate invocations cancel '${target}'`,
      );
    });
  }

  async #stop(place: RemotePlace, reason: string): Promise<void> {
    try {
      await this.#asked.get(remoteKey(place));
    } catch {
      // Nobody asked for it in the end.
      return;
    }
    await this.#client(place).stop(reason, Opts.from<string, void>({ idempotencyKey: remoteKey(place) }));
  }

  async #ask(work: RemoteWork, request: RemoteRequest, left: AbortSignal): Promise<void> {
    const key = remoteKey(work);
    const asked = this.#client(work, this.#tellsMissing(work)).workflowSubmit(
      request,
      SendOpts.from<RemoteRequest>({ signal: left }),
    );
    this.#asked.set(key, asked);
    try {
      await asked;
    } finally {
      this.#asked.delete(key);
    }
  }

  /** Its workers may be started later. */
  #tellsMissing({ runId, task, key }: RemotePlace): RetryPolicy['shouldRetry'] {
    let isTold = false;
    return (failure) => {
      if (failure.kind !== 'response' || failure.status !== NOT_FOUND) return defaultShouldRetry(failure);
      if (!isTold)
        this.#warn(
          runId,
          `No worker has announced task '${task}' to Restate, which call ${key} asks for: serve({ tasks: […] }).`,
        );
      isTold = true;
      return true;
    };
  }

  #client(
    place: RemotePlace,
    shouldRetry: RetryPolicy['shouldRetry'] = defaultShouldRetry,
  ): IngressWorkflowClient<TaskHandlers> {
    const ingress = connect({ url: this.#ingress, retry: { ...PATIENT, shouldRetry } });
    return ingress.workflowClient<TaskHandlers>({ name: taskService(place.task) }, remoteKey(place));
  }

  #request({ pool, cost, priority, ...work }: RemoteWork): RemoteRequest {
    return { type: 'make', work, slot: this.#slot(pool, cost, priority) };
  }

  #slot(pool: string | null, cost: RemoteWork['cost'], priority: number): SlotRequest | null {
    const plan = this.#pools.get(pool ?? '');
    if (pool === null || plan === undefined) return null;
    const limits = Object.fromEntries(Object.entries(plan.limits).filter(([, limit]) => limit !== Infinity));
    return { pool, limits, cost: Object.fromEntries(costIn(pool, plan, cost)), priority };
  }
}
