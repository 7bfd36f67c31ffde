import { InvalidArgumentError } from '../errors.ts';
import { isFields, textsOf, type Fields } from './as-json.ts';
import { globalTaskRegistry } from './task-registry.ts';

/** Work as others read it. Fields beside these are the affair of those who write and read them. */
export interface TaskDef {
  readonly kind: string;
  readonly title?: string;
  readonly description?: string;
  readonly labels?: readonly string[];
  readonly [field: string]: unknown;
}

/** What a builder gets beside the arguments. */
export interface TaskBuildContext {
  /** The id of the call, as `pawl tasks` lists it: the same at every time, and safe in a file name. */
  readonly effectId: string;
  /** The same, since nothing else names a call over all runs. */
  readonly invocationKey: string;
  readonly taskId: string;
  readonly runId: string;
  /** Absolute. @throws InvalidArgumentError where the run has no folder */
  readonly runDir: string;
  /** `tasks` in it. */
  readonly tasksDir: string;
  /** `tasks/<effectId>` in it. Nothing makes it. */
  readonly taskDir: string;
  /** As the call gave it. */
  readonly label: string | undefined;
  readonly labels: readonly string[];
  /** `tasks/<effectId>/<path>`, relative to the folder of the run. */
  toTaskRelativePath(path: string): string;
}

type TaskImpl<Args> = (args: Args, task: TaskBuildContext) => TaskDef | Promise<TaskDef>;

export interface DefinedTask<Args = unknown, Result = unknown> {
  readonly id: string;
  readonly build: TaskImpl<Args>;
  /** Never there: it carries the type. */
  readonly result?: (result: Result) => void;
}

/** What the registry says of a task; fields of a description stand for those that its builder leaves out. */
export interface DefineTaskOptions {
  readonly description?: string;
  readonly labels?: readonly string[];
  readonly kind?: string;
  readonly source?: string;
  readonly inputSchema?: unknown;
  readonly outputSchema?: unknown;
  readonly [field: string]: unknown;
}

/** A task as one object: with `run`, which builds the description, or as the description itself. */
export interface TaskObject<Args = unknown> {
  readonly id?: string;
  readonly name?: string;
  readonly run?: TaskImpl<Args>;
  readonly inputs?: unknown;
  readonly outputs?: unknown;
  readonly source?: string;
  readonly [field: string]: unknown;
}

/** Builders that answer later. */
const LATER = new WeakSet<DefinedTask<never>>();

export function defineTask<Args = unknown, Result = unknown>(
  id: string,
  build: TaskImpl<Args>,
  options?: DefineTaskOptions,
): DefinedTask<Args, Result>;
export function defineTask<Args = unknown, Result = unknown>(
  id: string,
  description: TaskObject<Args>,
): DefinedTask<Args, Result>;
export function defineTask<Args = unknown, Result = unknown>(
  task: TaskObject<Args>,
): DefinedTask<Args, Result>;
/**
 * Declares work that somebody else does, as Babysitter does it: a name and a builder of its description, or one
 * object.
 * @throws InvalidArgumentError
 */
export function defineTask(
  task: string | TaskObject<never>,
  build?: TaskImpl<never> | TaskObject<never>,
  options: DefineTaskOptions = {},
): DefinedTask<never> {
  if (isFields(task)) return fromObject(task);
  // Many are written so, with the description where its builder belongs.
  if (isFields(build)) return fromObject({ ...build, id: idOf(task) });
  const id = idOf(task);
  if (typeof build !== 'function')
    throw new InvalidArgumentError(`Task '${id}' needs a function that describes it, behind its name.`);
  const { source, ...defaults } = options;
  const { description, kind, labels } = defaults;
  globalTaskRegistry.registerDefinition({ id, kind, description, source, labels: textsOf(labels) });
  const isLater = Object.prototype.toString.call(build) === '[object AsyncFunction]';
  const defined: DefinedTask<never> = {
    id,
    build: isLater
      ? async (args, context) => checked(id, defaults, await build(args, context))
      : (args, context) => checked(id, defaults, build(args, context)),
  };
  if (isLater) LATER.add(defined);
  return Object.freeze(defined);
}

function idOf(id: unknown): string {
  if (typeof id === 'string' && id.trim() !== '') return id.trim();
  throw new InvalidArgumentError(
    'defineTask takes an id first, a text that is not empty, or an object with one.',
  );
}

function fromObject({
  id,
  name,
  run,
  inputs,
  outputs,
  source,
  ...description
}: TaskObject<never>): DefinedTask<never> {
  const { description: words, labels, kind } = description;
  const facts = {
    ...(typeof words === 'string' ? { description: words } : {}),
    ...(typeof kind === 'string' ? { kind } : {}),
    ...(source === undefined ? {} : { source }),
    labels: textsOf(labels),
  };
  const schemas = {
    ...(isFields(inputs) ? { inputSchema: inputs } : {}),
    ...(isFields(outputs) ? { outputSchema: outputs } : {}),
  };
  // What it lacks is said when it is called.
  return defineTask(idOf(id ?? name), run ?? ((): TaskDef => description as TaskDef), {
    ...facts,
    ...schemas,
  });
}

/** Whether its builder gives a promise, which takes another way. */
export function isBuiltLater(task: DefinedTask<never>): boolean {
  return LATER.has(task) || Object.prototype.toString.call(task.build) === '[object AsyncFunction]';
}

/** @throws InvalidArgumentError */
function checked(id: string, defaults: Fields, built: unknown): TaskDef {
  if (isFields(built) && 'then' in built)
    throw new InvalidArgumentError(
      `The builder of task '${id}' gives a promise and is no async function: write async before it.`,
    );
  const description: Fields = { ...defaults, ...(isFields(built) ? built : {}) };
  const { kind } = description;
  if (isFields(built) && typeof kind === 'string' && kind !== '') return { ...description, kind };
  throw new InvalidArgumentError(`The builder of task '${id}' gives no object with a kind, such as 'agent'.`);
}
