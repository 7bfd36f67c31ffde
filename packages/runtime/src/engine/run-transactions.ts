import { checkAgainst, InvalidArgumentError, type TransactionDb } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import { isThrown } from '../journal/builtin.ts';
import { decode } from '../journal/codec.ts';
import { toErrorRecord } from '../journal/error-record.ts';
import { isOutcome, type Encoded, type OutcomeEvent, type Recorded } from '../journal/event.ts';
import { broken } from '../journal/invariant.ts';
import type { Report } from '../kernel/input.ts';
import { isFenced } from '../kernel/state.ts';
import type { RunTransaction } from '../ports/journal-store.ts';
import { RuntimeError } from '../errors.ts';
import { encodePayload } from '../process/payload.ts';
import type { OpenTask } from '../process/open-call.ts';
import type { AttemptPlace } from './attempt-owner.ts';
import type { Engine } from './engine.ts';
import { isPromise } from './promise-answer.ts';
import { isRetryable } from './retryable.ts';
import type { RunDriver } from './run-driver.ts';
import type { Decided, RunJournal } from './run-journal.ts';

type Ended = Extract<Report, { type: 'TransactionEnded' }>['result'];

/**
 * The calls of one run whose work is a part of a commit.
 *
 * Owns which of them wait, and what came of the one that is being committed. Talks to the store by what it puts into
 * the run's appends. Invariants: one in each append, and as its end, since what follows from its outcome is decided
 * after that was delivered; nothing of it is applied to the run's state before the commit.
 */
export class RunTransactions {
  readonly #engine: Engine;
  readonly #run: RunDriver;
  readonly #journal: RunJournal;
  readonly #placeOf: (key: CallKey, attempt: number) => AttemptPlace;
  readonly #waiting = new Set<CallKey>();
  #ended: { readonly key: CallKey; readonly decided: Decided } | undefined;
  /** Recorded, and not delivered. */
  #outcome: Recorded<OutcomeEvent> | undefined;

  constructor(
    engine: Engine,
    run: RunDriver,
    journal: RunJournal,
    placeOf: (key: CallKey, attempt: number) => AttemptPlace,
  ) {
    this.#engine = engine;
    this.#run = run;
    this.#journal = journal;
    this.#placeOf = placeOf;
  }

  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** @throws RuntimeError REFUSED where the journal is of a kind that has no tables */
  enqueue(key: CallKey): void {
    if (!this.#engine.options.store.hasTables) {
      const name = this.#run.host.openCalls.get(key)?.task?.definition.name ?? '';
      throw new RuntimeError(
        'REFUSED',
        `Task '${name}' (${key}) works on tables in the journal's file, and the journal of run ${this.#run.runId} is in no file.`,
        { hint: "Open the runtime with one, or in a test with: openRuntime({ path: ':memory:' })" },
      );
    }
    this.#waiting.add(key);
    this.#engine.touch(this.#run);
    this.#engine.loop.wake(this.#run);
  }

  forget(key: CallKey): void {
    this.#waiting.delete(key);
  }

  forgetAll(): void {
    this.#waiting.clear();
  }

  /** For the next append; undefined where none waits. */
  next(): RunTransaction | undefined {
    this.#ended = undefined;
    if (this.#outcome !== undefined) return undefined;
    const { state, host } = this.#run;
    for (const key of this.#waiting) {
      const task = host.openCalls.get(key)?.task;
      if (task !== undefined && state.pending.has(key) && !isFenced(state, key)) return this.#of(key, task);
      this.#waiting.delete(key);
    }
    return undefined;
  }

  /** The append is committed, and what was done in it is recorded. */
  accept(): Decided | undefined {
    const ended = this.#ended;
    if (ended === undefined) return undefined;
    this.#ended = undefined;
    this.#waiting.delete(ended.key);
    this.#journal.accept(ended.decided);
    for (const { event, ...place } of ended.decided.recorded)
      if (isOutcome(event)) this.#outcome = { ...place, event };
    this.#engine.loop.wake(this.#run);
    return ended.decided;
  }

  get hasOutcome(): boolean {
    return this.#outcome !== undefined;
  }

  /** Begins a turn with the outcome that was recorded last, if that was not delivered. */
  deliver(): boolean {
    const outcome = this.#outcome;
    if (outcome === undefined) return false;
    this.#outcome = undefined;
    this.#run.host.beginTurn();
    this.#run.host.deliver(outcome);
    return true;
  }

  #of(key: CallKey, task: OpenTask): RunTransaction {
    const call = this.#run.state.calls.get(key);
    const attempt = call?.kind === 'task' ? call.attempts + 1 : 1;
    return (within) => {
      const result = this.#result(task, attempt, () =>
        within((db) => this.#output(db, task, this.#placeOf(key, attempt))),
      );
      const decided = this.#journal.foresee({ type: 'TransactionEnded', key, result });
      if (!(decided.recorded.length > 0)) broken('K2', `the transaction of call ${key} has an outcome`);
      this.#ended = { key, decided };
      return decided.recorded;
    };
  }

  #result(task: OpenTask, attempt: number, work: () => Encoded): Ended {
    try {
      return { status: 'done', output: work() };
    } catch (error) {
      const { entropy, sink } = this.#engine.options;
      const warn = (message: string): void => sink.warn(this.#run.runId, message);
      const isRefused = isThrown(error, RuntimeError) || isThrown(error, InvalidArgumentError);
      const retryable = !isRefused && isRetryable(error, task, attempt, warn);
      return { status: 'failed', error: toErrorRecord(error), retryable, draw: entropy.random() };
    }
  }

  #output(db: TransactionDb, { definition, args }: OpenTask, place: AttemptPlace): Encoded {
    const { name, input, output, transaction } = definition;
    const what = `task '${name}' (${place.key})`;
    const decoded = decode(args);
    const given =
      input === undefined ? decoded : atOnce(checkAgainst(input, decoded, `The input of ${what}`), what);
    const { runId, key, attempt, idempotencyKey } = place;
    // `transaction` takes what the definition's signature says.
    const value = atOnce(transaction?.(db, given as never, { runId, key, attempt, idempotencyKey }), what);
    const checked =
      output === undefined ? value : atOnce(checkAgainst(output, value, `The output of ${what}`), what);
    return encodePayload(`The output of ${what}`, checked, this.#engine.options.limits.payloadBytes);
  }
}

/** @throws InvalidArgumentError for what comes later: the transaction would be over by then */
function atOnce(value: unknown, what: string): unknown {
  if (!isPromise(value)) return value;
  throw new InvalidArgumentError(
    `The body and the schemas of ${what} must give their value at once, and one of them gave a promise: nothing of it was kept. Await in another task, and hand the result to this one.`,
  );
}
