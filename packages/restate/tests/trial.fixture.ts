import type { Recorded } from '@pawl/runtime';
import { RuntimeError } from '@pawl/runtime/errors';
import { follow } from '../../runtime/tests/simulation/follow.ts';
import { describeError } from '../../runtime/tests/simulation/interpret.ts';
import { brokenRule } from '../../runtime/tests/simulation/journal-rules.ts';
import type { Program } from '../../runtime/tests/simulation/program.ts';
import { text } from '../../runtime/tests/simulation/text.ts';
import { AS_WRITTEN, type Seen } from './random-process.fixture.ts';

/** The rules are of virtual time; in real time, on a machine that is busy, each timeout can pass. */
const LATE = 'nothing of it can time out';

/** What is wrong with a random program's run, by the independent model and by what its tasks saw; undefined: nothing. */
export async function wrongIn(
  program: Program,
  journal: readonly Recorded[],
  result: Promise<unknown>,
  seen: readonly Seen[],
): Promise<string | undefined> {
  const ended = await result.then(
    (value) => `value ${text(value)}`,
    (error: unknown) => `error ${describeError(error instanceof RuntimeError ? error.cause : error, true)}`,
  );
  const rule = brokenRule(journal);
  const broken = (rule?.endsWith(LATE) === true ? undefined : rule) ?? unrecorded(journal, seen);
  if (broken !== undefined || program.kind === 'wild' || program.kind === 'raw') return broken;
  const followed = await follow(program, AS_WRITTEN, journal);
  if (followed.problem !== undefined) return followed.problem;
  const { ended: model } = followed;
  const should =
    model === undefined
      ? 'nothing'
      : model.ok
        ? `value ${text(model.value)}`
        : `error ${describeError(model.error, true)}`;
  return ended === should ? undefined : `it ended with ${ended}, and the model with ${should}`;
}

/** E1: each attempt was invoked once at most, after its start was recorded, and none after the call was settled. */
export function unrecorded(journal: readonly Recorded[], seen: readonly Seen[]): string | undefined {
  const started = new Set(
    journal.flatMap(({ event }) =>
      event.type === 'AttemptStarted' ? [`${event.key} ${event.attempt}`] : [],
    ),
  );
  const invoked = new Set<string>();
  for (const { what, key, attempt } of seen) {
    if (what !== 'run') continue;
    const place = `${key} ${attempt}`;
    if (invoked.has(place)) return `attempt ${attempt} of ${key} was invoked twice`;
    if (!started.has(place))
      return `attempt ${attempt} of ${key} was invoked, and no start of it is recorded`;
    invoked.add(place);
  }
  return undefined;
}
