import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { isTerminal, type JournalEvent } from '../../src/journal/event.ts';
import { seededEntropy } from '../../src/testing.ts';
import { freshFolder, inspect, Program, TORTURE } from './program.fixture.ts';

/** Of programs whose run was under way. */
const KILLS = TORTURE ? 1000 : 30;
const ROUNDS = 16;
/** What three bookings a round come to: 1..16, a thousand times that, and 1 each. */
const SUM = 136 + 136_000 + ROUNDS;

interface Tables {
  readonly bookings: readonly { readonly call: string; readonly amount: number }[];
  readonly sent: number;
}

/** As any other program would see them; no program of ours is there. */
function tablesIn(path: string): Tables {
  const db = new Database(path, { readonly: true });
  try {
    const has = db.prepare("select 1 from sqlite_schema where name = 'bookings'").get() !== undefined;
    if (!has) return { bookings: [], sent: 0 };
    const bookings = db.prepare<[], { call: string; amount: number }>('select * from bookings').all();
    const sent = db.prepare<[], number>('select count(*) from outbox').pluck().get() ?? 0;
    return { bookings, sent };
  } finally {
    db.close();
  }
}

/** Every booking that is in the journal is in the tables, once, and no other. */
function checkTables(path: string, where: string): readonly JournalEvent[] {
  const { events: recorded, damage } = inspect(path);
  expect(damage, where).toEqual([]);
  const events = recorded.map(({ event }) => event);
  const steps = new Set(
    events.flatMap((event) => (event.type === 'TaskScheduled' && event.task === 'step' ? [event.key] : [])),
  );
  const booked = events.flatMap((event) =>
    event.type === 'TaskSucceeded' && !steps.has(event.key) ? [`${event.key} ${String(event.output)}`] : [],
  );
  const { bookings, sent } = tablesIn(path);
  expect(bookings.map(({ call, amount }) => `${call} ${amount}`).toSorted(), where).toEqual(
    booked.toSorted(),
  );
  expect(sent, where).toBe(booked.length);
  return events;
}

/** Kills it at a random moment: as it opens, or some time after a random one of its bookings. */
async function killSomewhen(path: string, random: () => number): Promise<void> {
  const program = new Program('transactions-main.fixture.ts', { args: [path, String(ROUNDS)] });
  const bookings = Math.floor(random() * 12);
  let seen = 0;
  const isTime = program.until(
    ({ at }) =>
      at === 'end' || (bookings === 0 && at === 'ready') || (at === 'booked' && (seen += 1) >= bookings),
  );
  await isTime;
  // The moment is what is drawn; nothing waits for this time to pass.
  await new Promise((resolve) => setTimeout(resolve, random() * 5));
  await program.kill();
  expect(program.stderr).toBe('');
}

async function torture(seed: number, isEnough: () => boolean, killed: () => void): Promise<void> {
  const { random } = seededEntropy(seed);
  const path = join(freshFolder(), 'journal.db');
  const where = `seed ${seed}`;
  while (!isEnough()) {
    await killSomewhen(path, random);
    if (checkTables(path, where).some(isTerminal)) break;
    killed();
  }
  const last = new Program('transactions-main.fixture.ts', { args: [path, String(ROUNDS)] });
  const end = await last.until(({ at }) => at === 'end');
  expect(end['value'], `${where}\n${last.tail()}`).toBe(SUM);
  expect(await last.ended).toEqual({ code: 0, signal: null });
  checkTables(path, where);
  expect(
    tablesIn(path).bookings.reduce((sum, { amount }) => sum + amount, 0),
    where,
  ).toBe(SUM);
}

describe('a program with transaction tasks that is killed at random moments', () => {
  it(
    `${KILLS} times: its tables are what its journal says, at every moment`,
    { timeout: TORTURE ? 3_600_000 : 120_000 },
    async () => {
      let kills = 0;
      let runs = 0;
      const isEnough = (): boolean => kills >= KILLS;
      const lane = async (): Promise<void> => {
        while (!isEnough()) await torture((runs += 1), isEnough, () => (kills += 1));
      };
      await Promise.all([lane(), lane()]);
      console.info(`${kills} kills of programs whose run was under way, over ${runs} runs`);
    },
  );
});
