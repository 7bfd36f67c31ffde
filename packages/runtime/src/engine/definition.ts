import { checkAgainst, InvalidOptionError, type Process, type ProcessDefinition } from '@pawl/sdk';

export type AnyProcess<Inputs, Output> = Process<Inputs, Output> | ProcessDefinition<Inputs, Output>;

/** Of a function without a name. */
export const NAMELESS = 'process';

/** A process with its name, however it was given. */
export function definitionOf(process: AnyProcess<never, unknown>): ProcessDefinition {
  if (typeof process === 'function')
    return { name: process.name === '' ? NAMELESS : process.name, run: process };
  if (typeof process?.run === 'function') return process;
  throw new InvalidOptionError('process', process, 'an async function, or what defineProcess gives');
}

/** The process with its output checked against its schema. */
export function guarded(definition: ProcessDefinition): Process {
  const { run, output, name } = definition;
  if (output === undefined) return run;
  return async (inputs, ctx) =>
    checkAgainst(output, await run(inputs, ctx), `The output of process '${name}'`);
}
