import {
  checkAgainst,
  checkLabels,
  claimMs,
  declaredSchema,
  durationMs,
  externalSpec,
  InvalidArgumentError,
  InvalidOptionError,
  NO_RETRY,
  retryPlan,
  type BuildContext,
  type ExternalSpec,
  type TaskCallOptions,
  type TaskDefinition,
  type TaskSettings,
} from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import { decode } from '../journal/codec.ts';
import type { Encoded } from '../journal/event.ts';
import type { TaskOffered } from '../journal/offer-event.ts';
import { keyIn } from './admission.ts';
import type { ProcessHost } from './host.ts';
import type { OpenCall, OpenOffer } from './open-call.ts';
import { encodePayload } from './payload.ts';
import { plainJson } from './plain-json.ts';
import { outsideProcess } from './process-code.ts';
import type { Scope } from './scope.ts';
import { jsonSchemaOf } from './told-schema.ts';

/** A call whose task may be done by somebody else. */
interface OfferRequest {
  readonly scope: Scope;
  readonly name: string | undefined;
  readonly definition: TaskDefinition<never, unknown>;
  readonly options: TaskCallOptions;
  readonly settings: TaskSettings;
  readonly args: Encoded;
  readonly hasSecrets: boolean;
  readonly isRead: boolean;
}

/** What is recorded of an offer, beside what every task has. */
type Described = Pick<TaskOffered, 'taskId' | 'kind' | 'description' | 'outputSchema' | 'policy'>;

type Whose =
  /** This program does it. */
  | { readonly by: 'us'; readonly failure?: { readonly thrown: unknown } }
  /** `described` is undefined below the head, where it is recorded. */
  | { readonly by: 'others'; readonly open: OpenOffer; readonly described: Described | undefined };

const OURS: Whose = { by: 'us' };

/**
 * Whose work a call is, once its key is known. At the head it is described at once, so that what is wrong with it is
 * an error at the call, with nothing recorded; below it what is recorded counts, and nothing is built again.
 * @throws InvalidOptionError, InvalidArgumentError, UnserializableError, LimitError, ValidationError
 */
export function whoseWork(host: ProcessHost, request: OfferRequest): (key: CallKey) => Whose {
  const { definition, scope, name, options } = request;
  if (definition.describe === undefined) {
    if (options.labels !== undefined)
      throw new InvalidOptionError('labels', options.labels, 'left out: the task runs in this program');
    return () => OURS;
  }
  if (options.labels !== undefined) checkLabels(options.labels);
  const expected = host.live && !scope.isParked ? keyIn(scope, name) : undefined;
  const early = expected === undefined ? undefined : described(host, request, expected);
  return (key) => {
    const recorded = host.port.recorded(key);
    if (recorded?.kind === 'offer') return { by: 'others', open: openOf(definition), described: undefined };
    if (recorded !== undefined) return OURS;
    return early !== undefined && key === expected ? early : late(host, request, key);
  };
}

/** The call has its key: it waits for others, and is asked for where that is not recorded. */
export function openOffer(
  host: ProcessHost,
  { open, described: asked }: Extract<Whose, { by: 'others' }>,
  facts: Pick<TaskOffered, 'key' | 'task' | 'version' | 'inputHash' | 'args'>,
  call: Pick<OpenCall, 'resolve' | 'reject' | 'scope'>,
): void {
  host.openCalls.set(facts.key, { ...call, offer: open });
  if (asked !== undefined) host.command({ type: 'OfferTask', ...facts, ...asked });
}

/** The call has its place already: what is wrong with it is a recorded failure. */
function late(host: ProcessHost, request: OfferRequest, key: CallKey): Whose {
  try {
    return described(host, request, key);
  } catch (thrown) {
    return { by: 'us', failure: { thrown } };
  }
}

function described(host: ProcessHost, request: OfferRequest, key: CallKey): Whose {
  const { definition, settings, hasSecrets, isRead } = request;
  const taskId = taskIdOf(host, key);
  const spec = outsideProcess(() => describe(host, request, taskId, key));
  if (spec === undefined) return OURS;
  refuseOwnOptions(request);
  const task = `task '${definition.name}', which somebody else does`;
  if (hasSecrets)
    throw new InvalidArgumentError(`The input of ${task}, holds a secret: others would read it.`);
  if (isRead) throw new InvalidArgumentError(`ctx.stream cannot read ${task}: it tells no progress.`);
  const what = `The description of task '${definition.name}'`;
  const description = encodePayload(what, plainJson(what, spec), host.limits.payloadBytes);
  const outputSchema = schemaOf(host, definition, spec);
  const { retry, timeout } = settings;
  if (retry?.shouldRetry !== undefined)
    throw new InvalidOptionError('retry.shouldRetry', retry.shouldRetry, `left out for ${task}`);
  const policy = {
    retry: retry === undefined ? NO_RETRY : retryPlan(retry),
    timeoutMs: timeout === undefined ? null : durationMs(timeout, 'timeout'),
    leaseMs: claimMs(settings),
  };
  return {
    by: 'others',
    open: openOf(definition),
    described: { taskId, kind: spec.kind, description, outputSchema, policy },
  };
}

/** Unique over runs without asking anybody, and fit for a file name. */
function taskIdOf(host: ProcessHost, key: CallKey): string {
  return `${host.runId}.${host.port.digest(`${host.seed} ${key}`).slice(0, 16)}`;
}

function describe(
  host: ProcessHost,
  { definition, args, options }: OfferRequest,
  effectId: string,
  key: CallKey,
): ExternalSpec | undefined {
  const { input, build } = definition;
  const what = `The input of task '${definition.name}'`;
  const given = input === undefined ? decode(args) : checkAgainst(input, decode(args), what);
  if (given instanceof Promise) {
    given.catch(() => undefined);
    throw new InvalidArgumentError(
      `${what} needs a schema that answers at once, since somebody else does it.`,
    );
  }
  const context = describing({ effectId, runId: host.runId, key, labels: options.labels ?? [] });
  let spec: unknown;
  try {
    spec = definition.describe?.(given as never, context);
  } catch (error) {
    // A builder may be one of this program's own tasks, whose attempt will say it.
    if (Object.is(definition.describe, build)) return undefined;
    throw error;
  }
  return externalSpec(definition, spec);
}

function notYet(name: string): never {
  throw new InvalidArgumentError(`task.${name} is there while an attempt runs, not where work is described.`);
}

/** Work is described once, and by then nothing runs: what belongs to an attempt says so when it is used. */
function describing(of: Pick<BuildContext, 'effectId' | 'runId' | 'key' | 'labels'>): BuildContext {
  return {
    ...of,
    idempotencyKey: of.effectId,
    attempt: 1,
    get signal() {
      return notYet('signal');
    },
    get log() {
      return notYet('log');
    },
    get heartbeat() {
      return notYet('heartbeat');
    },
    get progress() {
      return notYet('progress');
    },
    get reconcile() {
      return notYet('reconcile');
    },
    get receive() {
      return notYet('receive');
    },
  };
}

const OWN_OPTIONS = ['deadline', 'pool', 'cost', 'priority'] as const;

function refuseOwnOptions({ options, definition }: OfferRequest): void {
  for (const name of OWN_OPTIONS)
    if (options[name] !== undefined)
      throw new InvalidOptionError(
        name,
        options[name],
        `left out: somebody else does task '${definition.name}'`,
      );
}

/** What of the output's schema others can check without this program; null where nothing. */
function schemaOf(
  host: ProcessHost,
  { name, output }: TaskDefinition<never, unknown>,
  spec: ExternalSpec,
): Encoded {
  const what = `The schema of the answer to task '${name}'`;
  const schema = output === undefined ? declaredSchema(spec) : jsonSchemaOf(output);
  if (schema === undefined) return null;
  const plain = encodePayload(what, plainJson(what, schema), host.limits.payloadBytes);
  const problem = host.port.schemaProblem(plain);
  // One that was made from a Standard Schema is a help only: the whole is checked when the answer is taken.
  if (problem !== undefined && output !== undefined) return null;
  if (problem !== undefined)
    throw new InvalidOptionError('outputSchema', schema, `a JSON Schema (${problem})`);
  return plain;
}

function openOf({ name, output }: TaskDefinition<never, unknown>): OpenOffer {
  return { task: name, output };
}
