/** What drivers of runs, workers that do their tasks, and pools tell each other through Restate. */
import type { RemoteEnd, RemoteWork } from '@pawl/runtime/elsewhere';

/** Amounts by resource. */
export type Amounts = Readonly<Record<string, number>>;

/** A slot of a pool, as the driver that asks for the attempt has it. */
export interface SlotRequest {
  readonly pool: string;
  readonly limits: Amounts;
  readonly cost: Amounts;
  readonly priority: number;
}

/** What the workflow of a task takes. */
export type RemoteRequest =
  | {
      readonly type: 'make';
      readonly work: Omit<RemoteWork, 'pool' | 'cost' | 'priority'>;
      /** Null: none is needed. */
      readonly slot: SlotRequest | null;
    }
  /** It was asked for before: where that never came, it is not made any more. */
  | { readonly type: 'attend' };

/** Restate takes messages of 32 MiB; an end is in one with a few fields around it. */
export const MOST_BYTES: number = 24 * 1024 * 1024;

/** Services of tasks begin with it; no process may. */
export const TASK_SERVICE = 'task.';
/** The virtual object of pools, by their names. */
export const POOL_SERVICE = 'pawl.pool';

export function taskService(task: string): string {
  return `${TASK_SERVICE}${task}`;
}

/** One attempt is one invocation. */
export function remoteKey({
  runId,
  key,
  attempt,
  idempotencyKey,
}: Pick<RemoteWork, 'runId' | 'key' | 'attempt' | 'idempotencyKey'>): string {
  return `${runId}/${key}/${attempt}/${idempotencyKey}`;
}

/** An end that is too large to be told is a failure, as over a file. */
export function bounded(task: string, end: RemoteEnd): RemoteEnd {
  const bytes = end.status === 'done' || end.status === 'failed' ? bytesOf(end) : 0;
  if (bytes <= MOST_BYTES) return end;
  const error = { name: 'LimitError', message: tooLarge(`The output of task '${task}'`, bytes) };
  return { status: 'failed', error, cause: 'error', isFinal: true };
}

export function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

export function tooLarge(what: string, bytes: number): string {
  return `${what} takes ${bytes} bytes of JSON, and of a remote task at most ${MOST_BYTES}: put it into a store, and give its address.`;
}
