import { expect, test } from 'vitest';

import type { JournalEvent, Recorded } from './journal/event.ts';
import { SAMPLE_EVENTS } from './journal/sample-events.fixture.ts';
import type { RunSummary } from './journal/run-summary.ts';
import { runWaits } from './run-waits.ts';
import { seededEntropy } from './testing/seeded-entropy.ts';
import { openWaits } from './views/open-waits.ts';
import { addToSummary, summarize } from './views/run-summary.ts';

const { random } = (() => {
  const entropy = seededEntropy(20);
  return { random: (below: number) => Math.floor(entropy.random() * below) };
})();

/** What opens a call, asks something of it, and settles it. */
const CALLS: readonly (readonly JournalEvent[])[] = [
  [
    SAMPLE_EVENTS.TaskScheduled,
    SAMPLE_EVENTS.AttemptStarted,
    SAMPLE_EVENTS.OutcomeAsked,
    SAMPLE_EVENTS.TaskFailed,
  ],
  [
    SAMPLE_EVENTS.TaskScheduled,
    SAMPLE_EVENTS.AttemptStarted,
    SAMPLE_EVENTS.TaskSignalAwaited,
    SAMPLE_EVENTS.TaskSucceeded,
  ],
  [
    SAMPLE_EVENTS.TaskScheduled,
    SAMPLE_EVENTS.TaskSignalAwaited,
    SAMPLE_EVENTS.AttemptInterrupted,
    SAMPLE_EVENTS.TaskCancelled,
  ],
  [SAMPLE_EVENTS.TaskOffered, SAMPLE_EVENTS.TaskSucceeded],
  [SAMPLE_EVENTS.SignalAwaited, SAMPLE_EVENTS.SignalReceived],
  [SAMPLE_EVENTS.SignalAwaited, SAMPLE_EVENTS.SignalTimedOut],
  [SAMPLE_EVENTS.BreakpointOpened, SAMPLE_EVENTS.BreakpointAnswered, SAMPLE_EVENTS.BreakpointClosed],
];

/** Many calls that overlap by any distance, a fork now and then: some are open for a long time, and some for ever. */
function* anyEvents(count: number): Generator<JournalEvent, void, void> {
  const open: { key: string; left: JournalEvent[] }[] = [];
  for (let n = 0; n < count; n += 1) {
    const isNew = open.length === 0 || random(100) < (open.length < 6 ? 30 : 3);
    if (isNew) open.push({ key: String(n), left: [...(CALLS[random(CALLS.length)] ?? [])] });
    // The oldest are seldom gone on with.
    const call = open[random(20) === 0 ? 0 : open.length - 1];
    const event = random(400) === 0 ? SAMPLE_EVENTS.RunForked : call?.left.shift();
    if (event === undefined) throw new RangeError('a call without events');
    yield call === undefined || event.type === 'RunForked'
      ? event
      : ({ ...event, key: call.key } as JournalEvent);
    if (call?.left.length === 0) open.splice(open.indexOf(call), 1);
  }
}

interface Journal {
  readonly events: Recorded[];
  readonly summary: RunSummary;
  readonly store: Parameters<typeof runWaits>[0];
  read: number;
}

function journalOf(events: Iterable<JournalEvent>): Journal {
  const recorded: Recorded[] = [{ seq: 1, at: 1, event: SAMPLE_EVENTS.RunStarted }];
  for (const event of events) recorded.push({ seq: recorded.length + 1, at: recorded.length + 1, event });
  const [first] = recorded;
  if (first === undefined) throw new RangeError('no events');
  const summary = summarize('r', undefined, first);
  for (const each of recorded.slice(1)) addToSummary(summary, each);
  const journal: Journal = {
    events: recorded,
    summary,
    read: 0,
    store: {
      read: (_, after, limit) => {
        const page = recorded.slice(after, after + limit);
        journal.read += page.length;
        return page;
      },
      takeInbox: () => [],
    },
  };
  return journal;
}

test('what is read from the end of a run is what all of it says', () => {
  let waiting = 0;
  for (let n = 0; n < 300; n += 1) {
    const { events, summary, store } = journalOf(anyEvents(20 + random(1500)));
    const all = openWaits(events);
    const found = runWaits(store, summary);
    expect(found.map(({ key, since, kind, name }) => ({ key, since, kind, name }))).toEqual(
      all.map(({ key, since, kind, name }) => ({ key, since, kind, name })),
    );
    waiting += all.length;
  }
  expect(waiting).toBeGreaterThan(300);
});

test('a question at the end of 100,000 events is found in the last of them', () => {
  const journal = journalOf([
    ...Array.from({ length: 100_000 }, (): JournalEvent => SAMPLE_EVENTS.TimerFired),
    SAMPLE_EVENTS.BreakpointOpened,
    SAMPLE_EVENTS.TimerFired,
  ]);
  expect(runWaits(journal.store, journal.summary)).toMatchObject([{ kind: 'breakpoint', key: '7' }]);
  expect(journal.read).toBeLessThan(100);
});

test('a question at the beginning of 1,000 events is found, too, and where nothing is asked nothing is read', () => {
  const rest = Array.from({ length: 1000 }, (): JournalEvent => SAMPLE_EVENTS.TimerFired);
  const first = journalOf([SAMPLE_EVENTS.SignalAwaited, ...rest]);
  expect(runWaits(first.store, first.summary)).toMatchObject([{ kind: 'message', key: '4' }]);
  for (const events of [rest, [SAMPLE_EVENTS.SignalAwaited, ...rest, SAMPLE_EVENTS.RunFailed]]) {
    const none = journalOf(events);
    expect([runWaits(none.store, none.summary), none.read]).toEqual([[], 0]);
  }
});
