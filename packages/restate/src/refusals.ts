import {
  poolPlan,
  InvalidOptionError,
  type PoolOptions,
  type PoolPlan,
  type TaskDefinition,
  type TaskSettings,
} from '@pawl/sdk';
import type { StandIn } from '@pawl/runtime/elsewhere';
import { checkTaskName } from './offered-tasks.ts';
import type { DriveOptions } from './options.ts';
import type { ServeOptions } from './serve.ts';

const DRIVE: readonly (keyof DriveOptions)[] = [
  'graceMs',
  'guard',
  'limits',
  'logger',
  'notify',
  'onLog',
  'onWarning',
  'pools',
  'stallMs',
  'strict',
];
const SERVE: readonly Exclude<keyof ServeOptions, keyof DriveOptions>[] = [
  'admin',
  'boundsPerRun',
  'host',
  'identityKeys',
  'ingress',
  'port',
  'processes',
  'remoteHere',
  'restAfter',
  'reusePort',
  'suspendAfter',
  'tasks',
  'uri',
];
const KNOWN: ReadonlySet<string> = new Set([...DRIVE, ...SERVE]);

const ONE_FILE = 'left out: there is no journal file on Restate';
const RESTATES = "left out: Restate's own settings say that";
/** Options of a runtime over a file that mean nothing here, and what is said of them. */
const NOT_HERE: Readonly<Record<string, string>> = {
  path: ONE_FILE,
  store: ONE_FILE,
  durability: RESTATES,
  encryption: 'left out: values are kept by Restate as they are; encrypt its disks',
  secretKey: 'left out: there are no secrets on Restate',
  secretKeyCommand: 'left out: there are no secrets on Restate',
  leaseMs: RESTATES,
  keepLogs: 'left out: what is logged is told by onLog and logger, and kept nowhere',
  keepPoolStats: 'left out: what becomes of the calls of a pool is not counted on Restate',
  check: 'left out: runs do not replay themselves at their end on Restate',
  onChecked: 'left out: runs do not replay themselves at their end on Restate',
  telemetry: 'left out: an attempt on Restate is no run, and its spans would be told again by the next one',
};

/** Whatever a caller without types gave. @throws InvalidOptionError by name */
export function checkServeOptions(options: ServeOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || KNOWN.has(name)) continue;
    const there = NOT_HERE[name];
    // It may be a key, and is not told.
    if (there !== undefined) throw new InvalidOptionError(name, 'given', there);
    throw new InvalidOptionError(name, value, `one of ${[...KNOWN].toSorted().join(', ')}`);
  }
  const { processes = [], tasks = [], pools = {}, ingress, boundsPerRun = false } = options;
  if (processes.length + tasks.length === 0)
    throw new InvalidOptionError('processes', processes, 'at least one, or one of tasks');
  if (ingress !== undefined && !['http:', 'https:'].includes(URL.parse(String(ingress))?.protocol ?? ''))
    throw new InvalidOptionError('ingress', ingress, 'an address such as http://127.0.0.1:8080');
  if (ingress !== undefined && options.remoteHere === true)
    throw new InvalidOptionError(
      'remoteHere',
      true,
      'left out where remote tasks are asked for: with ingress',
    );
  if (boundsPerRun) return;
  if (options.pools !== undefined && ingress === undefined)
    throw new InvalidOptionError(
      'pools',
      pools,
      `${perRunOnly('pools')}; those of remote tasks bound all runs, with serve({ ingress })`,
    );
  for (const [name, given] of Object.entries(pools)) refuseUnfitPool(name, given);
}

const OF_ALL: ReadonlySet<string> = new Set<keyof PoolOptions>(['maxConcurrent', 'limits']);

/** What the holder of slots on Restate does not do. */
function refuseUnfitPool(name: string, given: number | PoolOptions): void {
  if (name === '')
    throw new InvalidOptionError('pools', name, 'names: tasks that name no pool are not bound over all runs');
  if (typeof given !== 'object' || given === null) return;
  for (const [option, value] of Object.entries(given))
    if (value !== undefined && !OF_ALL.has(option))
      throw new InvalidOptionError(
        `pools.${name}.${option}`,
        value,
        `left out on Restate, where a pool of remote tasks takes ${[...OF_ALL].join(' and ')}`,
      );
}

/** Pools that bound remote tasks of all runs. @throws InvalidOptionError */
export function poolsOfAll({ pools = {}, ingress }: ServeOptions): ReadonlyMap<string, PoolPlan> {
  if (ingress === undefined) return new Map();
  return new Map(
    Object.entries(pools).map(([name, given]) => {
      const asked = typeof given === 'object' ? given : { maxConcurrent: given };
      return [name, poolPlan(asked, `pools.${name}.`)];
    }),
  );
}

export function driveOptions(options: ServeOptions): DriveOptions {
  return Object.fromEntries(
    DRIVE.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  );
}

const SHARED: readonly (keyof TaskSettings)[] = ['circuit', 'cache', 'rate'];

/** Refuses calls of tasks that ask for what is not there. It throws InvalidOptionError by the names of both. */
export function refusing(
  { ingress, remoteHere = false, boundsPerRun = false }: ServeOptions,
  pools: ReadonlyMap<string, PoolPlan>,
): StandIn {
  return (task, { pool, isRead }) => {
    if (!boundsPerRun) refuseShared(task);
    if (task.settings.remote === true && !remoteHere) refuseUnfit(task, ingress, isRead);
    else if (pool !== null && pools.has(pool) && !boundsPerRun)
      throw new InvalidOptionError(
        `pool of task '${task.name}'`,
        pool,
        `${perRunOnly(`a pool of a task that is not remote`)}; or say remote: true`,
      );
    return task;
  };
}

function refuseUnfit(
  { name }: TaskDefinition<never, unknown>,
  ingress: string | undefined,
  isRead: boolean,
): void {
  const option = `remote of task '${name}'`;
  if (ingress === undefined)
    throw new InvalidOptionError(
      option,
      true,
      `left out where the worker does not know where to ask for it: serve({ ingress: 'http://127.0.0.1:8080' }); or, for one worker alone, serve({ remoteHere: true })`,
    );
  if (isRead)
    throw new InvalidOptionError(
      option,
      true,
      'left out where ctx.stream reads the task: a remote one tells no progress',
    );
  checkTaskName(name);
}

/** What a task asks for over all runs. */
function refuseShared(task: TaskDefinition<never, unknown>): void {
  for (const name of SHARED) {
    const { [name]: value } = task.settings;
    if (value !== undefined)
      throw new InvalidOptionError(`${name} of task '${task.name}'`, value, perRunOnly(name));
  }
}

function perRunOnly(name: string): string {
  return `left out on Restate, where ${name} would bound one run and its sub-runs only; if that is enough, serve({ boundsPerRun: true })`;
}
