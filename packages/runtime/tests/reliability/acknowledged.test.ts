import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRuntime } from '../../src/runtime.ts';
import { seededEntropy } from '../../src/testing.ts';
import { effectsOf, freshFolder, inspect, LONG_MS, Program, settledIn, TORTURE } from './program.fixture.ts';

const ROUNDS = TORTURE ? 200 : 12;
const STEPS = 60;

describe('what was acknowledged is durable', () => {
  it('synchronous is FULL at open, and stays so after the first commits', async () => {
    const path = join(freshFolder(), 'journal.db');
    await using runtime = await openRuntime({ path });
    expect(runtime.store.describe()).toMatchObject({
      durability: 'full',
      synchronous: '2',
      journalMode: 'wal',
    });
    await runtime.start(async (_, ctx) => ctx.now().getTime() > 0, null as never).result();
    expect(runtime.store.describe()).toMatchObject({ synchronous: '2' });
  });

  it(
    'a program that is killed right after it told of a commit never loses it',
    { timeout: LONG_MS },
    async () => {
      const { random } = seededEntropy(20);
      for (let round = 0; round < ROUNDS; round += 1) {
        const folder = freshFolder();
        const path = join(folder, 'journal.db');
        const program = new Program('runner-main.fixture.ts');
        program.send('open', { path }, join(folder, 'effects'));
        // It ends itself in the very statement after the telling: no moment between is shorter.
        program.send('killAfter', 1 + Math.floor(random() * 3 * STEPS));
        program.send('start', 'steps', { steps: STEPS }, 'r', true);
        expect((await program.ended).signal).toBe('SIGKILL');

        const { events, damage } = inspect(path);
        expect(damage).toEqual([]);
        const told = program.lines.filter(({ at }) => at === 'committed');
        expect(told.length).toBeGreaterThan(0);
        for (const { seq, type, key } of told) {
          const event = events[Number(seq) - 1]?.event;
          expect(event?.type, `seq ${String(seq)}`).toBe(type);
          expect(event !== undefined && 'key' in event ? event.key : undefined).toBe(key);
        }
        checkStarts(join(folder, 'effects'), events);
      }
    },
  );
});

/** Facts before effects: whoever runs was recorded as started, and what it needed as finished. */
function checkStarts(path: string, events: ReturnType<typeof inspect>['events']): void {
  const started = new Set(
    events.flatMap(({ event }) => (event.type === 'AttemptStarted' ? [`${event.key} ${event.attempt}`] : [])),
  );
  const settled = settledIn(events);
  for (const { key, attempt } of effectsOf(path)) {
    expect(started.has(`${key} ${attempt}`), `start of ${key}`).toBe(true);
    if (Number(key) > 0) expect(settled.has(String(Number(key) - 1)), `the call before ${key}`).toBe(true);
  }
}
