import type { RunId } from '../journal/ids.ts';
import { unreachable } from '../journal/invariant.ts';
import type { Report } from '../kernel/input.ts';
import type { InboxMessage, JournalStore } from '../ports/journal-store.ts';
import { toldSchema } from '../process/told-schema.ts';
import type { AttemptWait } from './attempt-waits.ts';
import type { EngineOptions } from './engine.ts';
import { Mailbox, type Plain, type Refusal } from './mailbox.ts';
import type { RunDriver } from './run-driver.ts';
import type { RunJournal } from './run-journal.ts';
import { reportOf } from './run-plan.ts';
import { RunOffers } from './run-offers.ts';

/**
 * What others sent to one run.
 *
 * Owns which messages were seen, and those that nobody has taken. Talks to the run: what a message means is
 * decided when its turn comes.
 */
export class RunInbox {
  readonly #run: RunDriver;
  readonly #store: JournalStore;
  readonly #journal: RunJournal;
  readonly #mailbox: Mailbox;
  readonly offers: RunOffers;
  readonly #warn: (message: string) => void;
  readonly #seen = new Set<string>();

  constructor(
    run: RunDriver,
    journal: RunJournal,
    {
      store,
      limits,
      vault,
      entropy,
      sink,
    }: Pick<EngineOptions, 'store' | 'limits' | 'vault' | 'entropy' | 'sink'>,
  ) {
    this.#run = run;
    this.#journal = journal;
    this.#store = store;
    this.#warn = (message) => sink.warn(run.runId, message);
    const { payloadBytes } = limits;
    this.offers = new RunOffers(run, journal, { payloadBytes, random: () => entropy.random() });
    this.#mailbox = new Mailbox(run.state, run.host, limits.payloadBytes, vault);
  }

  /** Ids of all messages that it knows. */
  get seen(): ReadonlySet<string> {
    return this.#seen;
  }

  read(): void {
    for (const message of this.#store.takeInbox(this.#run.runId)) this.receive(message);
  }

  /** One that was posted here just now: what others posted before it comes before it. */
  arrived(message: InboxMessage): void {
    this.read();
    this.receive(message);
  }

  /** A message counts once, however often it is seen. */
  receive(message: InboxMessage): void {
    if (this.#seen.has(message.id)) return;
    this.#seen.add(message.id);
    if (message.kind === 'signal') {
      this.#mailbox.add(message);
      this.offer(message.name);
      return;
    }
    this.#run.ask(() => {
      this.#journal.consume(message.id);
      const stray = strayOf(message, this.#run.runId);
      if (stray !== undefined) {
        this.#warn(stray);
        return undefined;
      }
      return message.kind === 'taskAnswer' ? this.offers.taken(message) : reportOf(message);
    });
  }

  /** A wait for this name is open, or a message for it has come: they find each other in a turn of their own. */
  offer(name: string): void {
    this.#run.ask(() => this.#take(name));
  }

  /** A running attempt waits for a message; it is told whether one is there. */
  awaitMessage(wait: AttemptWait): void {
    const { attemptWaits } = this.#mailbox;
    attemptWaits.open(wait);
    this.#run.ask(() => {
      const report = this.#take(wait.name);
      if (!attemptWaits.isOpen(wait)) return report;
      wait.notThere();
      // Whoever waited before it has the message: that it waits itself is told next.
      if (report !== undefined) this.#run.report(missed(wait));
      return report ?? missed(wait);
    });
  }

  /** It waits no more. */
  forgoMessage(wait: AttemptWait, why: 'passed' | 'ended'): void {
    const { attemptWaits } = this.#mailbox;
    const { key, attempt, name } = wait;
    if (why === 'passed' && attemptWaits.isOpen(wait))
      this.#run.report({ type: 'TaskSignalPassed', key, attempt, name });
    attemptWaits.close(wait);
  }

  /** Attempts that wait for messages: they do nothing meanwhile. */
  get hearing(): number {
    return this.#mailbox.attemptWaits.size;
  }

  takesSecret(name: string): boolean | undefined {
    return this.#mailbox.takesSecret(name);
  }

  refusal(name: string, plain: Plain): Refusal | undefined {
    return this.#mailbox.refusal(name, plain);
  }

  #take(name: string): Report | undefined {
    const next = this.#mailbox.next(name);
    if (next === undefined) return undefined;
    const { message, superseded, report } = next;
    for (const id of [...superseded, message.id]) this.#journal.consume(id);
    if ('type' in report) return report;
    const issues = report.map((issue) => `${issue.path}: ${issue.message}`).join('; ');
    this.#warn(
      `message ${message.id} '${name}' was dropped, since it is not what the wait for it takes: ${issues}`,
    );
    return this.#take(name);
  }
}

/** Handed on from the run before this one, which had another call under that key: what is told of it. */
function strayOf(message: InboxMessage, runId: RunId): string | undefined {
  if (!('runId' in message) || message.runId === undefined || message.runId === runId) return undefined;
  switch (message.kind) {
    case 'answer':
      return `an answer of ${message.by} was dropped: it is to a question of run ${message.runId}`;
    case 'taskAnswer':
      return `an answer of ${message.worker} was dropped: it is to task ${message.key} of run ${message.runId}`;
    case 'resolve':
      return `what a person said was dropped: it is about call ${message.key} of run ${message.runId}`;
    default:
      return unreachable(message);
  }
}

function missed({ key, attempt, name, timeoutMs, schema }: AttemptWait): Report {
  const told = toldSchema(schema);
  return {
    type: 'TaskSignalMissed',
    key,
    attempt,
    name,
    timeoutMs,
    ...(told === null ? {} : { schema: told }),
  };
}
