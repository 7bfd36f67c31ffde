import type { Report } from '../kernel/input.ts';
import type { ProcessHost } from '../process/host.ts';
import { Fifo } from './fifo.ts';

/**
 * What one run was told and has not decided yet.
 *
 * Owns their order. Invariant: cancellations of fenced calls go before everything else.
 */
export class RunReports {
  readonly #host: ProcessHost;
  /** Each says what it is when its turn comes; nothing where it has passed by then. */
  readonly #reports = new Fifo<Report | (() => Report | undefined)>();
  readonly #cancels = new Fifo<Report>();

  constructor(host: ProcessHost) {
    this.#host = host;
  }

  get length(): number {
    return this.#cancels.length + this.#reports.length;
  }

  push(report: Report | (() => Report | undefined)): void {
    this.#reports.push(report);
  }

  cancel(report: Report): void {
    this.#cancels.push(report);
  }

  /** The next one that is still about something. */
  next(): Report | undefined {
    for (;;) {
      const next = this.#cancels.shift() ?? this.#reports.shift();
      if (next === undefined) return undefined;
      const report = typeof next === 'function' ? next() : next;
      if (report !== undefined && !this.#host.isOutdated(report)) return report;
    }
  }
}
