/** From arguments to an exit code: parses, dispatches, and tells what went wrong. */
import {
  Argument,
  Command as Parser,
  CommanderError,
  Option,
  type HelpConfiguration,
  type OutputConfiguration,
} from 'commander';

import type { ArgumentSpec, Command, Example, OptionSpec } from './command.ts';
import { PLACE_OPTIONS, usage } from './command.ts';
import { COMMANDS, type Listed } from './command-list.ts';
import { engineFor } from './engine-refusal.ts';
import { DONE } from './exit-codes.ts';
import { failureOf } from './failure.ts';
import { failureJson, renderFailure, type Failure } from './render/failure.ts';
import { examplesText } from './render/help.ts';
import type { Io } from './terminal.ts';
import { CLI_VERSION } from './version.ts';

const COMPLETE = '__complete';

/** The ways to ask for the help of the whole. */
const HELP: readonly unknown[] = [undefined, 'help', '-h', '--help'];

/** @param argv what follows the program's name; resolves to the exit code and never rejects */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  let exitCode = DONE;
  try {
    if (argv[0] === COMPLETE) {
      const { completionLines } = await import('./completion/complete.ts');
      io.out.lines(await completionLines(argv.slice(1), COMMANDS, io));
      return DONE;
    }
    const parser = await createParser(argv, io, (code) => {
      exitCode = code;
    });
    // Without a command the help is what was asked for.
    await parser.parseAsync(argv.length === 0 ? ['--help'] : argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return DONE;
    return tell(error, argv, io);
  }
}

function tell(error: unknown, argv: readonly string[], io: Io): number {
  const failure = failureOf(error, io.cwd, isGiven(argv, '--debug'));
  const isBare = failure.code === 'USAGE' && failure.hints.length === 0;
  io.err.lines(describeFailure(isBare ? { ...failure, hints: [helpHint(argv)] } : failure, argv, io));
  return failure.exitCode;
}

/** The one place where an error becomes text, of the form that was asked for. */
export function describeFailure(failure: Failure, argv: readonly string[], io: Io): string[] {
  return isGiven(argv, '--json') || isGiven(argv, '-j')
    ? [failureJson(failure)]
    : renderFailure(failure, io.err.width, io.err.theme);
}

/** Where the arguments could not be parsed, their options are looked for as text. */
function isGiven(argv: readonly string[], option: string): boolean {
  const end = argv.indexOf('--');
  return (end === -1 ? argv : argv.slice(0, end)).includes(option);
}

function helpHint(argv: readonly string[]): string {
  const command = COMMANDS.find(({ name }) => name === argv[0]);
  return command === undefined ? 'pawl --help' : `pawl ${command.name} --help`;
}

async function createParser(
  argv: readonly string[],
  io: Io,
  onExitCode: (code: number) => void,
): Promise<Parser> {
  const parser = new Parser('pawl')
    .description(
      'Run processes that survive crashes: every step is recorded, nothing that is done is done again.',
    )
    .version(CLI_VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .usage('<command> [options]')
    .option(PLACE_OPTIONS.engine.flags, PLACE_OPTIONS.engine.description)
    .exitOverride()
    .configureOutput(outputOf(io))
    .configureHelp(helpOf(io));
  for (const listed of COMMANDS) {
    const command = argv.includes(listed.name) ? await listed.load() : undefined;
    parser.addCommand(subParser(listed, command, io, onExitCode));
  }
  if (HELP.includes(argv[0])) parser.addHelpText('after', examplesText(await firstExamples(), io.out.theme));
  return parser;
}

function helpOf(io: Io): HelpConfiguration {
  return {
    styleTitle: (title) => io.out.theme.bold(title),
    // What a command takes is told by its own help: names alone leave room to say what it does.
    subcommandTerm: (command) => command.name(),
    minWidthToWrap: 12,
  };
}

function outputOf(io: Io): OutputConfiguration {
  return {
    writeOut: (text) => io.out.lines([text.trimEnd()]),
    // An error is told by `tell`, help that goes with one is not printed.
    writeErr: () => undefined,
    outputError: () => undefined,
    getOutHelpWidth: () => io.out.width,
    getErrHelpWidth: () => io.err.width,
    getOutHasColors: () => io.out.theme.bold('x') !== 'x',
    getErrHasColors: () => io.err.theme.bold('x') !== 'x',
  };
}

/** Of what people need first. */
async function firstExamples(): Promise<Example[]> {
  const first = await Promise.all(COMMANDS.slice(0, 4).map(({ load }) => load()));
  return first.flatMap(({ examples }) => examples.slice(0, 1));
}

/** @param command undefined where another one is asked for */
function subParser(
  { name, summary }: Listed,
  command: Command | undefined,
  io: Io,
  onExitCode: (code: number) => void,
): Parser {
  const parser = new Parser(name)
    .summary(summary)
    .helpOption('-h, --help', 'print help')
    .exitOverride()
    .configureOutput(outputOf(io))
    .configureHelp(helpOf(io));
  if (command === undefined) return parser;
  parser
    .description(command.description ?? `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
    .addHelpText('after', examplesText(command.examples, io.out.theme));
  for (const argument of command.arguments) parser.addArgument(argumentOf(argument));
  for (const spec of Object.values(command.options)) parser.addOption(optionOf(spec));
  parser.action(async (...given: unknown[]) => {
    const args = given
      .slice(0, command.arguments.length)
      // A variadic one is a list.
      .flatMap((arg) => (Array.isArray(arg) ? arg : [arg]))
      .map((arg: unknown) => (typeof arg === 'string' ? arg : undefined));
    const { engine, ...options } = parser.optsWithGlobals<{ engine?: string; db?: string }>();
    const named = engineFor(name, command, { engine, db: options.db !== undefined }, io);
    const values = valuesOf(command, { ...options, engine: named });
    onExitCode(await command.run({ args, options: values, io }));
  });
  return parser;
}

function argumentOf({ name, description }: ArgumentSpec): Argument {
  return new Argument(name, description);
}

function optionOf(spec: OptionSpec<unknown>): Option {
  const option = new Option(spec.flags, spec.description);
  // Given several times, and each time one: a list would take what follows it, too.
  if (spec.parseAll !== undefined && !option.variadic)
    option.argParser((text: string, before: readonly string[] = []) => [...before, text]);
  if (spec.choices !== undefined) option.choices(spec.choices);
  if (spec.conflicts !== undefined) option.conflicts([...spec.conflicts]);
  return option;
}

/** What was given through the option's parser, else its initial value; each option once. */
function valuesOf(
  command: Command,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(command.options).map(([name, spec]) => {
      const value = given[name];
      if (value === undefined) return [name, spec.initial];
      if (spec.parseAll !== undefined)
        return [name, spec.parseAll(Array.isArray(value) ? value.map(String) : [])];
      if (spec.parse === undefined) return [name, value];
      if (typeof value !== 'string') throw usage(`--${name} takes a value.`);
      return [name, spec.parse(value)];
    }),
  );
}
