import type { CallKey } from '../journal/call-key.ts';
import type { Encoded } from '../journal/event.ts';
import { broken } from '../journal/invariant.ts';
import { messagesOf } from '../kernel/task-messages.ts';
import type { JournalStore } from '../ports/journal-store.ts';
import type { RunDriver } from './run-driver.ts';

/**
 * A message that a call took in an earlier attempt, as the journal has it: the state keeps no payloads.
 * Undefined where it took none of that name and number. What the store answers badly is the run's error.
 */
export function recordedMessage(
  store: JournalStore,
  run: RunDriver,
  key: CallKey,
  name: string,
  n: number,
): Encoded | undefined {
  const call = run.state.calls.get(key);
  const seq = call?.kind === 'task' ? messagesOf(call, name)[n] : undefined;
  if (seq === undefined) return undefined;
  try {
    const event = store.read(run.runId, seq - 1, 1)[0]?.event;
    if (!(event?.type === 'TaskSignalReceived' && event.key === key))
      broken('J7', `no message at seq ${seq}`);
    return event.payload;
  } catch (error) {
    run.fail(error);
    return undefined;
  }
}
