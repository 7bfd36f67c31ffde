/** Loads the user's module. */
import { registerHooks } from 'node:module';
import { basename, extname, resolve as resolvePath } from 'node:path';
import { pathToFileURL } from 'node:url';

import { RuntimeError, type RunId, type RunRecord } from '@pawl/runtime';
import { whyNoProcess, type Process, type ProcessDefinition, type Schema } from '@pawl/sdk';

import { partsOfRecorded } from './alias.ts';
import { babysitterHost } from './babysitter-host.ts';
import { loadFailure } from './load-failure.ts';
import { useAliases } from './module-hooks.ts';
import { isWorkflowFile, type ModuleFile } from './module-file.ts';
import type { Origin } from './run-code.ts';

/**
 * The process that a module exports, with its name and its schemas, or that a workflow file describes.
 * @throws RuntimeError REFUSED: syntax error, exception while loading, no process in it
 */
export async function loadProcess(file: ModuleFile, cwd: string): Promise<ProcessDefinition> {
  if (isWorkflowFile(file.path)) {
    // Only who has such a file pays for reading it.
    const { loadWorkflow } = await import('./workflow-file/load-workflow.ts');
    return await loadWorkflow(file, cwd, importModule);
  }
  const module = await importModule(file, cwd);
  return file.isBabysitter ? await babysitterProcess(module, file, cwd) : processOf(module, file);
}

/**
 * The process of a module that is to go on with a run: any of its exports that is of the run's name, else what it
 * exports as its process, where that has no name of its own and may be it.
 * @param origin where another run started it
 * @throws RuntimeError REFUSED, also where it is another process
 */
export async function loadProcessOf(
  run: Pick<RunRecord, 'runId' | 'process'>,
  file: ModuleFile,
  cwd: string,
  origin: Origin | undefined,
): Promise<ProcessDefinition> {
  const isOne = isWorkflowFile(file.path) || file.isBabysitter;
  const module = isOne ? {} : await importModule(file, cwd);
  const definitions = Object.values(module).filter(isDefinition);
  const meant = definitions.find(({ name }) => name === run.process);
  if (meant !== undefined) return meant;
  const own = isOne ? await loadProcess(file, cwd) : processOf(module, file);
  if (origin === undefined) {
    // It goes by the name of its file, which may be another by now.
    if (!definitions.includes(own)) return own;
    throw otherProcess(run, file, own.name, undefined);
  }
  // The starter's file has the starter's process. Both may be called alike: many a function is called 'process'.
  const isStarters = isFileOf(origin.starter, file, cwd);
  if (own.name === run.process && !isStarters) return own;
  const plain = Object.values(module).find((each) => isFunction(each) && each.name === run.process);
  if (isFunction(plain) && !(isStarters && plain === own.run)) return { name: run.process, run: plain };
  throw otherProcess(run, file, own.name, origin.driver);
}

function isFileOf(run: RunRecord | undefined, file: ModuleFile, cwd: string): boolean {
  return typeof run?.module === 'string' && resolvePath(cwd, partsOfRecorded(run.module).path) === file.path;
}

function otherProcess(
  { runId, process }: Pick<RunRecord, 'runId' | 'process'>,
  { given }: ModuleFile,
  own: string,
  driver: RunId | undefined,
): RuntimeError {
  return new RuntimeError('REFUSED', `${given} exports process '${own}'; run ${runId} is of '${process}'.`, {
    hint:
      driver === undefined
        ? `Export it there, or name the module that exports it: pawl resume ${runId} --module <file>`
        : `It goes on with the run that started it: pawl resume ${driver}`,
  });
}

/** Every process that a module exports, by name. @throws RuntimeError REFUSED */
export async function processesIn(
  file: ModuleFile,
  cwd: string,
): Promise<ReadonlyMap<string, ProcessDefinition>> {
  const module = isWorkflowFile(file.path) || file.isBabysitter ? {} : await importModule(file, cwd);
  const others = Object.values(module).filter(isDefinition);
  const isWhole = others.length > 0 && !('process' in module) && !('default' in module);
  const all = isWhole ? others : [...others, await loadProcess(file, cwd)];
  return new Map(all.map((definition) => [definition.name, definition]));
}

/** A process as Babysitter calls it; one of Pawl's own may stand beside its tasks. */
async function babysitterProcess(
  module: Readonly<Record<string, unknown>>,
  file: ModuleFile,
  cwd: string,
): Promise<ProcessDefinition> {
  const { process: named, default: byDefault } = module;
  const inner: unknown =
    typeof byDefault === 'object' && byDefault !== null ? Reflect.get(byDefault, 'process') : undefined;
  const exported = named ?? inner ?? byDefault;
  if (!isFunction(exported)) return processOf(module, file);
  refuseUncallable(exported, file);
  // Only who has such a process pays for what it takes.
  const { babysitter } = await import('@pawl/sdk/babysitter');
  const host = babysitterHost(cwd, file.aliases, importModule);
  return { name: nameOf(file), run: babysitter(exported as never, host) };
}

/** @throws RuntimeError REFUSED */
export async function importModule(
  file: ModuleFile,
  cwd: string,
): Promise<Readonly<Record<string, unknown>>> {
  const reached = new Set([file.path]);
  // An error in syntax may not say in which file it is. A hook that reads would do less: in Node 22 no hook is asked
  // for what a script requires that was read by one.
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      const resolved = next(specifier, context);
      if (resolved.url.startsWith('file:')) reached.add(resolved.url);
      return resolved;
    },
  });
  useAliases(file.path, file.aliases, cwd);
  const idle = whenIdle();
  try {
    return await Promise.race([importFile(file.path), neverEnding(file.given, idle.reached)]);
  } catch (error) {
    if (error instanceof RuntimeError) throw error;
    throw loadFailure(error, { file, cwd, reached });
  } finally {
    idle.forget();
    hooks.deregister();
  }
}

async function importFile(path: string): Promise<Readonly<Record<string, unknown>>> {
  return (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
}

/** When nothing is left to do; a worker loads many modules, and listens for one at a time. */
function whenIdle(): { readonly reached: Promise<void>; readonly forget: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const listener = (): void => resolve();
  process.once('beforeExit', listener);
  return { reached: promise, forget: () => process.off('beforeExit', listener) };
}

/** Rejects when nothing is left that could end a top-level await. */
async function neverEnding(given: string, idle: Promise<void>): Promise<never> {
  await idle;
  throw new RuntimeError(
    'REFUSED',
    `${given} never finishes loading: a top-level await in it does not settle.`,
    {
      hint: 'Do the work inside the process, not while the module loads',
    },
  );
}

const EXAMPLE = `Export a process:
  export async function process(inputs, ctx) {
    return await ctx.task(myTask, inputs);
  }`;

function processOf(module: Readonly<Record<string, unknown>>, file: ModuleFile): ProcessDefinition {
  const exported = module['process'] ?? module['default'];
  const name = nameOf(file);
  if (isFunction(exported)) {
    refuseUncallable(exported, file);
    const input = schemaOf(module, 'input', file);
    const output = schemaOf(module, 'output', file);
    return { name, input, output, run: exported };
  }
  if (isDefinition(exported)) {
    refuseUncallable(exported.run, file);
    return exported;
  }
  const names = Object.keys(module).filter((key) => key !== 'module.exports');
  const what =
    exported === undefined
      ? `exports no process: it exports ${names.length === 0 ? 'nothing' : names.join(', ')}`
      : `exports '${module['process'] === undefined ? 'default' : 'process'}', which is no function and no defineProcess({ … })`;
  throw new RuntimeError('REFUSED', `${file.given} ${what}.`, { hint: EXAMPLE, data: { exports: names } });
}

/** Before there is a run of it. */
function refuseUncallable(run: Process, { given }: ModuleFile): void {
  const why = whyNoProcess(run);
  if (why !== undefined)
    throw new RuntimeError('REFUSED', `The process that ${given} exports is ${why}.`, { hint: EXAMPLE });
}

function nameOf({ path }: ModuleFile): string {
  return basename(path, extname(path));
}

function isFunction(value: unknown): value is Process {
  return typeof value === 'function';
}

function isDefinition(value: unknown): value is ProcessDefinition {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'run' in value &&
    isFunction(value.run) &&
    'name' in value &&
    typeof value.name === 'string' &&
    value.name !== ''
  );
}

function schemaOf(
  module: Readonly<Record<string, unknown>>,
  name: 'input' | 'output',
  file: ModuleFile,
): Schema | undefined {
  const schema = module[name];
  if (schema === undefined || isSchema(schema)) return schema;
  throw new RuntimeError('REFUSED', `${file.given} exports '${name}', which is no schema.`, {
    hint: `'${name}' beside a process is a Standard Schema, such as z.object({ … }); give anything else another name`,
  });
}

function isSchema(value: unknown): value is Schema {
  // Some libraries' schemas are functions.
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') && '~standard' in value
  );
}
