/** What those outside know of a run's journal, read on from where they stopped: programs of thousands of questions are not read whole for each. */
import { isOutcome, type JournalEvent, type TaskScheduled } from '../../src/journal/event.ts';
import type { Seq } from '../../src/journal/ids.ts';
import type { JournalStore } from '../../src/ports/journal-store.ts';
import { eventsOf } from '../../src/run-events.ts';

type Offered = Extract<JournalEvent, { type: 'TaskOffered' }>;

export class Outlook {
  readonly #store: Pick<JournalStore, 'read'>;
  readonly #runId: string;
  #seq: Seq = 0;
  /** By key: the name of the message. */
  readonly #awaited = new Map<string, string>();
  readonly #tasks = new Map<string, TaskScheduled>();
  readonly #offers = new Map<string, Offered>();
  readonly #settled = new Set<string>();

  constructor(store: Pick<JournalStore, 'read'>, runId: string) {
    this.#store = store;
    this.#runId = runId;
  }

  awaits(name: string): boolean {
    this.#readOn();
    return [...this.#awaited.values()].includes(name);
  }

  /** Events by now. */
  get length(): number {
    this.#readOn();
    return this.#seq;
  }

  isSettled(key: string): boolean {
    this.#readOn();
    return this.#settled.has(key);
  }

  task(key: string): TaskScheduled | undefined {
    this.#readOn();
    return this.#tasks.get(key);
  }

  offer(key: string): Offered | undefined {
    this.#readOn();
    return this.#offers.get(key);
  }

  #readOn(): void {
    for (const { seq, event } of eventsOf(this.#store, this.#runId, this.#seq)) {
      this.#seq = seq;
      if (event.type === 'SignalAwaited') this.#awaited.set(event.key, event.name);
      else if (event.type === 'TaskScheduled') this.#tasks.set(event.key, event);
      else if (event.type === 'TaskOffered') this.#offers.set(event.key, event);
      else if (isOutcome(event) && 'key' in event) {
        this.#awaited.delete(event.key);
        this.#settled.add(event.key);
      }
    }
  }
}
