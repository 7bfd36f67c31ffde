/** `pawl.config.ts` of the working folder: who does external tasks, and what modules import. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { RuntimeError, type RespondOptions } from '@pawl/runtime';
import { defineConfig, type Executor, type PawlConfig } from '@pawl/sdk';

import { aliasProblem, type Aliases } from './alias.ts';
import { runCommand } from './executor.ts';
import { importModule } from './load-process.ts';
import { findModule } from './module-file.ts';
import type { Io } from './terminal.ts';

const NAMES = ['pawl.config.ts', 'pawl.config.mts', 'pawl.config.js', 'pawl.config.mjs'] as const;

/**
 * What the folder says; nothing where it has no such file.
 * @throws RuntimeError REFUSED, InvalidOptionError
 */
export async function loadConfig(cwd: string): Promise<PawlConfig> {
  const name = NAMES.find((each) => existsSync(join(cwd, each)));
  if (name === undefined) return {};
  const module = await importModule(findModule(name, cwd), cwd);
  const config = module['default'];
  if (typeof config !== 'object' || config === null)
    throw new RuntimeError('REFUSED', `${name} exports no configuration.`, {
      hint: "export default defineConfig({ executors: { agent: { command: ['my-agent'] } } })",
    });
  return defineConfig(config);
}

/**
 * What modules of this folder import instead of what they name.
 * @throws RuntimeError REFUSED
 */
export function configuredAliases({ alias = {} }: PawlConfig): Aliases {
  for (const [name, target] of Object.entries(alias)) {
    const problem = aliasProblem(name, target);
    if (problem !== undefined)
      throw new RuntimeError('REFUSED', `The alias of '${name}' in the configuration is none: ${problem}.`);
  }
  return new Map(Object.entries(alias));
}

/** How tasks of one kind are answered as its executor says. */
export function respondBy(
  executor: Executor,
  io: Io,
): Pick<RespondOptions, 'respond' | 'concurrency' | 'timeout' | 'retry'> {
  const { concurrency, timeout, retry } = executor;
  const respond: RespondOptions['respond'] =
    'respond' in executor
      ? (task, context) => executor.respond(task, context)
      : (task, context) => runCommand(executor, task, context, io);
  return { respond, concurrency, timeout, retry };
}
