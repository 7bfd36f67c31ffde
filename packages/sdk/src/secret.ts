declare const stands: unique symbol;

/**
 * What stands in a process for a value that only tasks may see. It has nothing to read: as a text, as JSON and in a
 * log it is `[secret]`. Handed to a task, alone or anywhere within its input, the task's function gets the value.
 */
export interface Secret<T = unknown> {
  /** Only a type: what it stands for. */
  readonly [stands]?: T;
  toString(): '[secret]';
  toJSON(): '[secret]';
}

type Leaf =
  | ((...args: never[]) => unknown)
  | Date
  | RegExp
  | URL
  | Error
  | ArrayBuffer
  | ArrayBufferView
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>;

/** An input of a task in which secrets may stand for values. */
export type WithSecrets<T> = T | Secret<T> | FieldsWithSecrets<T>;

type FieldsWithSecrets<T> = T extends Leaf
  ? never
  : T extends object
    ? { [K in keyof T]: WithSecrets<T[K]> }
    : never;
