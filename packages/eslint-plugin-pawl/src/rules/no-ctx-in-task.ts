import { isFunction, type Node } from '../node.ts';
import { isTaskFunction, processFunction } from '../process-function.ts';
import type { Rule } from '../rule.ts';

export const noCtxInTask: Rule = {
  meta: {
    type: 'problem',
    docs: { description: 'a task does not use the ctx of its process', recommended: true },
    schema: [],
    messages: {
      ctx: '{{name}} of the process is used inside a task: it is refused there. A task gets its own context as its second argument; what it needs of the process, hand over as its input.',
    },
  },
  create(context) {
    const look = (node: Node): void => {
      const found = processFunction(context, node);
      if (found === undefined) return;
      for (const { identifier } of found.ctx.references) {
        if (isWithinTask(identifier, node))
          context.report({ node: identifier, messageId: 'ctx', data: { name: found.ctx.name } });
      }
    };
    const isWithinTask = (from: Node, to: Node): boolean => {
      for (let at = from.parent ?? undefined; at !== undefined && at !== to; at = at.parent ?? undefined)
        if (isFunction(at) && isTaskFunction(context, at)) return true;
      return false;
    };
    return { ArrowFunctionExpression: look, FunctionDeclaration: look, FunctionExpression: look };
  },
};
