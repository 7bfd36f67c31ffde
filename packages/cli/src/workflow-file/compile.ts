/** From the value of a workflow file to a definition for `defineWorkflow`; what stands at a path stays there. */
import {
  defineTask,
  workflowIssues,
  type ShellSpec,
  type TaskDefinition,
  type WorkflowScope,
} from '@pawl/sdk';

import { compileReceive } from './receive-step.ts';
import { badReferences } from './references.ts';
import {
  readCondition,
  readTemplate,
  valueOf,
  type PlacePath,
  type Reader,
  type TemplateProblem,
} from './template.ts';

type Fields = Readonly<Record<string, unknown>>;
type Tools = Readonly<Record<string, TaskDefinition<never, unknown>>>;

export interface Compiled {
  /** For defineWorkflow, where there are no problems. */
  readonly definition: Fields;
  readonly problems: readonly TemplateProblem[];
}

/** What a file may say of a command, beside the step's own. */
const COMMAND = ['cwd', 'env', 'stdin', 'okExitCodes', 'maxOutputBytes'];
/** What code may say, and a file may not. */
const NOT_IN_FILES = ['task', 'signal'];
/** Where an expression starts in a text. */
const TEXT_OF_CODE = '${';

const DEEPEST = 400;

interface Compilation extends Reader {
  readonly tools: Tools;
}

export function compileWorkflow(document: unknown, name: string, tools: Tools): Compiled {
  const at: Compilation = { problems: [], named: [], tools };
  if (!isFields(document)) {
    at.problems.push({ path: [], message: 'a workflow is an object with a list of steps' });
    return { definition: {}, problems: at.problems };
  }
  const { $schema: _, tools: __, steps, output, input, ...rest } = document;
  if (input !== undefined)
    at.problems.push({
      path: ['input'],
      message: `'input' is not known here: a schema is for workflows in code`,
    });
  const definition: Fields = {
    name,
    ...rest,
    tools,
    steps: Array.isArray(steps) ? steps.map((step, index) => compileStep(step, ['steps', index], at)) : steps,
    ...(output === undefined ? {} : { output: making(output, ['output'], at) }),
  };
  const problems = [...workflowIssues(definition), ...at.problems, ...badReferences(steps, at.named)];
  return { definition, problems };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** As a function of the scope, also where it is always the same: a list or an object is data, not code. */
function making(value: unknown, path: PlacePath, at: Compilation): (scope: WorkflowScope) => unknown {
  const template = readTemplate(value, path, at);
  return (scope) => valueOf(template, scope);
}

function compileStep(step: unknown, path: PlacePath, at: Compilation): unknown {
  // The plan tells what lies too deep.
  if (!isFields(step) || path.length > DEEPEST) return step;
  for (const name of NOT_IN_FILES) {
    if (step[name] === undefined) continue;
    const instead = name === 'task' ? `; name one of its tools: toolName` : '';
    at.problems.push({ path: [...path, name], message: `'${name}' is for workflows in code${instead}` });
  }
  const { task: _, signal: __, run, receive, when, input, onError, parallelGroup, ...rest } = step;
  if (receive !== undefined && run !== undefined)
    at.problems.push({ path: [...path, 'receive'], message: `a step has one of run and receive` });
  return {
    ...rest,
    ...(when === undefined ? {} : { when: condition(when, [...path, 'when'], at) }),
    ...(onError === undefined ? {} : { onError: compileOnError(onError, [...path, 'onError'], at) }),
    ...(parallelGroup === undefined
      ? {}
      : { parallelGroup: compileGroup(parallelGroup, [...path, 'parallelGroup'], at) }),
    ...(run === undefined ? {} : compileCommand(step, path, at)),
    ...(receive === undefined ? {} : { run: compileReceive(receive, [...path, 'receive'], at) }),
    ...(input === undefined ? {} : { input: making(input, [...path, 'input'], at) }),
  };
}

/** Who asks whether it is text or a truth: `when: results.a.ok`, `when: ${results.a.ok}`, `when: false`. */
function condition(value: unknown, path: PlacePath, at: Compilation): unknown {
  if (typeof value === 'boolean') return () => value;
  if (typeof value !== 'string') {
    at.problems.push({ path, message: `'when' must be an expression, true or false` });
    return undefined;
  }
  const expression = readCondition(value, path, at);
  return (scope: WorkflowScope) => {
    const answer = expression?.evaluate(scope);
    if (typeof answer === 'boolean') return answer;
    throw new TypeError(
      `when: '${value}' must give true or false; it gave ${JSON.stringify(answer) ?? 'nothing'}.`,
    );
  };
}

function compileOnError(value: unknown, path: PlacePath, at: Compilation): unknown {
  if (!isFields(value) || value['fallback'] === undefined) return value;
  const template = readTemplate(value['fallback'], [...path, 'fallback'], at);
  return { ...value, fallback: (error: unknown, scope: WorkflowScope) => valueOf(template, scope, error) };
}

function compileGroup(group: unknown, path: PlacePath, at: Compilation): unknown {
  if (!isFields(group)) return group;
  const { steps, step, keyBy, ...rest } = group;
  return {
    ...rest,
    steps: compileMembers(steps, step !== undefined, [...path, 'steps'], at),
    ...(step === undefined ? {} : { step: compileStep(step, [...path, 'step'], at) }),
    ...(keyBy === undefined ? {} : { keyBy: compileKey(keyBy, [...path, 'keyBy'], at) }),
  };
}

function compileMembers(steps: unknown, areItems: boolean, path: PlacePath, at: Compilation): unknown {
  if (steps === undefined) return undefined;
  if (typeof steps === 'string' && !steps.includes(TEXT_OF_CODE)) {
    at.problems.push({ path, message: `'steps' must be a list, or an expression that gives one: \${…}` });
    return [];
  }
  if (typeof steps === 'string' || areItems) return making(steps, path, at);
  return Array.isArray(steps) ? steps.map((step, index) => compileStep(step, [...path, index], at)) : steps;
}

function compileKey(keyBy: unknown, path: PlacePath, at: Compilation): unknown {
  if (typeof keyBy !== 'string') return keyBy;
  const expression = readCondition(keyBy, path, at);
  const nothing = Object.freeze({});
  return (item: unknown, index: number) =>
    expression?.evaluate({
      inputs: null,
      results: nothing,
      errors: nothing,
      statuses: nothing,
      item,
      index,
      result: () => undefined,
    });
}

/** A command: what of it is made from the scope is its task's input, and so is recorded. */
function compileCommand(step: Fields, path: PlacePath, at: Compilation): Fields {
  const { run, id } = step;
  const problem = commandProblem(run);
  if (problem !== undefined) at.problems.push({ path: [...path, 'run'], message: problem });
  const parts = Object.fromEntries(
    ['run', ...COMMAND]
      .filter((name) => step[name] !== undefined)
      .map((name) => [name, readTemplate(step[name], [...path, name], at)]),
  );
  const { input } = step;
  if (input !== undefined)
    at.problems.push({
      path: [...path, 'input'],
      message: `'input' goes with toolName; a command has run and stdin`,
    });
  const values = Object.entries(parts);
  return {
    ...Object.fromEntries(COMMAND.map((name) => [name, undefined])),
    task: commandTask(typeof id === 'string' && id !== '' ? id : 'command'),
    input: (scope: WorkflowScope) =>
      Object.fromEntries(values.map(([name, template]) => [name, valueOf(template, scope)])),
  };
}

function commandProblem(run: unknown): string | undefined {
  if (typeof run === 'string') {
    if (run.trim() === '') return `'run' must be a command that is not empty`;
    return run.includes(TEXT_OF_CODE)
      ? `'run' as one text goes through the shell, where a value could be taken for code: give a list, run: [program, "\${…}"]`
      : undefined;
  }
  const isList =
    Array.isArray(run) && run.length > 0 && run.every((part) => ['string', 'number'].includes(typeof part));
  return isList ? undefined : `'run' must be a command line, or a list of a program and its arguments`;
}

interface CommandInput {
  readonly run: string | readonly unknown[];
  readonly cwd?: unknown;
  readonly env?: Fields;
  readonly stdin?: unknown;
  readonly okExitCodes?: readonly number[];
  readonly maxOutputBytes?: number;
}

function commandTask(name: string): TaskDefinition<never, unknown> {
  return { ...defineTask(name, buildCommand, { pool: 'shell' }), isPoolImplied: true };
}

function buildCommand(input: CommandInput): ShellSpec {
  const { run, cwd, env, stdin, okExitCodes, maxOutputBytes } = input;
  return {
    kind: 'shell',
    command: typeof run === 'string' ? run : run.map(argument),
    ...(cwd === undefined ? {} : { cwd: argument(cwd) }),
    ...(env === undefined
      ? {}
      : { env: Object.fromEntries(Object.entries(env).map(([key, value]) => [key, argument(value)])) }),
    ...(stdin === undefined ? {} : { input: argument(stdin) }),
    ...(okExitCodes === undefined ? {} : { okExitCodes }),
    ...(maxOutputBytes === undefined ? {} : { maxOutputBytes }),
  };
}

function argument(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
