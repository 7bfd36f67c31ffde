import { impureAt } from '../impure.ts';
import type { Node } from '../node.ts';
import { processAt } from '../process-function.ts';
import { variableBy, type Rule } from '../rule.ts';

export const noImpureProcess: Rule = {
  meta: {
    type: 'problem',
    docs: {
      description: 'process code calls nothing that a replay would not get, or would do, again',
      recommended: true,
    },
    fixable: 'code',
    schema: [],
    messages: {
      clock: '{{name}} in process code: each replay sees another time. Use {{ctx}}.now().',
      random:
        '{{name}} in process code: each replay draws something else. Use {{ctx}}.random() or {{ctx}}.uuid().',
      effect: '{{name}} in process code: each replay does it again. Put it into a task (defineTask).',
      wait: '{{name}} in process code: each replay waits for it again. Use {{ctx}}.sleep.',
      environment:
        '{{name}} is changed in process code: a replay in another program does not see it. Hand the value on, or do it in a task.',
    },
  },
  create(context) {
    const look = (node: Node): void => {
      const impure = impureAt(context, node);
      if (impure === undefined) return;
      const found = processAt(context, node);
      if (found === undefined) return;
      const { name, messageId, instead } = impure;
      const { ctx } = found;
      const isInReach = variableBy(context, ctx.name, node) === ctx;
      const fix = instead === undefined || !isInReach || hasArguments(node) ? undefined : instead(ctx.name);
      context.report({
        node,
        messageId,
        data: { name, ctx: ctx.name },
        fix: fix === undefined ? null : (fixer) => fixer.replaceText(node, fix),
      });
    };
    return { CallExpression: look, NewExpression: look, AssignmentExpression: look, UnaryExpression: look };
  },
};

function hasArguments(node: Node): boolean {
  const given = node['arguments'];
  return Array.isArray(given) && given.length > 0;
}
