import type { Duration } from './duration.ts';
import type { Schema, SchemaOutput } from './standard-schema.ts';

/** How a process waits for a message from outside. */
export interface ReceiveOptions {
  /** What a message must look like: a sender of another form is told, and nothing is taken. It must answer at once. */
  readonly schema?: Schema;
  /** Rejects with TimeoutError when no message was recorded within this time. Default: waits for ever. */
  readonly timeout?: Duration;
  /** What is shown to whoever can answer: `pawl waiting` lists it. */
  readonly prompt?: string;
  /** Shown beside the prompt. */
  readonly data?: unknown;
  /**
   * The message is given as a `Secret`, which only tasks can look into, and is nowhere kept but encrypted. Who sends
   * it needs a key: `PAWL_SECRET_KEY`, or `openRuntime({ secretKey })`, or a command that prints it.
   */
  readonly secret?: boolean;
  /**
   * Takes the newest message that is there, and the older ones of its name with it: those are recorded as superseded,
   * and nobody gets them. For inputs of which only the last one counts, such as edits of one document.
   */
  readonly latest?: boolean;
  /** Names the call inside its scope, so that its identity does not depend on its position. */
  readonly key?: string;
}

/** How a running task waits for a message. */
export interface TaskReceiveOptions {
  /** As of `ctx.receive`. */
  readonly schema?: Schema;
  /** Rejects with TimeoutError when no message was taken within this time. Default: waits for ever. */
  readonly timeout?: Duration;
}

/** `task.receive`. */
export interface TaskReceive {
  <S extends Schema>(
    name: string,
    options: TaskReceiveOptions & { readonly schema: S },
  ): Promise<SchemaOutput<S>>;
  <T = unknown>(name: string, options?: TaskReceiveOptions & { readonly schema?: undefined }): Promise<T>;
}
