import { defineTask } from '@a5c-ai/babysitter-sdk';

const tripTask = defineTask('ferry-trip', ({ trip }) => ({
  kind: 'agent',
  title: `Trip ${trip}`,
  agent: {},
}));

export async function process({ trips }, ctx) {
  let carried = 0;
  for (let trip = 1; trip <= trips; trip += 1) carried += (await ctx.task(tripTask, { trip })).people;
  return { carried };
}
