/** What a command is told that works on a file, where an engine is named: it must not look at another journal instead. */
import type { RuntimeError } from '@pawl/runtime';

import { usage, type Command } from './command.ts';
import { clean } from './render/clean.ts';
import type { Io } from './terminal.ts';

/** They look at no journal. */
const WITHOUT: ReadonlySet<string> = new Set([
  'check',
  'completion',
  'dev',
  'docs',
  'graph',
  'init',
  'schema',
]);

const SERVES = 'Workers are programs there, which call serve(…): pawl docs scale-out';
const RESTATES_OWN = 'Restate keeps its own data: https://docs.restate.dev/server';

/** What to type instead, where it is not the same command over a file. */
const INSTEAD: Readonly<Record<string, string>> = {
  work: SERVES,
  serve: SERVES,
  respond: SERVES,
  enqueue: 'A start needs no queue there: pawl run <module>',
  sql: "Restate answers SQL itself: restate sql 'select * from sys_invocation'",
  logs: 'Workers tell what is logged by onLog and logger: pawl docs scale-out',
  pools: SERVES,
  prune: `${RESTATES_OWN}; ended runs go by themselves, after a day`,
  compact: RESTATES_OWN,
  backup: RESTATES_OWN,
  verify: RESTATES_OWN,
  key: RESTATES_OWN,
};

/**
 * The engine that a command is to use, where one is named: undefined where it is none of its business.
 * @throws RuntimeError USAGE
 */
export function engineFor(
  name: string,
  { options }: Command,
  given: { readonly engine: string | undefined; readonly db: boolean },
  { env }: Io,
): string | undefined {
  if ('engine' in options) {
    if (given.engine !== undefined && given.db)
      throw usage('Name a file by --db, or an engine by --engine, not both.', `pawl ${name} --help`);
    return given.engine;
  }
  const isEnvironment = given.engine === undefined && !given.db && !WITHOUT.has(name);
  const engine = given.engine ?? (isEnvironment ? env['PAWL_ENGINE'] : undefined) ?? '';
  if (engine === '') return undefined;
  throw refusal(name, engine, isEnvironment);
}

function refusal(name: string, engine: string, isEnvironment: boolean): RuntimeError {
  const who = isEnvironment ? 'PAWL_ENGINE' : '--engine';
  const file = isEnvironment ? `PAWL_ENGINE= pawl ${name}` : `pawl ${name}`;
  return usage(
    `pawl ${name} works on a journal in a file, and ${who} names ${clean(engine.slice(0, 80))}.`,
    INSTEAD[name] ?? `Over a file: ${file} --db <file>`,
  );
}
