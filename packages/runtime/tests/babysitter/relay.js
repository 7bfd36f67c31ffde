/** Three branches of two steps, whose answers may come in any order. */
import { defineTask } from '@a5c-ai/babysitter-sdk';

const runTask = defineTask('run-leg', ({ team, leg, from }) => ({
  kind: 'agent',
  title: `${team}${leg}`,
  agent: { name: 'runner', prompt: { task: 'Run', context: { from } } },
}));

export async function process({ teams }, ctx) {
  const order = [];
  const times = await ctx.parallel.all(
    teams.map((team) => async () => {
      const first = await ctx.task(runTask, { team, leg: 1, from: null });
      order.push(`${team}1`);
      const second = await ctx.task(runTask, { team, leg: 2, from: first });
      order.push(`${team}2`);
      return `${first}+${second}`;
    }),
  );
  return { times, order };
}
