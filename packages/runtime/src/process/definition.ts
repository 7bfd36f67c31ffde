import {
  checkAgainst,
  InvalidArgumentError,
  InvalidOptionError,
  type Process,
  type ProcessDefinition,
  whyNoProcess,
} from '@pawl/sdk';

export type AnyProcess<Inputs, Output> = Process<Inputs, Output> | ProcessDefinition<Inputs, Output>;

/** What a driver runs of a process. */
export interface ProcessCode {
  readonly run: Process;
  /** Of a run that is asked for by process code, as the process' schema gives them back. @throws ValidationError */
  readonly checkInputs: (inputs: unknown) => unknown;
}

/** Of a function without a name. */
export const NAMELESS = 'process';

/**
 * A process with its name, however it was given.
 * @throws InvalidOptionError, InvalidArgumentError for a generator or a class
 */
export function definitionOf(process: AnyProcess<never, unknown>): ProcessDefinition {
  if (typeof process === 'function')
    return callable({ name: process.name === '' ? NAMELESS : process.name, run: process });
  if (typeof process?.run === 'function') return callable(process);
  throw new InvalidOptionError('process', process, 'an async function, or what defineProcess gives');
}

function callable(definition: ProcessDefinition): ProcessDefinition {
  const why = whyNoProcess(definition.run);
  if (why === undefined) return definition;
  throw new InvalidArgumentError(
    `Process '${definition.name}' is ${why}. Give an async function: async function ${NAMELESS}(inputs, ctx) { … }`,
  );
}

/** The process with its output checked against its schema. */
function guarded(definition: ProcessDefinition): Process {
  const { run, output, name } = definition;
  if (output === undefined) return run;
  return async (inputs, ctx) =>
    checkAgainst(output, await run(inputs, ctx), `The output of process '${name}'`);
}

/**
 * What gives the inputs of a run that process code asks for as the process' schema does.
 * It throws ValidationError, and InvalidArgumentError where the schema answers later.
 */
function inputsOf({ input, name }: ProcessDefinition): (inputs: unknown) => unknown {
  if (input === undefined) return (inputs) => inputs;
  return (inputs) => {
    const checked = checkAgainst(input, inputs, `The input of process '${name}'`);
    if (!(checked instanceof Promise)) return checked;
    checked.catch(() => undefined);
    throw new InvalidArgumentError(
      `A run of process '${name}' that process code asks for needs an input schema that answers at once.`,
    );
  };
}

export function codeOf(definition: ProcessDefinition): ProcessCode {
  return { run: guarded(definition), checkInputs: inputsOf(definition) };
}
