/** All that can be done with a journal that somebody else made, each by itself, and what came of each. */
import { openJournal, openRuntime, RuntimeError, type JournalReader } from '@pawl/runtime';
import { isPawlError } from '@pawl/sdk';

import { messageOf, starts, voyage } from '../voyage.ts';
import { JOURNEY } from './base-journal.ts';

export interface Looked {
  /** By what was done: 'ok', the code of a typed error, or what else was thrown. */
  readonly outcomes: Readonly<Record<string, string>>;
  /** Events by run, as text, as far as they could be read. */
  readonly events: Readonly<Record<string, readonly string[]>>;
  readonly damage: readonly { readonly runId: string; readonly seq: number }[];
  /** What the run under way ended with; undefined where it did not. */
  readonly value: unknown;
  /** Keys of tasks that were started to go on with it. */
  readonly started: readonly string[];
}

/** Not typed: a program would exit with 1. */
export const UNTYPED = 'untyped: ';

const MOST_EVENTS = 5000;
const MOST_RUNS = 8;
/** A run that a hostile journal lets wait for something goes on waiting. */
const PATIENCE_MS = 300;

export function outcomeOf(error: unknown): string {
  if (error instanceof RuntimeError)
    return error.code === 'UNEXPECTED' ? `${UNTYPED}${error.message}` : error.code;
  if (isPawlError(error)) return error.code;
  return UNTYPED + (error instanceof Error ? String(error.stack) : String(error));
}

/** @param resumed the run to go on with */
export async function look(path: string, resumed: string): Promise<Looked> {
  const outcomes: Record<string, string> = {};
  const events: Record<string, readonly string[]> = {};
  let damage: Looked['damage'] = [];
  const tried = async (what: string, work: () => unknown): Promise<void> => {
    try {
      await work();
      outcomes[what] = 'ok';
    } catch (error) {
      outcomes[what] = outcomeOf(error);
    }
  };
  await tried('open', async () => {
    using journal = openJournal({ path });
    await tried('verify', () => {
      damage = journal.verify().damage;
    });
    await tried('list', () => readTables(journal));
    const ids = journal.list({ limit: MOST_RUNS }).map(({ runId }) => runId);
    for (const id of ids) {
      await tried(`events of ${id}`, () => {
        const read: string[] = [];
        events[id] = read;
        for (const recorded of journal.events(id)) {
          read.push(JSON.stringify(recorded));
          if (read.length >= MOST_EVENTS) break;
        }
      });
      await tried(`views of ${id}`, () => readRun(journal, id));
    }
    await tried('export', () => drain(journal.export(undefined)));
  });
  const { value, started } = await goOn(path, resumed, tried);
  return { outcomes, events, damage, value, started };
}

function readTables(journal: JournalReader): void {
  journal.list({ limit: 1000 });
  journal.counts();
  journal.drivers();
  journal.openTasks();
  journal.pools(10);
  journal.queued(100);
  journal.setBack(100);
  journal.schedules();
  journal.describe();
}

function readRun(journal: JournalReader, id: string): void {
  journal.get(id);
  journal.state(id);
  journal.forksOf(id);
  journal.waits(id);
  journal.settledTasks(id);
  drain(journal.logs(id));
}

function drain(lines: Generator<unknown>): void {
  let count = 0;
  for (const _ of lines) {
    count += 1;
    if (count >= MOST_EVENTS) return;
  }
}

async function goOn(
  path: string,
  resumed: string,
  tried: (what: string, work: () => unknown) => Promise<void>,
): Promise<Pick<Looked, 'value' | 'started'>> {
  let value: unknown;
  const started: string[] = [];
  await tried('open to write', async () => {
    const runtime = await openRuntime({ path, durability: 'normal', processes: [voyage] });
    starts.told = (key) => started.push(key);
    await tried('go on', async () => {
      const ended = runtime.resume(resumed, voyage).result();
      ended.catch(() => undefined);
      await tried('send', async () => {
        for (let n = 0; n < JOURNEY.legs; n += 1) {
          const { name, payload, id } = messageOf(n);
          await runtime.send(resumed, name, payload, { id });
        }
      });
      const waiting = new Promise<undefined>((resolve) =>
        setTimeout(resolve, PATIENCE_MS, undefined).unref(),
      );
      value = await Promise.race([ended, waiting]);
    });
    await tried('close', () => runtime.close());
  });
  starts.told = () => undefined;
  return { value, started };
}
