import { bare, child, children, isOnPromise, nameOf, type Node } from '../node.ts';
import { ctxCall } from '../process-function.ts';
import type { Rule, RuleContext } from '../rule.ts';

/** What of ctx gives a promise of its end. */
const WAITS: ReadonlySet<string> = new Set([
  'breakpoint',
  'continueAsNew',
  'reduce',
  'receive',
  'run',
  'scope',
  'sleep',
  'sleepUntil',
  'task',
  'waitFor',
  ...[
    'all',
    'allSettled',
    'allTuple',
    'allTupleSettled',
    'any',
    'filter',
    'forkJoin',
    'forkJoinSettled',
    'groupBy',
    'map',
    'mapReduce',
    'mapSettled',
    'race',
    'some',
  ].map((name) => `parallel.${name}`),
]);

export const noFloatingCtx: Rule = {
  meta: {
    type: 'problem',
    docs: { description: 'each call of ctx is waited for', recommended: true },
    schema: [],
    messages: {
      floating:
        'ctx.{{name}} is not waited for: its failure is lost, and it is given up when the process ends. Await it, or say void where that is meant.',
    },
  },
  create(context) {
    return {
      ExpressionStatement(node) {
        for (const value of valuesOf(child(node, 'expression'))) {
          const name = floating(context, value);
          if (name !== undefined) context.report({ node: value, messageId: 'floating', data: { name } });
        }
      },
    };
  },
};

/** What a statement may come to. */
function valuesOf(expression: Node | undefined): readonly Node[] {
  if (expression === undefined) return [];
  const node = bare(expression);
  if (node.type === 'LogicalExpression') return valuesOf(child(node, 'right'));
  if (node.type === 'ConditionalExpression')
    return [...valuesOf(child(node, 'consequent')), ...valuesOf(child(node, 'alternate'))];
  return node.type === 'SequenceExpression' ? children(node, 'expressions').flatMap(valuesOf) : [node];
}

function floating(context: RuleContext, node: Node): string | undefined {
  const name = ctxCall(context, node);
  if (name !== undefined) return WAITS.has(name) && !isDetached(node) ? name : undefined;
  const callee = node.type === 'CallExpression' ? child(node, 'callee') : undefined;
  const object = callee === undefined ? undefined : child(bare(callee), 'object');
  if (callee === undefined || object === undefined || !isOnPromise(bare(callee))) return undefined;
  return floating(context, bare(object));
}

/** It is on its own once it was started. */
function isDetached(call: Node): boolean {
  return children(call, 'arguments').some(
    (argument) =>
      argument.type === 'ObjectExpression' &&
      children(argument, 'properties').some((property) => nameOf(child(property, 'key')) === 'detached'),
  );
}
