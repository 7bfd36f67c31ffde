import {
  checkSettings,
  durationMs,
  InvalidArgumentError,
  InvalidOptionError,
  NO_RETRY,
  refuseInvalid,
  retryPlan,
  type TaskCallOptions,
  type TaskDefinition,
} from '@pawl/sdk';
import { canonical } from '../journal/canonical.ts';
import type { TaskPolicy } from '../journal/event.ts';
import { taskFingerprint } from '../kernel/fingerprint.ts';
import type { ProcessHost } from './host.ts';
import type { OpenTask } from './open-call.ts';
import { checkName, priorityNumber } from './parallel/options.ts';
import { encodePayload, tooLarge } from './payload.ts';

const CALL_OPTIONS: ReadonlySet<string> = new Set<keyof TaskCallOptions>([
  'key',
  'retry',
  'timeout',
  'deadline',
  'priority',
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

export function scheduleTask<Output>(
  host: ProcessHost,
  definition: TaskDefinition<never, unknown>,
  args: unknown,
  options: TaskCallOptions = {},
): Promise<Output> {
  const scope = host.currentScope();
  if (typeof definition?.build !== 'function') {
    throw new InvalidArgumentError(
      'ctx.task takes a task made by defineTask or shellTask as its first argument.',
    );
  }
  checkCallOptions(options);
  const { key, priority, ...overrides } = options;
  const name = checkName(key);
  checkSettings(overrides);
  const settings = { ...definition.settings, ...given(overrides) };
  const what = `The input of task '${definition.name}'`;
  if (definition.input !== undefined) refuseInvalid(definition.input, args, what);
  const encoded = encodePayload(what, args, host.limits.payloadBytes);
  const text = canonical(encoded);
  if (text.length > host.limits.payloadBytes) throw tooLarge(what, host.limits.payloadBytes);
  const inputHash = host.port.digest(text);
  const version = settings.version === undefined ? null : String(settings.version);
  const policy: TaskPolicy = {
    retry: settings.retry === undefined ? NO_RETRY : retryPlan(settings.retry),
    timeoutMs: settings.timeout === undefined ? null : durationMs(settings.timeout, 'timeout'),
    deadlineMs: settings.deadline === undefined ? null : durationMs(settings.deadline, 'deadline'),
    onUnknown: settings.onUnknown ?? 'retry',
    maxUnknown: settings.maxUnknown ?? 3,
  };
  const task: OpenTask = {
    definition,
    args: encoded,
    priority: priority === undefined ? scope.priority : priorityNumber(priority),
    timeoutMs: policy.timeoutMs,
    shouldRetry: settings.retry?.shouldRetry,
  };
  const fingerprint = taskFingerprint(definition.name, version, inputHash);
  return host.request<Output>(
    scope,
    name,
    { fingerprint, what: `task '${definition.name}'`, args: encoded },
    (callKey, resolve, reject) => {
      // What the journal gives back is what the task returned, whose type the definition carries.
      const settle = (value: unknown): void => resolve(value as Output);
      host.openCalls.set(callKey, { resolve: settle, reject, scope, task });
      host.command({
        type: 'ScheduleTask',
        key: callKey,
        task: definition.name,
        version,
        inputHash,
        args: encoded,
        pool: settings.pool ?? null,
        policy,
      });
    },
  );
}

/** An option that is undefined is one that is left out. */
function given<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}
