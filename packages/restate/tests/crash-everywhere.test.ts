import { encodePayload, outputOf } from '@pawl/runtime/elsewhere';
import type { ProcessDefinition } from '@pawl/sdk';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ResolvedOptions } from '../src/options.ts';
import { RunSession } from '../src/run-session.ts';
import type { Entry } from '../src/step.ts';
import { CASES, INNER, processOf, type Case } from './conformance.fixture.ts';

const MOST_CHARS = 1_000_000;

/** What an invocation's journal would hold, with nobody who keeps it: each entry is there as soon as it is given. */
async function drive(
  definition: ProcessDefinition<never, unknown>,
  inputs: unknown,
  entries: Entry[],
  crashAt = Infinity,
): Promise<unknown> {
  const options: ResolvedOptions = {
    processes: [definition, ...INNER],
    restAfterMs: 50,
    suspendAfterMs: 60_000,
    attempts: new Set(),
    standIn: (task) => task,
    runtime: {},
  };
  const request = { inputs: encodePayload('The input', inputs, MOST_CHARS) };
  const session = new RunSession('run', request, definition, options);
  try {
    for (let i = 0; ; i += 1) {
      // As long as the SDK takes before it asks.
      await setImmediate();
      const entry = entries[i] ?? (await session.next());
      entries[i] = entry;
      if (i === crashAt) return undefined;
      const next = session.recorded(entry);
      if (next.type === 'ended') {
        if (next.result.status === 'ended') return outputOf('run', next.result.event, '');
        return next.result;
      }
      if (next.type === 'rest') await delay(Math.max(0, next.wakeAt - Date.now()));
    }
  } finally {
    await session.drop();
  }
}

/** Nobody outside takes part, and nothing takes long. */
const ALONE = CASES.filter(
  ({ outside, name }) => outside === undefined && name !== 'a message that does not come',
);

describe('an attempt of Restate that ends just after an entry was recorded', () => {
  it.for(ALONE)('$name', async (each: Case) => {
    const definition = processOf(each);
    const inputs = each.inputs ?? null;
    const whole: Entry[] = [];
    const judge = (result: Promise<unknown>): Promise<void> =>
      each.fails === undefined
        ? result.then((output) => expect(output).toEqual(each.gives))
        : expect(result).rejects.toThrow(each.fails);
    await judge(drive(definition, inputs, whole));
    for (let crashAt = 0; crashAt < whole.length; crashAt += 1) {
      const entries = whole.slice(0, crashAt);
      await drive(definition, inputs, entries, crashAt).catch(() => undefined);
      await judge(drive(definition, inputs, entries));
    }
  });
});
