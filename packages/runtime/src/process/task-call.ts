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
  type TaskSettings,
} from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import { canonical, identityText } from '../journal/canonical.ts';
import { encode, mayHoldSecrets } from '../journal/codec.ts';
import type { TaskPolicy } from '../journal/event.ts';
import { taskFingerprint } from '../kernel/fingerprint.ts';
import type { ProcessHost } from './host.ts';
import { keptPlace } from './kept-place.ts';
import type { OpenStream, OpenTask } from './open-call.ts';
import { checkName, priorityNumber, resourcesOf } from './parallel/options.ts';
import { encodePayload, tooLarge } from './payload.ts';
import type { ScopeDefaults } from './scope.ts';

const CALL_OPTIONS: ReadonlySet<string> = new Set<keyof TaskCallOptions>([
  'key',
  'retry',
  'timeout',
  'deadline',
  'priority',
  'pool',
  'cost',
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
  /** Where its progress goes, if the process reads it. */
  stream?: { readonly queue: OpenStream; opened(key: CallKey): void },
): Promise<Output> {
  const scope = host.currentScope();
  if (typeof definition?.build !== 'function') {
    throw new InvalidArgumentError(
      'ctx.task takes a task made by defineTask or shellTask as its first argument.',
    );
  }
  checkCallOptions(options);
  const { key, priority, pool, cost, ...overrides } = options;
  const name = checkName(key);
  checkSettings(overrides);
  const settings = settingsOf(definition, overrides, scope.defaults);
  const byDefault = { pool: settings.pool, cost: settings.cost ?? scope.defaults.cost };
  const own = checkedPlace(host, resourcesOf({ pool, cost }, byDefault));
  const what = `The input of task '${definition.name}'`;
  refuseUnfit(definition, args, what);
  const encoded = encodePayload(what, args, host.limits.payloadBytes);
  const text = identityText(encoded);
  if (text.length > host.limits.payloadBytes) throw tooLarge(what, host.limits.payloadBytes);
  const inputHash = host.port.digest(text);
  const version = settings.version === undefined ? null : String(settings.version);
  const policy = policyOf(settings);
  const task: OpenTask = {
    definition,
    args: encoded,
    hasSecrets: mayHoldSecrets(text),
    priority: priority === undefined ? scope.defaults.priority : priorityNumber(priority),
    pool: own.pool ?? null,
    cost: own.cost,
    timeoutMs: policy.timeoutMs,
    shouldRetry: settings.retry?.shouldRetry,
    kept: keptPlace(host, definition, args, version, inputHash),
  };
  const fingerprint = taskFingerprint(definition.name, version, inputHash);
  return host.request<Output>(
    scope,
    name,
    { fingerprint, what: `task '${definition.name}'`, args: encoded },
    (callKey, resolve, reject) => {
      // What the journal gives back is what the task returned, whose type the definition carries.
      const settle = (value: unknown): void => resolve(value as Output);
      host.openCalls.set(callKey, {
        resolve: settle,
        reject,
        scope,
        task,
        stream: stream?.queue,
      });
      host.command({
        type: 'ScheduleTask',
        key: callKey,
        task: definition.name,
        version,
        inputHash,
        args: encoded,
        pool: task.pool,
        policy,
      });
      stream?.opened(callKey);
    },
  );
}

/** @throws ValidationError */
function refuseUnfit({ input }: TaskDefinition<never, unknown>, args: unknown, what: string): void {
  if (input === undefined) return;
  try {
    refuseInvalid(input, args, what);
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

/** What of the settings is recorded. */
function policyOf({ retry, timeout, deadline, onUnknown, maxUnknown }: TaskSettings): TaskPolicy {
  return {
    retry: retry === undefined ? NO_RETRY : retryPlan(retry),
    timeoutMs: timeout === undefined ? null : durationMs(timeout, 'timeout'),
    deadlineMs: deadline === undefined ? null : durationMs(deadline, 'deadline'),
    onUnknown: onUnknown ?? 'retry',
    maxUnknown: maxUnknown ?? 3,
  };
}

/**
 * Refuses what could never start.
 * @throws InvalidCostError, LimitError
 */
function checkedPlace<Place extends Pick<ScopeDefaults, 'pool' | 'cost'>>(
  host: ProcessHost,
  place: Place,
): Place {
  const { pool = '', cost } = place;
  if (pool === '' && cost === undefined) return place;
  host.pools.use(pool);
  host.pools.check(pool, cost);
  return place;
}

/**
 * What a call says goes first, then what the definition says itself, then the innermost group around it;
 * last the pool that comes with the kind of task.
 */
function settingsOf(
  definition: TaskDefinition<never, unknown>,
  overrides: Pick<TaskCallOptions, 'retry' | 'timeout' | 'deadline'>,
  { retry, timeout, pool }: ScopeDefaults,
): TaskSettings {
  const { settings, isPoolImplied = false } = definition;
  const { pool: ownPool, ...ownSettings } = settings;
  const byDefault: Partial<TaskSettings> = given({ retry, timeout, pool: pool ?? ownPool });
  return { ...byDefault, ...given(isPoolImplied ? ownSettings : settings), ...given(overrides) };
}

/** An option that is undefined is one that is left out. */
function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
