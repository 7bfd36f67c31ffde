import {
  InvalidArgumentError,
  InvalidOptionError,
  refuseInvalid,
  type TaskCallOptions,
  type TaskDefinition,
} from '@pawl/sdk';
import { canonical, identityText } from '../journal/canonical.ts';
import { encode, isPlain, mayHoldSecrets } from '../journal/codec.ts';
import type { Encoded } from '../journal/event.ts';
import { inputHashOf } from '../journal/input-hash.ts';
import { taskFingerprint } from '../kernel/fingerprint.ts';
import type { ProcessHost } from './host.ts';
import { keptPlace } from './kept-place.ts';
import type { OpenTask } from './open-call.ts';
import { whoseWork } from './offer-call.ts';
import { checkName, priorityNumber } from './parallel/options.ts';
import { encodePayload, tooLarge } from './payload.ts';
import { outsideProcess } from './process-code.ts';
import type { Scope } from './scope.ts';
import { PreparedTask, TaskRequest, type TaskStream } from './task-request.ts';
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

const NO_OPTIONS: TaskCallOptions = {};

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

/** What a call says of its task; the rest is of the call. */
function overridesOf({
  key: _,
  priority: _priority,
  labels: _labels,
  ...overrides
}: TaskCallOptions): Omit<TaskCallOptions, 'key' | 'priority' | 'labels'> {
  return overrides;
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
  const prepared = prepareTask(
    host,
    scope,
    isRead ? 'ctx.stream' : 'ctx.task',
    definition,
    args,
    options,
    isRead,
  );
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
  if (options !== undefined) checkCallOptions(options);
  const { key, priority, labels } = options ?? NO_OPTIONS;
  const name = checkName(key);
  const overrides = options === undefined ? undefined : overridesOf(options);
  const plan = host.taskPlans.get(declared, scope.defaults, overrides);
  const definition = host.port.standIn(declared, { pool: plan.pool ?? null, isRead });
  const { settings, policy, version } = plan;
  refuseUnfit(declared, args);
  const encoded = encodeInput(declared, args, host.limits.payloadBytes);
  const text = identityText(encoded);
  if (text.length > host.limits.payloadBytes) throw tooLarge(inputOf(declared), host.limits.payloadBytes);
  const inputHash = inputHashOf(host.port.digest, text);
  const hasSecrets = mayHoldSecrets(text);
  const task: OpenTask = {
    definition,
    args: encoded,
    hasSecrets,
    priority: priority === undefined ? scope.defaults.priority : priorityNumber(priority),
    pool: definition.transaction === undefined ? (plan.pool ?? null) : null,
    cost: plan.cost,
    timeoutMs: policy.timeoutMs,
    shouldRetry: settings.retry?.shouldRetry,
    kept: keptPlace(host, definition, args, version, inputHash),
  };
  if (definition.transaction !== undefined)
    refuseForTransaction(definition, { options: options ?? NO_OPTIONS, hasSecrets, isRead });
  // Most tasks cannot be anybody else's: they pay little for it.
  const whose =
    definition.describe === undefined && (labels === undefined || definition !== declared)
      ? undefined
      : whoseWork(host, {
          scope,
          name,
          definition,
          options: options ?? NO_OPTIONS,
          settings,
          args: encoded,
          hasSecrets,
          isRead,
        });
  const fingerprint = taskFingerprint(definition.name, version, inputHash);
  return new PreparedTask(name, fingerprint, version, inputHash, policy, task, whose);
}

export function issueTask<Output>(
  host: ProcessHost,
  scope: Scope,
  prepared: PreparedTask,
  stream?: TaskStream,
): Promise<Output> {
  // What the journal gives back is what the task returned, whose type the definition carries.
  return host.ask(new TaskRequest(host, scope, prepared, stream)) as Promise<Output>;
}

function inputOf({ name }: TaskDefinition<never, unknown>): string {
  return `The input of task '${name}'`;
}

/** @throws UnserializableError, LimitError */
function encodeInput(declared: TaskDefinition<never, unknown>, args: unknown, maxSize: number): Encoded {
  return isPlain(args, maxSize) ? args : encodePayload(inputOf(declared), args, maxSize);
}

/** @throws ValidationError */
function refuseUnfit(declared: TaskDefinition<never, unknown>, args: unknown): void {
  const { input } = declared;
  if (input === undefined) return;
  try {
    outsideProcess(() => refuseInvalid(input, args, inputOf(declared)));
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
