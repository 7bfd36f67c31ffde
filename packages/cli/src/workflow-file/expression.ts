/**
 * The expressions of a workflow file: CEL, which has no clock, no randomness, no I/O and no loop without
 * an end, so that a replay gives what was given before.
 */
import { Environment, type ASTNode } from '@marcbachmann/cel-js';

import type { WorkflowScope } from '@pawl/sdk';

/** What an expression can name. */
const VARIABLES = ['inputs', 'results', 'statuses', 'item', 'index', 'error'] as const;

export interface Expression {
  readonly evaluate: (scope: WorkflowScope, error?: unknown) => unknown;
  /** Steps whose result or status it looks at. */
  readonly steps: readonly string[];
}

/** Why a text is no expression. */
export interface ExpressionFault {
  readonly message: string;
}

const environment = createEnvironment();

export function compileExpression(source: string): Expression | ExpressionFault {
  let parsed: ReturnType<Environment['parse']>;
  try {
    parsed = environment.parse(source);
  } catch (error) {
    return { message: messageOf(error) };
  }
  const { valid, error } = parsed.check();
  if (!valid) return { message: messageOf(error) };
  return {
    evaluate: (scope, thrown) => plain(parsed(contextOf(scope, thrown))),
    steps: [...new Set(stepsIn(parsed.ast))],
  };
}

/** The library shows the source with a caret below the first line: here it is told in one line. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const summary: unknown = Reflect.get(error, 'summary');
  return typeof summary === 'string' ? summary : (error.message.split('\n')[0] ?? '');
}

function createEnvironment(): Environment {
  const created = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
  });
  for (const name of VARIABLES) created.registerVariable(name, 'dyn');
  // Numbers in JSON are doubles, and whole numbers in an expression are not: `inputs.n + 1` must work.
  const operators: Readonly<Record<string, (a: number, b: number) => number>> = {
    '+': (a, b) => a + b,
    '-': (a, b) => a - b,
    '*': (a, b) => a * b,
    '/': (a, b) => a / b,
    '%': (a, b) => a % b,
  };
  for (const [sign, apply] of Object.entries(operators)) {
    const handler = (a: number | bigint, b: number | bigint): number => apply(Number(a), Number(b));
    created.registerOperator(`double ${sign} int`, handler);
    created.registerOperator(`int ${sign} double`, handler);
  }
  created.registerOperator('double % double', (a: number, b: number) => a % b);
  created.registerFunction('parseJson(string): dyn', (text: string): unknown => JSON.parse(text));
  created.registerFunction('toJson(dyn): string', (value: unknown) => JSON.stringify(plain(value)) ?? 'null');
  created.registerFunction('lines(string): list<string>', linesOf);
  return created;
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

function contextOf({ inputs, results, statuses, item, index }: WorkflowScope, error: unknown): object {
  return {
    inputs: inputs ?? null,
    results: settled(results, statuses),
    statuses,
    item: item ?? null,
    index: index ?? null,
    error: error === undefined ? null : { message: error instanceof Error ? error.message : String(error) },
  };
}

/** A step that has ended without a result has the result null; one that has not ended has none. */
function settled(results: WorkflowScope['results'], statuses: WorkflowScope['statuses']): object {
  const read = (name: string | symbol): unknown =>
    typeof name === 'string' && Object.hasOwn(statuses, name) ? (results[name] ?? null) : undefined;
  return new Proxy(Object.create(null) as Record<string, unknown>, {
    get: (_, name) => read(name),
    has: (_, name) => read(name) !== undefined,
    ownKeys: () => Object.keys(statuses),
    getOwnPropertyDescriptor: (_, name) => {
      const value = read(name);
      return value === undefined ? undefined : { value, enumerable: true, configurable: true };
    },
  });
}

/** A value of the language as JavaScript has it: whole numbers are numbers where they fit. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array)
    return value;
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, each]) => [String(key), plain(each)]));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null)
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
  return value;
}

/** `results.x`, `results["x"]`, `results.?x`, and the same of `statuses`. */
function stepsIn(node: ASTNode): string[] {
  const found: string[] = [];
  const open: unknown[] = [node];
  while (open.length > 0) {
    const next = open.pop();
    if (Array.isArray(next)) open.push(...(next as unknown[]));
    else if (isNode(next)) {
      const step = accessed(next);
      if (step !== undefined) found.push(step);
      open.push(next.args);
    }
  }
  return found.toReversed();
}

interface AnyNode {
  readonly op: string;
  readonly args: unknown;
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}

function accessed({ op, args }: AnyNode): string | undefined {
  if (!['.', '.?', '[]', '[?]'].includes(op) || !Array.isArray(args)) return undefined;
  const [owner, name] = args as readonly unknown[];
  if (!isNode(owner) || owner.op !== 'id' || (owner.args !== 'results' && owner.args !== 'statuses'))
    return undefined;
  if (typeof name === 'string') return name;
  return isNode(name) && name.op === 'value' && typeof name.args === 'string' ? name.args : undefined;
}
