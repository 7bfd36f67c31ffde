import type { GuardMode } from '@pawl/runtime';

import { choice, duration, flag, text, usage, type OptionSpec } from './command.ts';
import type { Io } from './terminal.ts';

/** How a run is driven. */
export interface DriveValues {
  readonly durability: 'full' | 'normal';
  readonly strict: boolean;
  readonly guard: GuardMode | undefined;
  readonly check: boolean;
  /** In milliseconds. */
  readonly lease: number | undefined;
  readonly notify: string | undefined;
  readonly secretKeyCommand: string | undefined;
}

/** For every command by which a secret may be sealed or opened. */
export const SECRET_KEY_COMMAND: OptionSpec<string | undefined> = text(
  '--secret-key-command <command>',
  'prints the key of secrets, once one needs it (default: $PAWL_SECRET_KEY_COMMAND, where there is no key)',
);

/** The same for every command that drives runs. */
export const DRIVE_OPTIONS: { readonly [Name in keyof DriveValues]: OptionSpec<DriveValues[Name]> } = {
  durability: choice(
    '--durability <mode>',
    "'full': what is done survives a power cut; 'normal': a crash only, and is faster",
    ['full', 'normal'],
    'full',
  ),
  strict: flag('--strict', 'fail where the order of calls may depend on something outside ctx'),
  guard: choice(
    '--guard <mode>',
    "of process code that calls Date.now, fs, fetch or such: 'off', 'warn', 'error' (default: error with --strict, warn on a terminal, else off)",
    ['off', 'warn', 'error'],
    undefined,
  ),
  check: flag('--check', 'replay each run at its end, without effects: exit 7 where it diverges'),
  lease: duration('--lease <duration>', 'how long the run stays ours without a sign of life (default: 30s)'),
  notify: text(
    '--notify <command|url>',
    'told of each wait for people: a command (JSON on its stdin) or a webhook (default: $PAWL_NOTIFY)',
  ),
  secretKeyCommand: SECRET_KEY_COMMAND,
};

/** @throws RuntimeError USAGE */
export function runtimeOptions(
  { durability, strict, guard, check, lease, notify, secretKeyCommand }: DriveValues,
  io: Io,
): {
  durability: 'full' | 'normal';
  strict: boolean;
  guard: GuardMode;
  check: boolean;
  leaseMs?: number;
  notify?: string;
  secretKeyCommand: string | undefined;
} {
  if (lease === 0) throw usage('--lease takes a duration above 0, such as 30s.');
  const told = notify ?? io.env['PAWL_NOTIFY'] ?? '';
  return {
    durability,
    strict,
    guard: guard ?? (strict ? 'error' : isDevelopment(io) ? 'warn' : 'off'),
    check,
    secretKeyCommand,
    ...(lease === undefined ? {} : { leaseMs: lease }),
    ...(told === '' ? {} : { notify: told }),
  };
}

/** Somebody looks, and nobody says that it is production: there, and in scripts, the guard costs nothing. */
function isDevelopment({ err, env }: Io): boolean {
  return err.isTerminal && env['NODE_ENV'] !== 'production';
}

/**
 * For a run that an engine drives. @throws RuntimeError USAGE where something is asked for that is up to its workers
 */
export function refuseDriveOptions(
  given: DriveValues & { readonly external: boolean; readonly reuseFrom?: string | undefined },
): void {
  const { durability, strict, guard, check, lease, notify, secretKeyCommand, external, reuseFrom } = given;
  const asked = {
    '--durability': durability !== 'full',
    '--strict': strict,
    '--guard': guard !== undefined,
    '--check': check,
    '--lease': lease !== undefined,
    '--notify': notify !== undefined,
    '--secret-key-command': secretKeyCommand !== undefined,
    '--external': external,
    '--reuse-from': reuseFrom !== undefined,
  };
  const [named] = Object.entries(asked).flatMap(([name, isAsked]) => (isAsked ? [name] : []));
  if (named !== undefined)
    throw usage(
      `${named} is about runs that this program drives; those of an engine are driven by its workers.`,
      'What a worker takes: pawl docs scale-out',
    );
}
