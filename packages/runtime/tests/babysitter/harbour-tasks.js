/** Tasks in every form that processes for Babysitter write them in. */
import { defineTask } from '@a5c-ai/babysitter-sdk';

/** A name and a builder. */
export const surveyTask = defineTask('survey-berth', (args, taskCtx) => ({
  kind: 'agent',
  title: `Survey berth ${args.berth}`,
  description: 'Depth, bollards, fenders',
  labels: ['survey', ...taskCtx.labels],
  agent: {
    name: 'surveyor',
    prompt: { role: 'harbour surveyor', task: 'Measure the berth', context: args, outputFormat: 'JSON' },
    outputSchema: { type: 'object', required: ['depth'], properties: { depth: { type: 'number' } } },
  },
  io: {
    inputJsonPath: `tasks/${taskCtx.effectId}/input.json`,
    outputJsonPath: `tasks/${taskCtx.effectId}/result.json`,
  },
}));

/** A builder that answers later. */
export const chartTask = defineTask('draw-chart', async (args, taskCtx) => {
  await Promise.resolve();
  return {
    kind: 'skill',
    title: `Chart of ${args.berth}`,
    skill: { name: 'cartography', context: { depth: args.depth, at: args.at } },
    io: { outputJsonPath: taskCtx.toTaskRelativePath('chart.json') },
  };
});

/** One object that is the description, with a sketch where a schema stands. */
export const tideTask = defineTask({
  name: 'read-tide',
  kind: 'shell',
  command: 'tide --now',
  description: 'The level at the gauge',
  labels: ['tide'],
  outputSchema: { level: 'number' },
});

/** One object that builds it. */
export const noteTask = defineTask({
  id: 'write-note',
  description: 'One line for the log book',
  run: (args, taskCtx) => ({
    kind: 'node',
    title: args.text,
    node: { entry: 'note.mjs', args: [taskCtx.effectId] },
  }),
});
