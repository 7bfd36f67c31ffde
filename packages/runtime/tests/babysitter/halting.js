import { defineTask } from '@a5c-ai/babysitter-sdk';

const weighTask = defineTask('weigh', (args) => ({ kind: 'agent', title: `Weigh ${args.what}`, agent: {} }));

export async function process({ legacy = false }, ctx) {
  const { tons } = await ctx.task(weighTask, { what: 'anchor' });
  if (legacy) return { halt: true, reason: 'too heavy', tons };
  if (tons > 3) ctx.halt('too heavy', { tons });
  return tons;
}
