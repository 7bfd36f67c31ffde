import { RuntimeError, type Ack, type RunId, type Runtime } from '@pawl/runtime';

import { PLACE_OPTIONS, defineCommand, text, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { changeRun, checkedRunId, anyPlace, readJournal } from '../journal-place.ts';
import { LeftOut } from '../left-out.ts';
import { askWhich, askAnswer, say, type Said } from '../live/inbox-prompts.ts';
import { readWaits, type WaitOfRun } from '../read-waits.ts';
import { ackText } from '../render/ack.ts';
import { isDecided, renderWait } from '../render/waits.ts';
import { resumeOf } from '../resume-of.ts';
import type { Io } from '../terminal.ts';
import { userName } from '../user-name.ts';

export const inboxCommand: Command = defineCommand({
  description:
    'Shows what is waited for, and asks what to say to it. Programs use pawl waiting, approve, reject and send.',
  arguments: [{ name: '[run]', description: 'only of this run' }],
  options: {
    as: text('--as <who>', 'who answers (default: you, as $USER says)'),
    ...PLACE_OPTIONS,
  },
  examples: [{ command: 'pawl inbox', what: 'what waits for you' }],
  run: async ({ args, options, io }) => {
    const place = anyPlace(options, io);
    const only = args[0] === undefined ? undefined : checkedRunId(args[0]);
    refuseWithoutTerminal(io, options.json);
    const who = options.as ?? userName(io.env);
    /** What was answered here: it stays open until somebody drives its run. */
    const answered = new Set<string>();
    const resting = new Set<RunId>();
    const leftOut = new LeftOut();
    for (;;) {
      const all = await readJournal(
        place,
        (reader) => readWaits(reader, only, leftOut.add),
        only === undefined ? { open: true } : { run: only },
      );
      const waits = all.filter((wait) => !answered.has(placeOf(wait)) && !isDecided(wait.wait));
      const wait = waits.length === 0 ? undefined : await askWhich(waits, io.now());
      if (wait === undefined) {
        if (waits.length === 0) io.out.line(all.length === 0 ? 'nothing waits' : 'nothing else waits');
        for (const runId of resting) io.err.line(`go on with: ${await resumeOf(place, runId)}`);
        leftOut.tell(place);
        return DONE;
      }
      const { width, theme } = io.out;
      await say(renderWait(wait, { now: io.now(), width: width - 3, theme }).join('\n'));
      const said = await askAnswer(wait.wait);
      if (said === undefined) continue;
      const told = await changeRun(place, wait.runId, async (runtime) => ({
        ack: await answer(runtime, wait, said, who),
        isDriven: runtime.get(wait.runId)?.ownerAlive === true,
      }));
      await say(ackText(told.ack, who));
      if (told.ack.status === 'invalid') continue;
      answered.add(placeOf(wait));
      if (!told.isDriven) resting.add(wait.runId);
    }
  },
});

function placeOf({ runId, wait }: WaitOfRun): string {
  return `${runId} ${wait.key} ${wait.since}`;
}

function refuseWithoutTerminal(io: Io, isJson: boolean): void {
  if (io.out.isTerminal && process.stdin.isTTY && !isJson) return;
  throw new RuntimeError('USAGE', 'pawl inbox asks people on a terminal.', {
    hint: 'See what waits: pawl waiting; answer it: pawl approve, pawl reject or pawl send',
  });
}

async function answer(runtime: Runtime, { runId, wait }: WaitOfRun, said: Said, by: string): Promise<Ack> {
  switch (said.kind) {
    case 'response':
      return runtime.respond(runId, wait.key, { ...said.response, by });
    case 'message':
      return runtime.send(runId, wait.name, said.payload);
    case 'outcome':
      runtime.resolve(runId, wait.key, said.as);
      return { status: 'accepted', messageId: '' };
    default:
      return said satisfies never;
  }
}
