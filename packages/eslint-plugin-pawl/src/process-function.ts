import { importedAs, isOfPawl } from './imported.ts';
import { bare, child, children, isFunction, nameOf, propertyOf, type Node } from './node.ts';
import { variableAt, type RuleContext, type Variable } from './rule.ts';

/** The code of a process, or of a helper that gets its `ctx`. */
export interface ProcessFunction {
  readonly node: Node;
  readonly ctx: Variable;
}

const PAWL = /^@pawl\/sdk$/;
const BABYSITTER = /\bbabysitter(-sdk)?$/;

/** What defines tasks: functions in it are the task's. */
const TASKS: ReadonlySet<string> = new Set([
  'defineTask',
  'defineBatchTask',
  'externalTask',
  'processTask',
  'shellTask',
  'threadTask',
  'transactionTask',
]);

/**
 * A function is a process' if its parameter is typed `Context` of `@pawl/sdk`, if it is `run` of `defineProcess`, if it is
 * typed `Process`, or if it is exported as `process` and takes a `ctx`.
 */
export function processFunction(context: RuleContext, node: Node): ProcessFunction | undefined {
  if (!isFunction(node)) return undefined;
  const parameters = children(node, 'params').map((parameter) =>
    parameter.type === 'AssignmentPattern' ? (child(parameter, 'left') ?? parameter) : parameter,
  );
  const typed = parameters.find((parameter) => isTyped(context, parameter, 'Context'));
  const [, second] = parameters;
  const given = typed ?? (isProcess(context, node, second) ? second : undefined);
  if (given?.type !== 'Identifier') return undefined;
  const ctx = variableAt(context, given) ?? parameterOf(context, node, given);
  return ctx === undefined ? undefined : { node, ctx };
}

/** Where a linter gives the scope around the function for its parameters. */
function parameterOf({ sourceCode }: RuleContext, node: Node, parameter: Node): Variable | undefined {
  const body = child(node, 'body');
  for (
    let scope = body === undefined ? null : sourceCode.getScope(body);
    scope !== null;
    scope = scope.upper
  ) {
    const variable = scope.set.get(nameOf(parameter) ?? '');
    if (variable?.defs.some((definition) => definition.type === 'Parameter') === true) return variable;
  }
  return undefined;
}

function isTyped(context: RuleContext, node: Node | undefined, type: 'Context' | 'Process'): boolean {
  const annotation = node === undefined ? undefined : child(node, 'typeAnnotation');
  const reference = annotation === undefined ? undefined : child(annotation, 'typeAnnotation');
  const name = reference?.type === 'TSTypeReference' ? child(reference, 'typeName') : undefined;
  if (name?.type !== 'Identifier') return false;
  const imported = importedAs(context, name);
  return imported !== undefined && isOfPawl(imported) && imported.name === type;
}

function isProcess(context: RuleContext, node: Node, ctx: Node | undefined): boolean {
  const parent = node.parent ?? undefined;
  if (node.type === 'FunctionDeclaration') return isExportedProcess(context, node, child(node, 'id'), ctx);
  if (parent === undefined) return false;
  if (parent.type === 'VariableDeclarator') {
    const id = child(parent, 'id');
    const declaration = parent.parent ?? undefined;
    return (
      isTyped(context, id, 'Process') ||
      (declaration !== undefined && isExportedProcess(context, declaration, id, ctx))
    );
  }
  if (parent.type !== 'Property' || nameOf(child(parent, 'key')) !== 'run') return false;
  const call = parent.parent?.parent ?? undefined;
  return call?.type === 'CallExpression' && definer(context, call) === 'defineProcess';
}

/** `export async function process(inputs, ctx)`, which is what `pawl run` looks for. */
function isExportedProcess(
  context: RuleContext,
  declaration: Node,
  id: Node | undefined,
  ctx: Node | undefined,
): boolean {
  if (nameOf(id) !== 'process' || ctx === undefined) return false;
  const isExported = declaration.parent?.type.startsWith('Export') === true;
  const sources = importsOf(context);
  // What they import as ctx has rules of its own: promises where ours takes functions.
  if (!isExported || sources.some((source) => BABYSITTER.test(source))) return false;
  return nameOf(ctx) === 'ctx' || sources.some((source) => PAWL.test(source));
}

function importsOf({ sourceCode }: RuleContext): readonly string[] {
  return children(sourceCode.ast, 'body')
    .filter(({ type }) => type === 'ImportDeclaration')
    .map((statement) => nameOf(child(statement, 'source')) ?? '');
}

/** What of the sdk a call is of, such as `defineTask`. */
function definer(context: RuleContext, call: Node): string | undefined {
  const callee = child(call, 'callee');
  if (callee?.type !== 'Identifier') return undefined;
  const imported = importedAs(context, callee);
  return imported !== undefined && isOfPawl(imported) ? imported.name : undefined;
}

/** Whether a function is that of a task, or of a source: it stands in what defines one. */
export function isTaskFunction(context: RuleContext, node: Node): boolean {
  if (!isFunction(node)) return false;
  for (let at = node.parent ?? undefined; at !== undefined && !isFunction(at); at = at.parent ?? undefined) {
    if (at.type !== 'CallExpression') continue;
    if (TASKS.has(definer(context, at) ?? '')) return true;
    const callee = child(at, 'callee');
    if (callee !== undefined && propertyOf(bare(callee)) === 'source') return true;
  }
  return false;
}

/** The innermost process that this code is of; undefined for all other code, that of its tasks included. */
export function processAt(context: RuleContext, node: Node): ProcessFunction | undefined {
  for (let at: Node | undefined = node; at !== undefined; at = at.parent ?? undefined) {
    const found = processFunction(context, at);
    if (found !== undefined) return found;
    if (isTaskFunction(context, at)) return undefined;
  }
  return undefined;
}

/** The `ctx` that this name stands for. */
export function ctxAt(context: RuleContext, node: Node | undefined): ProcessFunction | undefined {
  if (node?.type !== 'Identifier') return undefined;
  const variable = variableAt(context, node);
  const definition = variable?.defs[0];
  if (definition?.type !== 'Parameter') return undefined;
  const found = processFunction(context, definition.node);
  return found !== undefined && found.ctx === variable ? found : undefined;
}

/** Of `ctx.task(…)` 'task', of `ctx.parallel.all(…)` 'parallel.all'. */
export function ctxCall(context: RuleContext, node: Node): string | undefined {
  const call = bare(node);
  const callee = call.type === 'CallExpression' ? child(call, 'callee') : undefined;
  if (callee === undefined) return undefined;
  const member = bare(callee);
  const object = child(member, 'object');
  const name = propertyOf(member);
  if (object === undefined || name === undefined) return undefined;
  if (ctxAt(context, bare(object)) !== undefined) return name;
  const outer = bare(object);
  if (propertyOf(outer) !== 'parallel') return undefined;
  return ctxAt(context, child(outer, 'object')) === undefined ? undefined : `parallel.${name}`;
}
