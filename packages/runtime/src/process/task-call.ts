import {
  InvalidArgumentError,
  InvalidOptionError,
  refuseInvalid,
  type TaskCallOptions,
  type TaskDefinition,
} from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import { canonical, identityText } from '../journal/canonical.ts';
import { encode, mayHoldSecrets } from '../journal/codec.ts';
import type { Encoded } from '../journal/event.ts';
import { inputHashOf } from '../journal/input-hash.ts';
import { taskText } from '../kernel/divergence.ts';
import { taskFingerprint } from '../kernel/fingerprint.ts';
import type { Command } from '../kernel/input.ts';
import type { Asked } from './admission.ts';
import type { ProcessHost } from './host.ts';
import { keptPlace } from './kept-place.ts';
import type { OpenStream, OpenTask } from './open-call.ts';
import { openOffer, whoseWork } from './offer-call.ts';
import { checkName, priorityNumber } from './parallel/options.ts';
import { encodePayload, tooLarge } from './payload.ts';
import { outsideProcess } from './process-code.ts';
import type { Scope } from './scope.ts';
import { refuseForTransaction } from './transaction-call.ts';

const CALL_OPTIONS: ReadonlySet<string> = new Set<keyof TaskCallOptions>([
  'key',
  'retry',
  'timeout',
  'deadline',
  'priority',
  'pool',
  'cost',
  'labels',
]);

/** A definition's other settings belong to the task: given to a call they would be ignored, or be half true. */
function checkCallOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null)
    throw new InvalidOptionError('options', options, 'an object');
  for (const name of Object.keys(options)) {
    if (CALL_OPTIONS.has(name)) continue;
    throw new InvalidOptionError(
      name,
      Reflect.get(options, name),
      `left out: a call takes ${[...CALL_OPTIONS].join(', ')}`,
    );
  }
}

/** A use of a task, with all that can be refused looked at. */
export interface PreparedTask {
  readonly name: string | undefined;
  readonly asked: Asked & { readonly args: Encoded };
  readonly task: OpenTask;
  readonly facts: Omit<Extract<Command, { type: 'ScheduleTask' }>, 'type' | 'key'>;
  /** Whether others do it; undefined where that cannot be. */
  readonly whose: ReturnType<typeof whoseWork> | undefined;
}

/** Where the progress of a task goes, if the process reads it. */
interface TaskStream {
  readonly queue: OpenStream;
  opened(key: CallKey): void;
}

export function scheduleTask<Output>(
  host: ProcessHost,
  definition: TaskDefinition<never, unknown>,
  args: unknown,
  options?: TaskCallOptions,
  stream?: TaskStream,
): Promise<Output> {
  const scope = host.currentScope();
  const isRead = stream !== undefined;
  const prepared = prepareTask(host, scope, 'ctx.task', definition, args, options, isRead);
  return issueTask(host, scope, prepared, stream);
}

/** @param method that takes it, for messages */
export function prepareTask(
  host: ProcessHost,
  scope: Scope,
  method: string,
  declared: TaskDefinition<never, unknown>,
  args: unknown,
  options: TaskCallOptions | undefined,
  /** The process reads its progress. */
  isRead = false,
): PreparedTask {
  if (typeof declared?.build !== 'function') {
    throw new InvalidArgumentError(
      `${method} takes a task made by defineTask or shellTask as its first argument.`,
    );
  }
  const definition = host.port.standIn(declared);
  const { key: named, priority, labels, ...overrides } = options ?? {};
  if (options !== undefined) checkCallOptions(options);
  const name = checkName(named);
  const { settings, policy, version, pool, cost } = host.taskPlans.get(
    definition,
    scope.defaults,
    options === undefined ? undefined : overrides,
  );
  const what = `The input of task '${definition.name}'`;
  refuseUnfit(declared, args, what);
  const encoded = encodePayload(what, args, host.limits.payloadBytes);
  const text = identityText(encoded);
  if (text.length > host.limits.payloadBytes) throw tooLarge(what, host.limits.payloadBytes);
  const inputHash = inputHashOf(host.port.digest, text);
  const task: OpenTask = {
    definition,
    args: encoded,
    hasSecrets: mayHoldSecrets(text),
    priority: priority === undefined ? scope.defaults.priority : priorityNumber(priority),
    pool: definition.transaction === undefined ? (pool ?? null) : null,
    cost,
    timeoutMs: policy.timeoutMs,
    shouldRetry: settings.retry?.shouldRetry,
    kept: keptPlace(host, definition, args, version, inputHash),
  };
  refuseForTransaction(definition, { options: options ?? {}, hasSecrets: task.hasSecrets, isRead });
  const request = { scope, name, definition, options: options ?? {}, settings, args: encoded };
  // Most tasks cannot be anybody else's: they pay little for it.
  const whose =
    definition.describe === undefined && (labels === undefined || definition !== declared)
      ? undefined
      : whoseWork(host, { ...request, hasSecrets: task.hasSecrets, isRead });
  const facts = { task: definition.name, version, inputHash, args: encoded };
  const fingerprint = taskFingerprint(definition.name, version, inputHash);
  return {
    name,
    asked: { fingerprint, what: taskText(definition.name, version), args: encoded },
    task,
    facts: { ...facts, pool: task.pool, policy },
    whose,
  };
}

export function issueTask<Output>(
  host: ProcessHost,
  scope: Scope,
  { name, asked, task, facts, whose }: PreparedTask,
  stream?: TaskStream,
): Promise<Output> {
  return host.request<Output>(scope, name, asked, (key, resolve, reject) => {
    // What the journal gives back is what the task returned, whose type the definition carries.
    const call = { resolve: (value: unknown): void => resolve(value as Output), reject, scope };
    const work = whose?.(key);
    if (work?.by === 'others') {
      const { pool: _, policy: __, ...said } = facts;
      openOffer(host, work, { key, ...said }, call);
      return;
    }
    const open = work?.failure === undefined ? task : failing(task, work.failure);
    host.openCalls.set(key, { ...call, task: open, stream: stream?.queue });
    host.command({ type: 'ScheduleTask', key, ...facts });
    stream?.opened(key);
  });
}

/** Work that cannot even be described: its attempt fails with that. */
function failing(task: OpenTask, { thrown }: { readonly thrown: unknown }): OpenTask {
  const build = (): never => {
    throw thrown;
  };
  return { ...task, definition: { ...task.definition, build } };
}

/** @throws ValidationError */
function refuseUnfit({ input }: TaskDefinition<never, unknown>, args: unknown, what: string): void {
  if (input === undefined) return;
  try {
    outsideProcess(() => refuseInvalid(input, args, what));
  } catch (error) {
    // A schema speaks of the value that a secret stands for, which only the attempt has.
    if (!holdsSecrets(args)) throw error;
  }
}

function holdsSecrets(args: unknown): boolean {
  try {
    return mayHoldSecrets(canonical(encode(args)));
  } catch {
    return false;
  }
}
