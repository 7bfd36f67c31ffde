/** Names that a module imports, and what they come to instead: `--alias`, `alias` of pawl.config.ts, or a journal. */
import { isBuiltin } from 'node:module';

import { RuntimeError } from '@pawl/runtime';

import { texts, usage, type OptionSpec } from './command.ts';
import { SDK } from './module-hooks.ts';

/** By the name of the package as it is imported. */
export type Aliases = ReadonlyMap<string, string>;

export const NO_ALIASES: Aliases = new Map();
export const BABYSITTER = '@pawl/sdk/babysitter';
/** What that stands for. */
const BABYSITTER_SDK = '@a5c-ai/babysitter-sdk';

const PACKAGE = /^(@[\w~-][\w.~-]*\/)?[\w~-][\w.~-]*(\/[\w~-][\w.~-]*)*$/;
/** Below the working folder. */
const LOCAL = /^\.(\/[\w~@-][\w.~@-]*)+$/;
const MARK = '?alias=';

export const ALIAS_OPTION: OptionSpec<readonly string[]> = texts(
  '--alias <name=other>',
  `a package that the module imports is another one, such as ${BABYSITTER_SDK}=${BABYSITTER}`,
);

/** @throws RuntimeError USAGE */
export function givenAliases(given: readonly string[], configured: Aliases): Aliases {
  const own = given.map((text) => {
    const [name = '', target = '', ...rest] = text.split('=');
    const problem = !text.includes('=')
      ? 'it needs name=other'
      : rest.length > 0
        ? 'it has more than one ='
        : aliasProblem(name, target);
    if (problem === undefined) return [name, target] as const;
    throw usage(
      `'${text.slice(0, 200)}' is no alias, which --alias takes: ${problem}.`,
      `pawl run <file> --alias ${BABYSITTER_SDK}=${BABYSITTER}`,
    );
  });
  return new Map([...configured, ...own]);
}

/** Why it cannot be; undefined where it can. */
export function aliasProblem(name: string, target: string): string | undefined {
  if (!PACKAGE.test(name) || isBuiltin(name)) return `'${name.slice(0, 80)}' is no name of a package`;
  if (name === SDK || name.startsWith(`${SDK}/`)) return `${SDK} is always the one of this program`;
  if ((PACKAGE.test(target) && !isBuiltin(target)) || LOCAL.test(target)) return undefined;
  return `'${target.slice(0, 80)}' is no name of a package, and no file below this folder, such as ./mine.js`;
}

/** What a missing package is to be, where it is one that Pawl stands in for. */
export function standInFor(name: string): string | undefined {
  return name === BABYSITTER_SDK ? `--alias ${BABYSITTER_SDK}=${BABYSITTER}` : undefined;
}

/** A journal names a module with its aliases, so that whoever goes on with a run needs nothing else. */
export function recordedName(path: string, aliases: Aliases): string {
  if (aliases.size === 0) return path;
  const list = [...aliases].map(([name, target]) => `${name}=${target}`).toSorted();
  return `${path}${MARK}${list.join('&alias=')}`;
}

/** @throws RuntimeError REFUSED: what a journal says may come from anywhere */
export function partsOfRecorded(recorded: string): { readonly path: string; readonly aliases: Aliases } {
  const at = recorded.indexOf(MARK);
  if (at < 0) return { path: recorded, aliases: NO_ALIASES };
  const list = recorded.slice(at + MARK.length).split('&alias=');
  const aliases = list.map((text) => {
    const [name = '', target = '', ...rest] = text.split('=');
    if (rest.length === 0 && aliasProblem(name, target) === undefined) return [name, target] as const;
    throw new RuntimeError(
      'REFUSED',
      `The module '${recorded.slice(0, 200)}' is recorded with an alias that is none.`,
      {
        hint: 'Name the module: pawl resume <run> --module <file>',
      },
    );
  });
  return { path: recorded.slice(0, at), aliases: new Map(aliases) };
}

/**
 * Those that matter to a module which imports these packages. One that imports neither the package nor Pawl's is
 * taken for a process of Babysitter as well, where that is what the alias is for: some need no more than their `ctx`.
 */
export function aliasesFor(aliases: Aliases, packages: ReadonlySet<string>, isOpen: boolean): Aliases {
  return new Map(
    [...aliases].filter(
      ([name, target]) => isOpen || packages.has(name) || (target === BABYSITTER && !packages.has(SDK)),
    ),
  );
}
