/**
 * Opens a harbour for the season: berths are surveyed and charted, people say yes, and what was learnt is written down.
 */
import { defineTask, globalTaskRegistry } from '@a5c-ai/babysitter-sdk';
import { chartTask, noteTask, surveyTask, tideTask } from './harbour-tasks.js';

const paintTask = defineTask(
  'paint-buoy',
  (args) => ({
    kind: 'agent',
    title: `Paint ${args.buoy}`,
    agent: { name: 'painter', prompt: { task: 'Paint it' } },
  }),
  { description: 'Red or green', labels: ['paint'] },
);

export async function process(inputs, ctx) {
  const { berths = ['north', 'south'], season = 'spring', trips = 0, wait = 60_000 } = inputs;
  const began = ctx.now();
  ctx.log('info', `Season ${season} in run ${ctx.runId.length > 0 ? 'known' : ''}`);
  ctx.onCleanup(() => ctx.log('gates closed'));

  // Two steps a branch, with a place each.
  const charts = await ctx.parallel.map(
    berths,
    async (berth, index) => {
      const survey = await ctx.task(surveyTask, { berth, index }, { label: `berth-${index}` });
      const chart = await ctx.task(chartTask, { berth, depth: survey.depth, at: began });
      return `${index}:${berth}:${survey.depth}:${chart.scale}`;
    },
    { maxConcurrency: 2 },
  );

  // Promises where functions are meant, and a place without a result.
  const buoys = await ctx.parallel.all([
    ctx.task(paintTask, { buoy: 'red' }),
    undefined === season ? () => null : async () => undefined,
    () => ctx.task(paintTask, { buoy: 'green', before: undefined, tell: () => 'nothing' }),
  ]);

  // A command that failed is a result; an agent that failed is an error.
  const tide = await ctx.task(tideTask, {});
  let lost = 'nothing';
  try {
    await ctx.task(noteTask, { text: 'lost' });
  } catch (error) {
    lost = error.message;
  }

  // The same key is the same call.
  const notes = [];
  for (const attempt of [1, 2]) {
    notes.push(await ctx.task(noteTask, { text: 'first', attempt }, { key: 'harbour.first-note' }));
    notes.push(await ctx.task(noteTask, { text: `try ${attempt}` }, { stableKey: `note-${attempt}` }));
  }

  // Asked until it is approved.
  let review = { approved: false };
  let attempts = 0;
  while (!review.approved) {
    attempts += 1;
    review = await ctx.breakpoint({
      question: `Open the harbour with ${charts.length} berths?`,
      title: 'Opening',
      context: { runId: ctx.runId, files: [{ path: 'artifacts/charts.md', format: 'markdown' }] },
      options: ['Open', 'Wait'],
      expert: 'owner',
      tags: ['opening'],
      previousFeedback: review.feedback || undefined,
      attempt: attempts > 1 ? attempts : undefined,
    });
  }

  await ctx.sleepUntil(new Date(began.getTime() + wait).toISOString());
  await ctx.sleepUntil(began.getTime());
  const hooked = await ctx.hook('harbour-open', { berths });
  const plan = await ctx.orchestratorTask({ goal: 'roster' }, { label: 'roster' });
  const ferry =
    trips > 0 && (await ctx.subprocess({ processPath: 'ferry.js', processId: 'ferry', inputs: { trips } }));

  return {
    charts,
    buoys: buoys.map((buoy) => (buoy === undefined ? 'none' : buoy.colour)),
    tide: [tide.success, tide.exitCode, tide.stderr],
    lost,
    notes,
    opened: [attempts, review.option, review.respondedBy],
    hooked: hooked.executedHooks.length,
    plan,
    ferry: ferry ? ferry.output : 'moored',
    folder: ctx.artifactsDir.endsWith('artifacts'),
    waited: ctx.now() - began >= wait,
    known: globalTaskRegistry.hasTask('paint-buoy'),
  };
}
