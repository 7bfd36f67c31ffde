import type { Duration } from './duration.ts';
import { InvalidArgumentError, InvalidOptionError } from './errors.ts';
import type { RetryPolicy } from './retry-policy.ts';
import type { Schema, SchemaInput, SchemaOutput } from './standard-schema.ts';
import { checked, type TaskDefinition, type TaskSettings } from './task.ts';

/** What a statement takes in the place of a `?`, or by name in one object: as SQLite's binding takes it. */
export type SqlValue = string | number | bigint | Uint8Array | null;
export type SqlParameter = SqlValue | Readonly<Record<string, SqlValue>>;

export interface TransactionStatement<Row> {
  /** For what gives no rows. */
  run(...params: readonly SqlParameter[]): {
    readonly changes: number;
    readonly lastInsertRowid: number | bigint;
  };
  /** The first row. */
  get(...params: readonly SqlParameter[]): Row | undefined;
  all(...params: readonly SqlParameter[]): Row[];
}

/**
 * The user's own tables in the journal's file, within one transaction. Takes one statement at a time that reads or
 * changes them: select, with, values, insert, replace, update, delete, and create, alter and drop of tables and indexes.
 * @throws InvalidArgumentError for every other statement, for one that touches a table of Pawl's, and once the body
 *   has ended; what SQLite throws
 */
export interface TransactionDb {
  prepare<Row = Record<string, unknown>>(sql: string): TransactionStatement<Row>;
}

/** Which call of which run the body runs for. */
export interface TransactionContext {
  readonly runId: string;
  /** The call key, as `pawl show` prints it. */
  readonly key: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** The same for every attempt of this call and for no other call: the id of what it leaves for others to send. */
  readonly idempotencyKey: string;
}

interface TransactionSettings {
  readonly name: string;
  /** After what the body threw; nothing is left of it by then. Default: a failure is final. */
  readonly retry?: RetryPolicy;
  /** Longest time of the call, from its recording, over all attempts and the waits between. */
  readonly deadline?: Duration;
  /** As of every task. */
  readonly version?: string | number;
}

/** The transaction would be over before what a promise stands for. */
type AtOnce<T> = T extends PromiseLike<unknown> ? never : T;

interface Body<Args, Returns> {
  /** Synchronous, and as short as it can be: while it runs, nobody else writes to the journal. */
  readonly run: (db: TransactionDb, args: Args, task: TransactionContext) => AtOnce<Returns>;
}

const SETTINGS: ReadonlySet<string> = new Set<keyof TaskSettings>(['retry', 'deadline', 'version']);

export function transactionTask<const I extends Schema, const O extends Schema>(
  task: TransactionSettings &
    Body<SchemaOutput<I>, SchemaInput<O>> & { readonly input: I; readonly output: O },
): TaskDefinition<SchemaInput<I>, SchemaOutput<O>>;
export function transactionTask<const I extends Schema, R>(
  task: TransactionSettings & Body<SchemaOutput<I>, R> & { readonly input: I; readonly output?: undefined },
): TaskDefinition<SchemaInput<I>, R>;
export function transactionTask<const O extends Schema, A = void>(
  task: TransactionSettings & Body<A, SchemaInput<O>> & { readonly input?: undefined; readonly output: O },
): TaskDefinition<A, SchemaOutput<O>>;
export function transactionTask<A = void, R = unknown>(
  task: TransactionSettings & Body<A, R> & { readonly input?: undefined; readonly output?: undefined },
): TaskDefinition<A, R>;
/**
 * Declares work on the user's own tables in the journal's file. What the body does there and what the journal says of
 * it are one transaction: it is done exactly once, and never half.
 *
 *     const pay = transactionTask({ name: 'pay', run: (db, { account, amount }: { account: number; amount: number }) =>
 *       db.prepare('update accounts set balance = balance + ? where id = ?').run(amount, account).changes });
 *
 * @throws InvalidOptionError
 */
export function transactionTask(
  task: TransactionSettings & {
    readonly run: unknown;
    readonly input?: Schema | undefined;
    readonly output?: Schema | undefined;
  },
): TaskDefinition<never, unknown> {
  if (typeof task !== 'object' || task === null)
    throw new InvalidOptionError('task', task, 'an object with a name and a run function');
  const { name, run, input, output, ...settings } = task;
  if (typeof run !== 'function' || run.constructor.name !== 'Function')
    throw new InvalidOptionError('run', run, 'a function that is neither async nor a generator');
  for (const option of Object.keys(settings))
    if (!SETTINGS.has(option))
      throw new InvalidOptionError(
        option,
        Reflect.get(settings, option),
        `left out: a transaction task takes ${[...SETTINGS].join(', ')}, input and output`,
      );
  return checked<never, unknown>({
    name,
    settings,
    input,
    output,
    // The overloads say what it takes.
    transaction: run as NonNullable<TaskDefinition['transaction']>,
    build: () => {
      throw new InvalidArgumentError(
        `Task '${name}' runs in a transaction of the journal, and nowhere else.`,
      );
    },
  });
}
