import { isOutcome, type JournalEvent, type Recorded } from '../../src/journal/event.ts';
import type { Invocation } from './lab.ts';

/**
 * Sees each commit and each invocation while they happen.
 *
 * Owns what it has seen. Keeps the first thing that must not be: a write of an owner that has lost the
 * run (J2), an invocation before its start was committed (E1), twice, or of what has settled, and an
 * idempotency key that is not its call's alone.
 */
export class Witness {
  problem: string | undefined;
  readonly invocations: Invocation[] = [];
  /** By owner, `key attempt` of each start that it committed. */
  readonly #started = new Map<string, Set<string>>();
  readonly #settled = new Set<string>();
  readonly #invoked = new Set<string>();
  readonly #keys = new Map<string, string>();
  readonly #owners = new Map<string, string>();

  constructor(stored: readonly Recorded[]) {
    for (const { event } of stored) this.#note(event);
  }

  report(problem: string): void {
    this.problem ??= problem;
  }

  committed(owner: string, holdsRun: boolean, events: readonly JournalEvent[]): void {
    if (!holdsRun) this.report(`${owner} wrote after another owner had taken the run (J2)`);
    for (const event of events) {
      this.#note(event);
      if (event.type !== 'AttemptStarted') continue;
      const started = this.#started.get(owner) ?? new Set();
      this.#started.set(owner, started.add(`${event.key} ${event.attempt}`));
    }
  }

  #note(event: JournalEvent): void {
    if (event.type === 'ItemRecorded') return;
    if (isOutcome(event) && 'key' in event) this.#settled.add(event.key);
  }

  invoked(owner: string, invocation: Invocation): void {
    const { what, key, attempt, idempotencyKey } = invocation;
    this.invocations.push(invocation);
    if (this.#settled.has(key)) this.report(`${key} was invoked again after it had settled`);
    if ((this.#keys.get(key) ?? idempotencyKey) !== idempotencyKey)
      this.report(`${key} got another idempotency key`);
    if ((this.#owners.get(idempotencyKey) ?? key) !== key)
      this.report(`${key} has the idempotency key of another call`);
    this.#keys.set(key, idempotencyKey);
    this.#owners.set(idempotencyKey, key);
    if (what === 'check') return;
    const place = `${key} ${attempt}`;
    if (this.#started.get(owner)?.has(place) !== true)
      this.report(`${place} was invoked before its start was committed (E1)`);
    if (this.#invoked.has(place)) this.report(`${place} was invoked twice`);
    this.#invoked.add(place);
  }
}
