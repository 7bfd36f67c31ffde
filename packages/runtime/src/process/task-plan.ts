import {
  checkSettings,
  durationMs,
  NO_RETRY,
  retryPlan,
  type TaskCallOptions,
  type TaskDefinition,
  type TaskSettings,
} from '@pawl/sdk';
import type { TaskPolicy } from '../journal/event.ts';
import type { DeclaredPools } from './declared-pools.ts';
import { resourcesOf } from './parallel/options.ts';
import { NO_DEFAULTS, type ScopeDefaults } from './scope.ts';

/** What a call of a task comes to, apart from its input and its name. */
export interface TaskPlan {
  readonly settings: TaskSettings;
  readonly policy: TaskPolicy;
  readonly version: string | null;
  readonly pool: string | undefined;
  readonly cost: ScopeDefaults['cost'];
}

type Overrides = Omit<TaskCallOptions, 'key' | 'priority' | 'labels'>;

type Plans = WeakMap<
  TaskDefinition<never, unknown>,
  { readonly defaults: ScopeDefaults; readonly plan: TaskPlan }
>;

/** Of definitions that are called without options, outside of all groups: the same in every run. */
const plainPlans: Plans = new WeakMap();

/**
 * Makes the plans of a run's calls.
 *
 * Owns those of definitions that were called without options in a group: a map calls one of them a million times.
 */
export class TaskPlans {
  readonly #pools: DeclaredPools;
  #inGroups: Plans | undefined;

  constructor(pools: DeclaredPools) {
    this.#pools = pools;
  }

  /** @throws InvalidOptionError, InvalidCostError, LimitError */
  get(
    definition: TaskDefinition<never, unknown>,
    defaults: ScopeDefaults,
    overrides: Overrides | undefined,
  ): TaskPlan {
    if (overrides === undefined) {
      const known = this.#plansFor(defaults).get(definition);
      if (known?.defaults === defaults) return known.plan;
    }
    const plan = this.#make(definition, defaults, overrides ?? {});
    // What pools can give is asked at each call: they may be declared anew.
    if (overrides === undefined && plan.pool === undefined && plan.cost === undefined)
      this.#plansFor(defaults).set(definition, { defaults, plan });
    return plan;
  }

  #plansFor(defaults: ScopeDefaults): Plans {
    if (defaults === NO_DEFAULTS) return plainPlans;
    this.#inGroups ??= new WeakMap();
    return this.#inGroups;
  }

  #make(
    definition: TaskDefinition<never, unknown>,
    defaults: ScopeDefaults,
    { pool, cost, ...overrides }: Overrides,
  ): TaskPlan {
    checkSettings(overrides);
    const settings = settingsOf(definition, overrides, defaults);
    const byDefault = { pool: settings.pool, cost: settings.cost ?? defaults.cost };
    const own = resourcesOf({ pool, cost }, byDefault);
    this.#refuseUnfit(own.pool ?? '', own.cost);
    const version = settings.version === undefined ? null : String(settings.version);
    return { settings, policy: policyOf(settings), version, pool: own.pool, cost: own.cost };
  }

  /** Refuses what could never start. */
  #refuseUnfit(pool: string, cost: ScopeDefaults['cost']): void {
    if (pool === '' && cost === undefined) return;
    this.#pools.use(pool);
    this.#pools.check(pool, cost);
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
