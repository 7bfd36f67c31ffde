import { CancelledError, InvalidArgumentError, TaskError } from '../errors.ts';
import { declaredSchema, isOwnKind, type BuildContext } from '../external-task.ts';
import type { Context } from '../process.ts';
import type { Schema } from '../standard-schema.ts';
import type { TaskDefinition } from '../task.ts';
import { asJson, isFields, textsOf, type Fields } from './as-json.ts';
import { isBuiltLater, type DefinedTask, type TaskBuildContext, type TaskDef } from './defined-task.ts';

export interface TaskInvokeOptions {
  /** Shown beside the task, and the first of its labels. */
  readonly label?: string;
  readonly labels?: readonly string[];
  /** The same task under the same key is the same call, wherever in the process it is asked for. */
  readonly key?: string;
  /** The older name of it. */
  readonly stableKey?: string;
}

/** Stands for the id of a call in what is built before the call has one. */
const EFFECT_ID = '__effect_id__';
const MOST_LABELS = 100;

/**
 * Calls tasks for one process.
 *
 * Owns the calls that have a key. Each call has a definition of its own, since its builder gets the very arguments
 * of the process, and the journal what JSON keeps of them.
 */
export class TaskCalls {
  readonly #ctx: Context;
  readonly #folder: string | undefined;
  readonly #named = new Map<string, Promise<unknown>>();

  constructor(ctx: Context, folder: string | undefined) {
    this.#ctx = ctx;
    this.#folder = folder;
  }

  call(task: DefinedTask<never>, args: unknown, options: TaskInvokeOptions | undefined): Promise<unknown> {
    if (!isDefinedTask(task))
      throw new InvalidArgumentError('ctx.task takes a task made by defineTask as its first argument.');
    const { label, labels, key, stableKey } = options ?? {};
    const name = key ?? stableKey;
    const given = [...textsOf(label), ...textsOf(labels)];
    if (name === undefined) return this.#issue(task, args, given);
    // A process names a call to have one of it, however often it comes by.
    const place = `${task.id}:${String(name)}`;
    const known = this.#named.get(place);
    if (known !== undefined) return known;
    const call = this.#issue(task, args, given, place);
    this.#named.set(place, call);
    call.catch((error: unknown) => {
      // Its branch was given up: who asks again asks anew.
      if (error instanceof CancelledError) this.#named.delete(place);
    });
    return call;
  }

  async #issue(
    task: DefinedTask<never>,
    args: unknown,
    labels: readonly string[],
    key?: string,
  ): Promise<unknown> {
    const build = (effectId: string): TaskDef | Promise<TaskDef> =>
      task.build(args as never, this.#buildContext(task, effectId, labels));
    const what = `The description of task '${task.id}'`;
    // One that answers later is asked before the call, so that the call has its place among the others at once.
    const early = isBuiltLater(task) ? fieldsOf(what, await build(EFFECT_ID)) : undefined;
    let described: TaskDef | undefined;
    const definition: TaskDefinition<unknown, unknown> = {
      name: task.id,
      settings: {},
      output: helpfulSchema(() => described),
      build: () => {
        throw new InvalidArgumentError(
          `Task '${task.id}' is done by somebody else, and has nothing to run here.`,
        );
      },
      describe: (_: never, { effectId }: BuildContext) => {
        const fields = early ?? fieldsOf(what, build(effectId));
        described = descriptionOf(withEffectId(fields, effectId) as Fields, labels);
        return described;
      },
    };
    const inputs = args === undefined ? undefined : asJson(`The input of task '${task.id}'`, args);
    const options = {
      ...(key === undefined ? {} : { key }),
      ...(labels.length === 0 ? {} : { labels: labels.slice(0, MOST_LABELS) }),
    };
    try {
      return await this.#ctx.task(definition, inputs, options);
    } catch (error) {
      if (!(error instanceof TaskError) || (await kindOf(early, build)) !== 'shell') throw error;
      return failedCommand(error);
    }
  }

  #buildContext(task: DefinedTask<never>, effectId: string, labels: readonly string[]): TaskBuildContext {
    const folder = this.#folder;
    const within = (path: string): string => `${folderOf(folder)}/${path}`;
    return {
      effectId,
      invocationKey: effectId,
      taskId: task.id,
      runId: this.#ctx.runId,
      get runDir() {
        return folderOf(folder);
      },
      get tasksDir() {
        return within('tasks');
      },
      get taskDir() {
        return within(`tasks/${effectId}`);
      },
      label: labels[0],
      labels,
      toTaskRelativePath: (path) => `tasks/${effectId}/${inside(path)}`,
    };
  }
}

/** @throws InvalidArgumentError */
export function folderOf(folder: string | undefined): string {
  if (folder !== undefined) return folder;
  throw new InvalidArgumentError(
    'This run has no folder: give one where the process is wrapped, babysitter(process, { openFolder }).',
  );
}

function inside(path: string): string {
  const parts = path.split(/[/\\]+/).filter((part) => part !== '' && part !== '.');
  if (parts.length > 0 && !parts.includes('..') && !/^([/\\]|[a-z]:)/i.test(path)) return parts.join('/');
  throw new InvalidArgumentError(`'${path}' is no path within the folder of a task.`);
}

function isDefinedTask(task: unknown): task is DefinedTask<never> {
  return (
    isFields(task) &&
    typeof task['id'] === 'string' &&
    task['id'] !== '' &&
    typeof task['build'] === 'function'
  );
}

function fieldsOf(what: string, built: unknown): Fields {
  return asJson(what, built) as Fields;
}

/** The id of the call, wherever a text stands for it. */
function withEffectId(value: unknown, effectId: string): unknown {
  if (typeof value === 'string') return value.replaceAll(EFFECT_ID, effectId);
  if (Array.isArray(value)) return value.map((each) => withEffectId(each, effectId));
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name.replaceAll(EFFECT_ID, effectId),
      withEffectId(each, effectId),
    ]),
  );
}

/** As whoever does it reads it. Nothing of it is this program's own work, whatever its kind is called. */
function descriptionOf({ kind, labels, command, ...rest }: Fields, given: readonly string[]): TaskDef {
  const name = String(kind);
  const shell = isFields(rest['shell']) ? rest['shell'] : {};
  return {
    ...rest,
    ...(command === undefined ? {} : name === 'shell' ? { shell: { command, ...shell } } : { command }),
    kind: isOwnKind(name) ? `babysitter.${name}` : name,
    labels: [...new Set([...given, ...textsOf(labels)])].slice(0, MOST_LABELS),
  };
}

/**
 * Tells whoever answers what the description says of the answer, and takes what comes: many descriptions hold a
 * sketch of an answer where a JSON Schema stands.
 */
function helpfulSchema(described: () => TaskDef | undefined): Schema {
  const standard = {
    version: 1 as const,
    vendor: 'babysitter',
    validate: (value: unknown) => ({ value }),
    jsonSchema: {
      input: () => {
        const spec = described();
        return spec === undefined ? undefined : declaredSchema(spec);
      },
    },
  };
  return { '~standard': standard };
}

/** What kind it is, without a word of the journal: its builder says that at any time. */
async function kindOf(early: Fields | undefined, build: (effectId: string) => unknown): Promise<unknown> {
  try {
    const built = early ?? (await build(EFFECT_ID));
    return isFields(built) ? built['kind'] : undefined;
  } catch {
    return undefined;
  }
}

/** A command that failed is a result like any other: processes look at its exit code. */
function failedCommand({ message, cause }: TaskError): Fields {
  const details: unknown = cause instanceof Error ? Reflect.get(cause, 'details') : undefined;
  const { exitCode, stdout, stderr, error } = isFields(details) ? details : {};
  return {
    success: false,
    exitCode: typeof exitCode === 'number' ? exitCode : 1,
    stdout: typeof stdout === 'string' ? stdout : '',
    stderr: typeof stderr === 'string' ? stderr : '',
    error: typeof error === 'string' ? error : message,
  };
}
