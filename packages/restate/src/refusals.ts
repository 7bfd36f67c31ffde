import { InvalidOptionError, type TaskDefinition, type TaskSettings } from '@pawl/sdk';
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
  'port',
  'processes',
  'restAfter',
  'reusePort',
  'suspendAfter',
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
  if (options.pools !== undefined && options.boundsPerRun !== true)
    throw new InvalidOptionError('pools', options.pools, perRunOnly('pools'));
}

export function driveOptions(options: ServeOptions): DriveOptions {
  return Object.fromEntries(
    DRIVE.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  );
}

const SHARED: readonly (keyof TaskSettings)[] = ['circuit', 'cache', 'rate'];

/** What a task asks for over all runs. @throws InvalidOptionError by the names of both */
export function refuseShared(task: TaskDefinition<never, unknown>): TaskDefinition<never, unknown> {
  for (const name of SHARED) {
    const { [name]: value } = task.settings;
    if (value !== undefined)
      throw new InvalidOptionError(`${name} of task '${task.name}'`, value, perRunOnly(name));
  }
  return task;
}

function perRunOnly(name: string): string {
  return `left out on Restate, where ${name} would bound one run and its sub-runs only; if that is enough, serve({ boundsPerRun: true })`;
}
