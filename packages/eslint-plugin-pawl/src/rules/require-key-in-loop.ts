import { bare, child, children, isFunction, nameOf, type Node } from '../node.ts';
import { ctxCall } from '../process-function.ts';
import { variableAt, type Rule, type RuleContext } from '../rule.ts';

const KEYED: Readonly<Record<string, string>> = {
  breakpoint: 'key',
  receive: 'key',
  run: 'key',
  sleep: 'key',
  task: 'key',
  waitFor: 'key',
};
const OVER_ITEMS = /^parallel\.(map|mapSettled|filter|groupBy|mapReduce)$/;

export const requireKeyInLoop: Rule = {
  meta: {
    type: 'suggestion',
    docs: { description: 'calls for the items of a list that stands in code have keys', recommended: true },
    schema: [],
    messages: {
      loop: 'The list of this loop stands in code: an item that is added before another moves all calls behind it, and runs that are open diverge. Give the call a key made of the item: { key: … }.',
      items:
        'This list stands in code: an item that is added before another moves all branches behind it, and runs that are open diverge. Name the branches by their items: { keyBy: (item) => … }.',
    },
  },
  create(context) {
    return {
      CallExpression(node) {
        const name = ctxCall(context, node);
        if (name === undefined) return;
        if (OVER_ITEMS.test(name)) {
          const [items] = children(node, 'arguments');
          if (items !== undefined && standsInCode(context, items) && !hasOption(node, 'keyBy'))
            context.report({ node, messageId: 'items' });
          return;
        }
        const option = Object.hasOwn(KEYED, name) ? KEYED[name] : undefined;
        if (option === undefined || hasOption(node, option)) return;
        const list = listOfLoop(node);
        if (list !== undefined && standsInCode(context, list)) context.report({ node, messageId: 'loop' });
      },
    };
  },
};

/** What the loop around a call goes over, within the same function. */
function listOfLoop(call: Node): Node | undefined {
  for (let at = call.parent ?? undefined; at !== undefined && !isFunction(at); at = at.parent ?? undefined)
    if (at.type === 'ForOfStatement') return child(at, 'right');
  return undefined;
}

/** A list that only a change of code changes: written there, of the module, or imported. */
function standsInCode(context: RuleContext, list: Node): boolean {
  const node = bare(list);
  if (node.type === 'ArrayExpression')
    return children(node, 'elements').length > 1 && children(node, 'elements').every(isConstant);
  if (node.type !== 'Identifier') return false;
  const variable = variableAt(context, node);
  const definition = variable?.defs[0];
  if (variable === undefined || definition === undefined || variable.scope.type !== 'module') return false;
  const value = definition.type === 'Variable' ? child(definition.node, 'init') : undefined;
  return value !== undefined && bare(value).type === 'ArrayExpression';
}

function isConstant(node: Node): boolean {
  return ['Literal', 'TemplateLiteral', 'ObjectExpression', 'ArrayExpression'].includes(bare(node).type);
}

/** Options that are no literal may hold it. */
function hasOption(call: Node, option: string): boolean {
  const given = children(call, 'arguments').slice(1);
  const last = given.at(-1);
  if (last === undefined) return false;
  if (last.type === 'ObjectExpression')
    return children(last, 'properties').some(
      (property) => property.type === 'SpreadElement' || nameOf(child(property, 'key')) === option,
    );
  return given.length > 1 && !isFunction(last) && last.type === 'Identifier';
}
