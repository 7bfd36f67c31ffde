import { RuntimeError } from '@pawl/runtime/errors';
import { durationMs } from '@pawl/sdk';

import type { Io } from './terminal.ts';

/** An option as a value; `T` is what a command gets. */
export interface OptionSpec<T> {
  /** As the help shows it: `-n, --limit <count>`. */
  readonly flags: string;
  readonly description: string;
  readonly initial: T;
  readonly choices?: readonly string[];
  /** Names of options of the same command that it excludes. */
  readonly conflicts?: readonly string[];
  /** @throws RuntimeError USAGE */
  readonly parse?: (text: string) => T;
  /** Of one that may be given several times. @throws RuntimeError USAGE */
  readonly parseAll?: (texts: readonly string[]) => T;
}

export interface ArgumentSpec {
  /** `<run>`, or `[run]` where it can be left out. */
  readonly name: string;
  readonly description: string;
}

export interface Example {
  readonly command: string;
  readonly what: string;
}

type OptionTable = Readonly<Record<string, OptionSpec<unknown>>>;

type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends OptionSpec<infer T> ? T : never;
};

/** One use of a command. */
export interface Use<Values> {
  readonly args: readonly (string | undefined)[];
  readonly options: Values;
  readonly io: Io;
}

/** A command is a value: `main.ts` lists them by name, and loads the one that is asked for. */
export interface Command {
  readonly description: string | undefined;
  readonly arguments: readonly ArgumentSpec[];
  readonly options: OptionTable;
  readonly examples: readonly Example[];
  /** Resolves to the exit code. */
  readonly run: (use: Use<Readonly<Record<string, unknown>>>) => Promise<number>;
}

export function defineCommand<const Table extends OptionTable>(command: {
  readonly description?: string;
  readonly arguments: readonly ArgumentSpec[];
  readonly options: Table;
  readonly examples: readonly Example[];
  readonly run: (use: Use<OptionValues<Table>>) => Promise<number>;
}): Command {
  return {
    ...command,
    description: command.description,
    // The values come from `parse` and `initial` of this very table.
    run: (use) => command.run({ ...use, options: use.options as OptionValues<Table> }),
  };
}

type Refine<T> = Partial<Pick<OptionSpec<T>, 'conflicts'>>;

export function flag(flags: string, description: string, more: Refine<boolean> = {}): OptionSpec<boolean> {
  return { flags, description, initial: false, ...more };
}

export function text(
  flags: string,
  description: string,
  more: Refine<string | undefined> = {},
): OptionSpec<string | undefined> {
  return { flags, description, initial: undefined, ...more };
}

/** One that may be given several times: `--where <name=value...>`. */
export function texts(flags: string, description: string): OptionSpec<readonly string[]> {
  return { flags, description, initial: [], parseAll: (given) => given };
}

export function choice<const C extends string, const I extends C | undefined>(
  flags: string,
  description: string,
  choices: readonly C[],
  initial: I,
  more: Refine<C | I> = {},
): OptionSpec<C | I> {
  // Commander refuses what is not among the choices.
  return { flags, description, initial, choices, parse: (given) => given as C, ...more };
}

export function wholeNumber<const I extends number | undefined>(
  flags: string,
  description: string,
  initial: I,
  least: number,
): OptionSpec<number | I> {
  const parse = (given: string): number => {
    const number = Number(given);
    if (/^\d{1,9}$/.test(given) && number >= least) return number;
    throw usage(`'${given}' is no whole number from ${least} on, which ${longName(flags)} takes.`);
  };
  return { flags, description, initial, parse };
}

/** In milliseconds. */
export function duration(flags: string, description: string): OptionSpec<number | undefined> {
  const parse = (given: string): number => {
    try {
      return durationMs(/^\d+$/.test(given) ? Number(given) : given, longName(flags));
    } catch {
      throw usage(
        `'${given}' is no duration, which ${longName(flags)} takes: milliseconds, or such as 500ms, 30s, 5m, 2h.`,
      );
    }
  };
  return { flags, description, initial: undefined, parse };
}

function longName(flags: string): string {
  return /--[\w-]+/.exec(flags)?.[0] ?? flags;
}

export function usage(message: string, hint?: string): RuntimeError {
  return new RuntimeError('USAGE', message, hint === undefined ? {} : { hint });
}

type CommonOptions = {
  readonly db: OptionSpec<string | undefined>;
  readonly json: OptionSpec<boolean>;
  readonly debug: OptionSpec<boolean>;
};

/** What every command takes. */
export const COMMON_OPTIONS: CommonOptions = {
  db: text('--db <file>', 'the journal (default: $PAWL_DB, else .pawl/journal.db)'),
  json: flag('-j, --json', 'a versioned JSON document instead of text, for errors too'),
  debug: flag('--debug', 'show stacks of errors'),
};

type PlaceOptions = CommonOptions & { readonly engine: OptionSpec<string | undefined> };

/** Of commands that also work on runs which an engine keeps. */
export const PLACE_OPTIONS: PlaceOptions = {
  ...COMMON_OPTIONS,
  engine: text(
    '--engine <address>',
    'the runs of a server of Restate instead: restate://host:port (default: $PAWL_ENGINE)',
  ),
};
