import { isCommand, isOutcome, isTerminal, type EventType, type Recorded } from '../src/journal/event.ts';
import type { JournalStore } from '../src/ports/journal-store.ts';

/** What is recorded of the process' own doing, and is no call. */
const ASKED_TOO: ReadonlySet<string> = new Set<EventType>(['StateSet', 'ValueRecorded', 'Folded']);

/** The call that unchanged code asks for at the head, from what it went on to record: undefined where it stands. */
export function goneOnWith(before: readonly Recorded[], after: readonly Recorded[]): string | undefined {
  const isClosed = before.some(({ event }) => event.type === 'ScopeClosed' && event.key === '');
  for (const { event } of after) {
    if (isTerminal(event)) return '';
    if (isCommand(event) || ASKED_TOO.has(event.type)) return 'key' in event ? event.key : '';
    // Losers are owed that: it waits for nothing.
    if (event.type === 'TaskCancelled' && !isClosed) continue;
    if (isOutcome(event)) return undefined;
  }
  return undefined;
}

const WRITES: ReadonlySet<string> = new Set<keyof JournalStore>([
  'append',
  'compact',
  'acquireLease',
  'renewLease',
  'releaseLease',
  'post',
  'keepKey',
  'claimTrial',
  'changePools',
  'close',
]);

/** The store, with nothing in it that could change it: whoever tries finds no such method. */
export function readOnly(store: JournalStore): JournalStore {
  return new Proxy(store, {
    get: (target, name) => {
      if (WRITES.has(String(name))) return undefined;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
