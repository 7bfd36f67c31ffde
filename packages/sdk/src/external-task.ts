import type { Duration } from './duration.ts';
import { durationMs } from './duration.ts';
import { InvalidArgumentError, InvalidOptionError } from './errors.ts';
import type { RetryPolicy } from './retry-policy.ts';
import type { Schema, SchemaInput, SchemaOutput } from './standard-schema.ts';
import { checked, type TaskContext, type TaskDefinition, type TaskSettings } from './task.ts';

/** What a builder gets beside the arguments. */
export interface BuildContext extends TaskContext {
  /** The id of the call: unique over all runs, the same at every time, and safe in a file name. */
  readonly effectId: string;
  /** As the call gave them, where somebody else does the work. Nothing of an attempt can be used there. */
  readonly labels: readonly string[];
}

/**
 * Work as somebody else reads it: plain JSON, whose `kind` says who that is ('agent', 'shell', 'breakpoint', …).
 * Fields beside these are the affair of those who write and read them.
 */
export interface ExternalSpec {
  readonly kind: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly labels?: readonly string[] | undefined;
  /** JSON Schema of the answer; `outputSchema` of the field that is named as the kind counts as well. */
  readonly outputSchema?: unknown;
  readonly [field: string]: unknown;
}

interface ExternalSettings<Args> {
  readonly name: string;
  /** Who does it, as `pawl respond <kind>` names it (default 'external'). */
  readonly kind?: string;
  readonly title?: string | ((args: Args) => string);
  readonly description?: string | ((args: Args) => string);
  readonly labels?: readonly string[];
  /** Plain JSON beside it. */
  readonly metadata?: unknown;
  /** Rejects with TimeoutError when no good answer was recorded within this time. Default: waits for ever. */
  readonly timeout?: Duration;
  /** How long somebody who claimed it may give no sign before it is given to others (default 5 minutes). */
  readonly heartbeatTimeout?: Duration;
  /** After answers that say that it failed. */
  readonly retry?: RetryPolicy;
  /** As of every task. */
  readonly version?: string | number;
}

/** How long a claim lasts without a heartbeat, where the task does not say it. */
const CLAIM_MS = 300_000;

/** Settings that say something about work that somebody else does. */
const SETTINGS: ReadonlySet<string> = new Set<keyof TaskSettings>([
  'retry',
  'timeout',
  'heartbeatTimeout',
  'version',
]);

export function externalTask<const I extends Schema, const O extends Schema>(
  task: ExternalSettings<SchemaOutput<I>> & { readonly input: I; readonly output: O },
): TaskDefinition<SchemaInput<I>, SchemaOutput<O>>;
export function externalTask<const I extends Schema>(
  task: ExternalSettings<SchemaOutput<I>> & { readonly input: I; readonly output?: undefined },
): TaskDefinition<SchemaInput<I>>;
export function externalTask<const O extends Schema, A = void>(
  task: ExternalSettings<A> & { readonly input?: undefined; readonly output: O },
): TaskDefinition<A, SchemaOutput<O>>;
export function externalTask<A = void, R = unknown>(
  task: ExternalSettings<A> & { readonly input?: undefined; readonly output?: undefined },
): TaskDefinition<A, R>;
/**
 * Declares work that somebody else does: an agent, a person, another program. The call waits, without a slot and over
 * crashes, until somebody answers it (`pawl tasks`, `pawl task complete`, `runtime.tasks`).
 *
 *     const review = externalTask({ name: 'review', kind: 'agent', input: z.object({ pr: z.number() }),
 *       output: z.object({ ok: z.boolean() }), timeout: '2h' });
 *
 * @throws InvalidOptionError
 */
export function externalTask(
  task: ExternalSettings<never> & {
    readonly input?: Schema | undefined;
    readonly output?: Schema | undefined;
  },
): TaskDefinition<never, unknown> {
  if (typeof task !== 'object' || task === null)
    throw new InvalidOptionError('task', task, 'an object with a name');
  const { name, kind = 'external', title, description, labels, metadata, input, output, ...settings } = task;
  checkKind(kind);
  for (const [option, value] of Object.entries({ title, description }))
    if (value !== undefined && typeof value !== 'string' && typeof value !== 'function')
      throw new InvalidOptionError(option, value, 'a text, or a function that gives one');
  if (labels !== undefined) checkLabels(labels);
  refuseOwnSettings(settings, `external task '${name}'`);
  return checked<never, unknown>({
    name,
    settings,
    input,
    output,
    build: () => {
      throw new InvalidArgumentError(`Task '${name}' is done by somebody else, and has nothing to run here.`);
    },
    describe: (args, { labels: ofCall }) => ({
      kind,
      title: textOf(title, args) ?? name,
      description: textOf(description, args),
      labels: [...(labels ?? []), ...ofCall],
      metadata,
      input: args,
    }),
  });
}

function textOf(given: string | ((args: never) => string) | undefined, args: never): string | undefined {
  return typeof given === 'function' ? given(args) : given;
}

function checkKind(kind: unknown): asserts kind is string {
  if (typeof kind !== 'string' || !/^[\p{L}\p{N}][\p{L}\p{N}_.:/ -]{0,99}$/u.test(kind))
    throw new InvalidOptionError('kind', kind, '1 to 100 letters, digits and _ . : / -');
}

/** @throws InvalidOptionError */
export function checkLabels(labels: unknown): asserts labels is readonly string[] {
  if (!Array.isArray(labels) || labels.length > 100 || !labels.every((label) => typeof label === 'string'))
    throw new InvalidOptionError('labels', labels, 'a list of at most 100 texts');
}

function refuseOwnSettings(settings: object, what: string): void {
  for (const [option, value] of Object.entries(settings))
    if (value !== undefined && !SETTINGS.has(option))
      throw new InvalidOptionError(option, value, `left out: ${what} takes ${[...SETTINGS].join(', ')}`);
}

/** What this program does itself, by kind: 'shell' only where it has a command to run. */
const OWN_KINDS: ReadonlySet<unknown> = new Set(['function', 'thread', 'process', 'batch']);

export function isOwnKind(kind: unknown): boolean {
  return OWN_KINDS.has(kind);
}

/**
 * What a builder gave, where it describes work of somebody else; undefined where it is this program's own, or no
 * description at all, which its attempt will say.
 * @throws InvalidOptionError
 */
export function externalSpec(
  definition: TaskDefinition<never, unknown>,
  spec: unknown,
): ExternalSpec | undefined {
  if (typeof spec !== 'object' || spec === null || !('kind' in spec)) return undefined;
  const { kind } = spec;
  if (isOwnKind(kind) || (kind === 'shell' && 'command' in spec)) return undefined;
  checkKind(kind);
  if ('labels' in spec && spec.labels !== undefined) checkLabels(spec.labels);
  refuseOwnSettings(definition.settings, `task '${definition.name}', which somebody else does,`);
  return { ...spec, kind };
}

/** JSON Schema that a description says of its answer; undefined where it says none. */
export function declaredSchema(spec: ExternalSpec): unknown {
  const own = spec[spec.kind === 'orchestrator_task' ? 'orchestratorTask' : spec.kind];
  const places = [spec, own, spec['agent'], spec['skill'], spec['io']];
  for (const place of places) {
    const schema: unknown =
      typeof place === 'object' && place !== null ? Reflect.get(place, 'outputSchema') : undefined;
    if (schema !== undefined && schema !== null) return schema;
  }
  return undefined;
}

/** How long a claim of this task lasts without a sign, in milliseconds. */
export function claimMs({ heartbeatTimeout }: TaskSettings): number {
  return heartbeatTimeout === undefined ? CLAIM_MS : durationMs(heartbeatTimeout, 'heartbeatTimeout');
}
