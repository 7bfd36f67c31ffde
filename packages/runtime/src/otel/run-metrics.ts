import type { Counter, Histogram, Meter, UpDownCounter } from '@opentelemetry/api';
import type { Millis } from '../journal/ids.ts';

/** In seconds. OpenTelemetry's own boundaries are made for milliseconds. */
const BOUNDARIES = [
  0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400,
];

export type RunStatus = 'succeeded' | 'failed' | 'cancelled' | 'continued';
export type AttemptOutcome =
  | 'succeeded'
  | 'failed'
  | 'timed_out'
  | 'cancelled'
  | 'interrupted'
  | 'unrecorded';

/** What is counted of runs. Owns the instruments; none of them has an id as an attribute. */
export class RunMetrics {
  readonly #started: Counter;
  readonly #ended: Counter;
  readonly #open: UpDownCounter;
  readonly #runDuration: Histogram;
  readonly #attempts: Counter;
  readonly #retries: Counter;
  readonly #attemptDuration: Histogram;
  readonly #wait: Histogram;
  readonly #commits: Counter;

  constructor(meter: Meter) {
    const duration = (name: string, description: string): Histogram =>
      meter.createHistogram(name, {
        description,
        unit: 's',
        advice: { explicitBucketBoundaries: BOUNDARIES },
      });
    const counter = (name: string, unit: string, description: string): Counter =>
      meter.createCounter(name, { description, unit });
    this.#started = counter('pawl.run.started', '{run}', 'Runs that began.');
    this.#ended = counter('pawl.run.ended', '{run}', 'Runs that came to an end, by how.');
    this.#open = meter.createUpDownCounter('pawl.run.open', {
      description: 'Runs that this program drives.',
      unit: '{run}',
    });
    this.#runDuration = duration(
      'pawl.run.duration',
      'From the start of a run to its end, over all programs.',
    );
    this.#attempts = counter('pawl.attempt.ended', '{attempt}', 'Attempts of tasks that ended, by how.');
    this.#retries = counter('pawl.attempt.retried', '{attempt}', 'Attempts that failed and are tried again.');
    this.#attemptDuration = duration(
      'pawl.attempt.duration',
      'From the recorded start of an attempt to its end.',
    );
    this.#wait = duration(
      'pawl.attempt.wait',
      'From when an attempt could have started to its start: what it waited for a slot of its pool.',
    );
    this.#commits = counter('pawl.commit.count', '{commit}', 'Transactions of the journal.');
  }

  runStarted(process: string): void {
    this.#started.add(1, { 'pawl.process.name': process });
  }

  opened(process: string): void {
    this.#open.add(1, { 'pawl.process.name': process });
  }

  closed(process: string): void {
    this.#open.add(-1, { 'pawl.process.name': process });
  }

  runEnded(process: string, status: RunStatus, lastedMs: Millis): void {
    const attributes = { 'pawl.process.name': process, 'pawl.run.status': status };
    this.#ended.add(1, attributes);
    this.#runDuration.record(seconds(lastedMs), attributes);
  }

  attemptStarted(pool: string, waitedMs: Millis): void {
    this.#wait.record(seconds(waitedMs), { 'pawl.pool.name': pool });
  }

  attemptEnded(task: string, outcome: AttemptOutcome, lastedMs: Millis, errorType: string | undefined): void {
    const attributes = {
      'pawl.task.name': task,
      'pawl.attempt.outcome': outcome,
      ...(errorType === undefined ? {} : { 'error.type': errorType }),
    };
    this.#attempts.add(1, attributes);
    this.#attemptDuration.record(seconds(lastedMs), attributes);
  }

  retried(task: string): void {
    this.#retries.add(1, { 'pawl.task.name': task });
  }

  wrote(): void {
    this.#commits.add(1);
  }
}

/** The clocks of two programs need not agree. */
function seconds(ms: Millis): number {
  return Math.max(0, ms) / 1000;
}
