/**
 * What may come next on a command line: `pawl __complete <words>`, which the scripts of the shells ask at each Tab. It
 * is made of the table of commands, so that it cannot fall behind, and reads few rows. It never says what went wrong.
 */
import type { JournalReader } from '@pawl/runtime';

import type { ArgumentSpec, Command, OptionSpec } from '../command.ts';
import { clean } from '../render/clean.ts';
import type { Io } from '../terminal.ts';

interface Listed {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

interface Candidate {
  readonly value: string;
  readonly what: string;
}

/** Files are the shell's own affair. */
type Completion = 'files' | readonly Candidate[];

/** Of each kind; the newest. */
const MOST_RUNS = 50;
const LOOKED_AT = 500;
const MOST_EVENTS = 2000;

/** A line for each, with what it is behind a tab; `:files` leaves it to the shell. */
export async function completionLines(
  words: readonly string[],
  commands: readonly Listed[],
  io: Io,
): Promise<readonly string[]> {
  try {
    const found = await complete(words, commands, io);
    if (found === 'files') return [':files'];
    return found.map(({ value, what }) => clean(value) + (what === '' ? '' : `\t${clean(what)}`));
  } catch {
    // No journal, or none that can be read: nothing is known that could come next, and nobody would see an error.
    return [];
  }
}

/** @param words what follows `pawl`, the last of them as far as it is typed */
async function complete(words: readonly string[], commands: readonly Listed[], io: Io): Promise<Completion> {
  const typed = words.at(-1) ?? '';
  const [name, ...rest] = words.slice(0, -1);
  if (name === undefined || (name === 'help' && rest.length === 0))
    return starting(typed, commands.map(asCandidate));
  const command = await commands.find((listed) => listed.name === name)?.load();
  if (command === undefined) return [];
  const given = positionals(rest, command);
  const taking = valueOption(rest.at(-1), command);
  if (taking !== undefined)
    return starting(typed, await valuesOf(placeholderOf(taking.flags), taking, { ...given, commands, io }));
  if (typed.startsWith('-')) return starting(typed, optionsOf(command));
  const argument = command.arguments[Math.min(given.args.length, command.arguments.length - 1)];
  if (argument === undefined) return [];
  return starting(
    typed,
    await valuesOf(argument.name.replaceAll(/[<>[\].]/g, ''), argument, { ...given, commands, io }),
  );
}

function asCandidate({ name, summary }: Listed): Candidate {
  return { value: name, what: summary };
}

function starting(typed: string, found: Completion): Completion {
  return found === 'files' ? found : found.filter(({ value }) => value.startsWith(typed));
}

function optionsOf({ options }: Command): Candidate[] {
  return Object.values(options).flatMap(({ flags, description }) => {
    const long = /--[\w-]+/.exec(flags)?.[0];
    return long === undefined ? [] : [{ value: long, what: description }];
  });
}

/** The option that `word` names, where it takes a value. */
function valueOption(word: string | undefined, { options }: Command): OptionSpec<unknown> | undefined {
  if (word?.startsWith('-') !== true) return undefined;
  const option = Object.values(options).find((spec) => namesOf(spec).includes(word));
  return option?.flags.includes('<') === true ? option : undefined;
}

function namesOf({ flags }: OptionSpec<unknown>): string[] {
  return flags.split(/[ ,]+/).filter((part) => part.startsWith('-'));
}

function placeholderOf(flags: string): string {
  return /<([^>]*)>/.exec(flags)?.[1] ?? '';
}

interface Given {
  readonly args: readonly string[];
  readonly db: string | undefined;
}

/** What is no option and no value of one. */
function positionals(words: readonly string[], command: Command): Given {
  const args: string[] = [];
  let db: string | undefined;
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? '';
    if (word === '--db') db = words[i + 1];
    if (valueOption(word, command) !== undefined) i += 1;
    else if (!word.startsWith('-')) args.push(word);
  }
  return { args, db };
}

interface Asked extends Given {
  readonly commands: readonly Listed[];
  readonly io: Io;
}

async function valuesOf(
  kind: string,
  { description, ...spec }: ArgumentSpec | OptionSpec<unknown>,
  asked: Asked,
): Promise<Completion> {
  if ('choices' in spec && spec.choices !== undefined)
    return spec.choices.map((value) => ({ value, what: '' }));
  switch (kind) {
    case 'file':
    case 'folder':
    case 'module':
      return 'files';
    case 'run':
    case 'runs':
    case 'a':
    case 'b':
      return await reading(asked, runsIn);
    case 'process':
      return await reading(asked, processesIn);
    case 'call':
    case 'key':
      return await reading(asked, (reader) => callsIn(reader, asked.args[0]));
    case 'task':
      return await reading(asked, (reader) =>
        reader.openTasks({ limit: MOST_RUNS }).map(({ id, task }) => ({ value: id, what: task })),
      );
    case 'shell':
      return description.split(', ').map((value) => ({ value, what: '' }));
    case 'command':
      return asked.commands.map(asCandidate);
    case 'action':
      return description
        .split(/,? (?:or |and )?/)
        .flatMap((word) => (/^[a-z]+$/.test(word) ? [{ value: word, what: '' }] : []));
    default:
      return [];
  }
}

async function reading(
  { db, io }: Asked,
  read: (reader: JournalReader) => readonly Candidate[],
): Promise<readonly Candidate[]> {
  const { journalPlace, readJournal } = await import('../journal-place.ts');
  return await readJournal(journalPlace(db, io), read);
}

function runsIn(reader: JournalReader): Candidate[] {
  return reader
    .list({ limit: MOST_RUNS })
    .map(({ runId, process, status }) => ({ value: runId, what: `${process}, ${status}` }));
}

function processesIn(reader: JournalReader): Candidate[] {
  const names = new Set(reader.list({ limit: LOOKED_AT }).map(({ process }) => process));
  return [...names].map((value) => ({ value, what: '' }));
}

/** Of the first events of the run: a long one has more than anybody looks through. */
function callsIn(reader: JournalReader, run: string | undefined): Candidate[] {
  if (run === undefined) return [];
  const calls = new Map<string, string>();
  let count = 0;
  for (const { event } of reader.events(run)) {
    count += 1;
    if (count > MOST_EVENTS) break;
    if (event.type === 'TaskScheduled' || event.type === 'TaskOffered') calls.set(event.key, event.task);
    else if (event.type === 'SignalAwaited') calls.set(event.key, event.name);
  }
  return [...calls].map(([value, what]) => ({ value, what }));
}
