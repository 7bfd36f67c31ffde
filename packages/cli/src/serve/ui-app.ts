/** The server of `pawl ui`: the inspector behind the guard, with the words of the commands. */
import { createInspector, readPage, type Describe } from '@pawl/inspector';
import { addDiffEvent, finishDiff, type JournalReader, type Runtime } from '@pawl/runtime';
import { Hono } from 'hono';

import { diffDocument } from '../diff-document.ts';
import { OWN_FOLDERS } from '../own-folders.ts';
import { newDiff } from '../read-diff.ts';
import { readOpenTasks, readWaits } from '../read-waits.ts';
import { readWhy } from '../read-why.ts';
import { sourcePlace } from '../render/source-place.ts';
import { runDocument } from '../run-document.ts';
import { scheduleDocument } from '../schedule-document.ts';
import { queuedRunDocument } from '../start-document.ts';
import { openTaskDocument } from '../task-document.ts';
import { waitDocument } from '../wait-document.ts';
import { whereOf } from '../where.ts';
import { queuedWhyDocument, whyDocument } from '../why-document.ts';
import { queuedWhyNext, whyNext } from '../why-next.ts';
import { guard, type GuardOptions } from './guard.ts';
import { addMessages } from './messages.ts';
import { addOutcomes } from './outcomes.ts';
import { addPeople } from './people.ts';
import { addReplay } from './replay.ts';
import { addSteering } from './steer.ts';
import { addTasks } from './tasks.ts';
import { told } from './told.ts';

export interface UiAppOptions extends GuardOptions {
  readonly reader: JournalReader;
  /** Undefined: nothing can be changed. */
  readonly runtime: Runtime | undefined;
  readonly closing: AbortSignal;
  readonly cwd: string;
  /** Of programs that are started for the page. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the next commands, as they would be typed. */
  readonly flags: readonly string[];
  /** What begins a start that waits, where no worker of ours does. */
  readonly begin?: string | undefined;
  /** An engine has the runs. */
  readonly isElsewhere?: boolean;
  /** What was left for runs has come there, where they are elsewhere. */
  readonly sent?: (() => Promise<void>) | undefined;
  readonly journal: string;
  readonly user: string;
}

export function createUiApp(options: UiAppOptions): Hono {
  const { reader, runtime, closing, journal, user, sent } = options;
  const app = new Hono();
  app.use(guard(options));
  app.onError((error, c) => told(error, c));
  if (sent !== undefined)
    app.use(async (_, next) => {
      await next();
      await sent();
    });
  const inspector = createInspector({
    reader,
    describe: describeIn(options),
    page: readPage(),
    about: { journal, user },
    actions: runtime === undefined ? undefined : actionsOf(runtime, options),
    closing,
  });
  app.route('/', inspector);
  return app;
}

function actionsOf(runtime: Runtime, { closing, cwd, env, journal }: UiAppOptions): Hono {
  const actions = new Hono();
  addMessages(actions, runtime);
  addPeople(actions, runtime);
  addSteering(actions, runtime);
  addOutcomes(actions, runtime);
  addTasks(actions, runtime);
  addReplay(actions, runtime, { closing, cwd, env, journal });
  return actions;
}

export function describeIn({
  cwd,
  flags,
  begin,
  isElsewhere,
}: Pick<UiAppOptions, 'begin' | 'cwd' | 'flags' | 'isElsewhere'>): Describe {
  return {
    run: runDocument,
    why: (reader, id, open) => {
      const start = reader.start(id);
      if (start !== undefined)
        return queuedWhyDocument(start, queuedWhyNext(start, flags, begin), Date.now());
      const view = readWhy(reader, id, Date.now(), open);
      return whyDocument(view, whyNext(view, flags, isElsewhere));
    },
    waits: (reader, id, leftOut) => readWaits(reader, id, leftOut).map(waitDocument),
    openTasks: readOpenTasks,
    task: openTaskDocument,
    start: queuedRunDocument,
    schedule: scheduleDocument,
    where: whereOf,
    diff: (reader, a, b) => {
      const [runA, runB] = [reader.get(a), reader.get(b)];
      // Values that nobody can read are all alike.
      reader.needKey();
      const diff = newDiff();
      return {
        add: (side, events) => {
          for (const recorded of events) addDiffEvent(diff, side, recorded);
        },
        end: () => {
          finishDiff(diff);
          return diffDocument(runA, runB, diff);
        },
      };
    },
    place: (error) => sourcePlace(error.stack, cwd, OWN_FOLDERS),
  };
}
