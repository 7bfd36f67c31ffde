import type { BreakpointQuestion, BreakpointResult, Context } from '@pawl/sdk';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { JournalEvent } from '../../src/journal/event.ts';
import type { Runtime } from '../../src/runtime.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, transcript } from '../lab.fixture.ts';
import { replays, Stage, t, watchForLeaks, type Program } from './stage.fixture.ts';

/*
 * Random programs that wait for people, whom random people answer: early, twice, late, while the program dies. What each
 * wait comes to is worked out anew from the rows alone, by rules that are written down here a second time.
 */

watchForLeaks();

const PEOPLE = ['ada', 'grace', 'lin'] as const;

type Question = Pick<BreakpointQuestion, 'strategy' | 'quorum' | 'experts'>;
type Step =
  | {
      readonly do: 'ask';
      readonly question: Question;
      readonly timeout: number | null;
      readonly late: 'reject' | 'approve';
    }
  | {
      readonly do: 'receive';
      readonly name: string;
      readonly latest: boolean;
      readonly timeout: number | null;
    }
  | { readonly do: 'work'; readonly ms: number };
type Deed =
  | { readonly do: 'send'; readonly name: string; readonly id: number }
  | { readonly do: 'answer'; readonly key: string; readonly by: string; readonly approved: boolean }
  | { readonly do: 'kill' };
interface Case {
  readonly strands: readonly (readonly Step[])[];
  readonly deeds: readonly { readonly at: number; readonly deed: Deed }[];
}

const anyQuestion: fc.Arbitrary<Question> = fc.oneof(
  fc.constant<Question>({ strategy: 'single' }),
  fc.constant<Question>({ strategy: 'first', experts: [...PEOPLE] }),
  fc.constant<Question>({ strategy: 'all', experts: ['ada', 'lin'] }),
  fc.constant<Question>({ strategy: 'quorum', quorum: 2 }),
  fc.constant<Question>({ strategy: 'quorum', quorum: 2, experts: [...PEOPLE] }),
);
const anyTimeout = fc.constantFrom(null, 10, 40, 120);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('ask' as const),
    question: anyQuestion,
    timeout: anyTimeout,
    late: fc.constantFrom('reject' as const, 'approve' as const),
  }),
  fc.record({
    do: fc.constant('receive' as const),
    name: fc.constantFrom('a', 'b'),
    latest: fc.boolean(),
    timeout: anyTimeout,
  }),
  fc.record({ do: fc.constant('work' as const), ms: fc.integer({ min: 0, max: 20 }) }),
);
const anyCase: fc.Arbitrary<Case> = fc.record({
  strands: fc.array(fc.array(anyStep, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
  deeds: fc.array(
    fc.record({
      at: fc.integer({ min: 0, max: 100 }),
      deed: fc.oneof(
        fc.record({
          do: fc.constant('send' as const),
          name: fc.constantFrom('a', 'b'),
          // Few ids: some are sent twice.
          id: fc.integer({ min: 0, max: 6 }),
        }),
        fc.record({
          do: fc.constant('answer' as const),
          key: fc
            .tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 }))
            .map(([strand, step]) => `0/${strand}/${step}`),
          by: fc.constantFrom(...PEOPLE),
          approved: fc.boolean(),
        }),
        fc.constant({ do: 'kill' as const }),
      ),
    }),
    { maxLength: 14 },
  ),
});

/** What nobody answers in this time ends by itself, so that each case ends. */
const LONGEST = 500;

const programOf =
  ({ strands }: Case): Program =>
  (stage) =>
  (_, ctx: Context) =>
    ctx.parallel.map(strands, async (steps) => {
      const got: unknown[] = [];
      for (const step of steps) got.push(await take(step, ctx, stage));
      return got;
    });

async function take(step: Step, ctx: Context, stage: Stage): Promise<unknown> {
  switch (step.do) {
    case 'ask': {
      const { question, timeout, late } = step;
      const options = { timeout: timeout ?? LONGEST, onTimeout: late };
      return ctx.breakpoint({ question: 'q', ...question }, options);
    }
    case 'receive':
      return ctx.waitFor(step.name, { latest: step.latest, timeout: step.timeout ?? LONGEST });
    case 'work':
      return ctx.task(stage.step, t(step.ms));
  }
}

type Acks = Map<string, 'accepted'>;

async function act(runtime: Runtime, deed: Exclude<Deed, { do: 'kill' }>, acks: Acks): Promise<void> {
  if (deed.do === 'answer') {
    await runtime.respond('r', deed.key, { by: deed.by, approved: deed.approved });
    return;
  }
  const id = `${deed.name}${deed.id}`;
  const { status } = await runtime.send('r', deed.name, id, { id });
  if (status === 'accepted') {
    // Once: each later one is a duplicate, whatever was done with the first.
    expect(acks.has(id)).toBe(false);
    acks.set(id, 'accepted');
  }
}

interface Lived {
  readonly value: readonly (readonly unknown[])[];
  readonly store: MemoryStore;
  readonly acks: Acks;
}

/** Lives until each kill, which leaves the store as it is just then, and to the end. */
async function live(tried: Case): Promise<Lived> {
  const deeds = tried.deeds.toSorted((a, b) => a.at - b.at);
  const acks: Acks = new Map();
  let store = new MemoryStore();
  let stage = new Stage();
  for (let next = 0; ;) {
    const from = stage.clock.now();
    let left: ReturnType<MemoryStore['snapshot']> | undefined;
    const value = await stage.use(store, {}, async (runtime) => {
      const process = programOf(tried)(stage);
      Object.defineProperty(process, 'name', { value: 'program' });
      const known = runtime.get('r') !== undefined;
      const handle = known
        ? runtime.resume('r', process)
        : runtime.start(process, null as never, { id: 'r' });
      const ended = handle.result();
      ended.catch(() => undefined);
      for (; next < deeds.length; next += 1) {
        const { at, deed } = deeds[next] ?? { at: 0, deed: { do: 'kill' as const } };
        await new Promise<void>((resolve) =>
          stage.later(Math.max(0, at - (stage.clock.now() - from)), resolve),
        );
        if (deed.do === 'kill') {
          next += 1;
          left = store.snapshot();
          return undefined;
        }
        await act(runtime, deed, acks);
      }
      return ended;
    });
    if (left === undefined) return { value: value as Lived['value'], store, acks };
    store = MemoryStore.from(left);
    for (let epoch = 1; epoch <= deeds.length; epoch += 1) store.releaseLease('r', epoch);
    stage = Stage.at(stage.clock.now() + 7);
  }
}

/** The rules once more: what the answers in the rows come to. */
function expectDecided(
  store: MemoryStore,
  tried: Case,
  value: readonly (readonly unknown[])[],
  where: string,
): void {
  const events = journal(store).map(({ event }) => event);
  for (const opened of events) {
    if (opened.type !== 'BreakpointOpened') continue;
    const { key } = opened;
    const about = events.filter((event) => 'key' in event && event.key === key);
    const closed = about.filter((event) => event.type === 'BreakpointClosed');
    expect(closed, where).toHaveLength(1);
    const answers = about.filter((event) => event.type === 'BreakpointAnswered');
    expect(about.indexOf(closed[0] as JournalEvent), where).toBe(
      about.findLastIndex((event) => event.type !== 'WaitNotified'),
    );
    expect(new Set(answers.map(({ by }) => by)).size, where).toBe(answers.length);
    const [, strand, step] = key.split('/').map(Number);
    const asked = tried.strands[strand ?? 0]?.[step ?? 0];
    const result = value[strand ?? 0]?.[step ?? 0] as BreakpointResult;
    expect(
      result.allResponses.map(({ respondedBy }) => respondedBy),
      where,
    ).toEqual(answers.map(({ by }) => by));
    const firstDecisive = answers.findIndex(
      (_, i) => outcome(opened.strategy, answers.slice(0, i + 1), opened) !== undefined,
    );
    if (closed[0]?.by === 'answer') {
      expect(firstDecisive, where).toBe(answers.length - 1);
      expect(closed[0].outcome, where).toBe(outcome(opened.strategy, answers, opened));
      expect(result, where).toMatchObject({
        approved: closed[0].outcome === 'approved',
        respondedBy: answers.at(-1)?.by,
      });
    } else {
      expect(firstDecisive, where).toBe(-1);
      expect(result, where).toMatchObject({
        approved: asked?.do === 'ask' && asked.late === 'approve',
        respondedBy: null,
      });
    }
  }
}

function outcome(
  strategy: string,
  answers: readonly { readonly approved: boolean }[],
  { quorum, experts }: { readonly quorum: number | null; readonly experts: readonly string[] | null },
): string | undefined {
  const yes = answers.filter(({ approved }) => approved).length;
  const no = answers.length - yes;
  if (strategy === 'single' || strategy === 'first')
    return yes > 0 ? 'approved' : no > 0 ? 'rejected' : undefined;
  if (strategy === 'all') return no > 0 ? 'rejected' : yes === experts?.length ? 'approved' : undefined;
  if (yes >= (quorum ?? 0)) return 'approved';
  const left = experts === null ? Infinity : experts.length - answers.length;
  const isHopeless = experts === null ? no >= (quorum ?? 0) : yes + left < (quorum ?? 0);
  return isHopeless ? 'rejected' : undefined;
}

/** Each message that was accepted is received once, superseded once, or still there. */
function expectConsumed(store: MemoryStore, acks: Acks, where: string): void {
  const received = journal(store).flatMap(({ event }) => {
    if (event.type === 'SignalReceived') return [event.messageId];
    return event.type === 'SignalsSuperseded' ? event.messageIds : [];
  });
  const left = store.takeInbox('r').flatMap(({ kind, id }) => (kind === 'signal' ? [id] : []));
  expect([...received, ...left].toSorted(), where).toEqual([...acks.keys()].toSorted());
}

it('no message is lost or taken twice, and the journal decides, whoever says what and whenever it dies', async () => {
  await fc.assert(
    fc.asyncProperty(anyCase, async (tried) => {
      const { value, store, acks } = await live(tried);
      const where = `${JSON.stringify(tried)}\n${transcript(store).join('\n')}`;
      expectDecided(store, tried, value, where);
      expectConsumed(store, acks, where);
      await replays(store, programOf(tried), where);
    }),
    { numRuns: 1000, seed: 5, endOnFailure: false },
  );
}, 120_000);
