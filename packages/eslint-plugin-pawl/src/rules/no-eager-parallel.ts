import { bare, child, children, isFunction, isOnPromise, propertyOf, type Node } from '../node.ts';
import { ctxCall } from '../process-function.ts';
import type { Rule, RuleContext } from '../rule.ts';

/** They take thunks: functions that begin their work when they are called. */
const WITH_THUNKS =
  /^parallel\.(all|allTuple|allSettled|allTupleSettled|any|race|some|forkJoin|forkJoinSettled)$/;

export const noEagerParallel: Rule = {
  meta: {
    type: 'problem',
    docs: {
      description: 'ctx.parallel gets functions, and not what is under way already',
      recommended: true,
    },
    fixable: 'code',
    schema: [],
    messages: {
      eager:
        'ctx.{{name}} takes functions: this has begun before the group, outside of its branches, its limits and its cancellation. Write () => {{text}}.',
    },
  },
  create(context) {
    return {
      CallExpression(node) {
        const name = ctxCall(context, node);
        if (name === undefined || !WITH_THUNKS.test(name)) return;
        for (const value of eagerIn(context, children(node, 'arguments')[0])) {
          const text = context.sourceCode.getText(value);
          const short = /^[^\n]{1,40}$/.test(text) ? text : `${text.slice(0, 30).split('\n')[0] ?? ''}…`;
          context.report({
            node: value,
            messageId: 'eager',
            data: { name, text: short },
            fix: value.type === 'AwaitExpression' ? null : (fixer) => fixer.insertTextBefore(value, '() => '),
          });
        }
      },
    };
  },
};

/** What is there instead of functions: in a list, in an object, or made of a list. */
function eagerIn(context: RuleContext, group: Node | undefined): readonly Node[] {
  if (group === undefined) return [];
  const node = bare(group);
  if (node.type === 'ArrayExpression')
    return children(node, 'elements').filter((each) => isEager(context, each));
  if (node.type === 'ObjectExpression')
    return children(node, 'properties').flatMap((property) => {
      const value = property['method'] === true ? undefined : child(property, 'value');
      return value !== undefined && isEager(context, value) ? [value] : [];
    });
  const callee = node.type === 'CallExpression' ? child(node, 'callee') : undefined;
  if (callee === undefined || propertyOf(bare(callee)) !== 'map') return [];
  const [made] = children(node, 'arguments');
  const body = made?.type === 'ArrowFunctionExpression' ? child(made, 'body') : undefined;
  return body !== undefined && !isFunction(body) && isEager(context, body) ? [body] : [];
}

function isEager(context: RuleContext, value: Node): boolean {
  const node = bare(value);
  if (ctxCall(context, node) !== undefined) return true;
  if (node.type === 'AwaitExpression') return isEager(context, child(node, 'argument') ?? node);
  const callee = node.type === 'CallExpression' ? child(node, 'callee') : undefined;
  const object = callee === undefined ? undefined : child(bare(callee), 'object');
  if (callee !== undefined && object !== undefined && isOnPromise(bare(callee)))
    return isEager(context, object);
  // An async function that is called at once.
  return callee !== undefined && isFunction(bare(callee)) && bare(callee)['async'] === true;
}
