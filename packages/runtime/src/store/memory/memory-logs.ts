import type { RunId } from '../../journal/ids.ts';
import type { LoggedLine, LogLine } from '../../journal/log-line.ts';
import type { LogBatch } from '../../ports/log-store.ts';

/** What runs logged. Owns lists that are never changed once they are there, so that a snapshot shares them. */
export class MemoryLogs {
  readonly #runs: Map<RunId, readonly LogLine[]>;

  constructor(from?: ReadonlyMap<RunId, readonly LogLine[]>) {
    this.#runs = new Map(from);
  }

  snapshot(): ReadonlyMap<RunId, readonly LogLine[]> {
    return new Map(this.#runs);
  }

  keep(runId: RunId, { lines, mostOfRun, mostOfCall }: LogBatch): void {
    const known = this.#runs.get(runId) ?? [];
    let n = known.at(-1)?.n ?? 0;
    const added = lines.map((line: LoggedLine): LogLine => {
      n += line.leftOut + 1;
      return { ...line, n };
    });
    const ofCall = new Map<string, number>();
    const kept = [...known, ...added].toReversed().filter(({ key }) => {
      if (key === null) return true;
      const count = (ofCall.get(key) ?? 0) + 1;
      ofCall.set(key, count);
      return count <= mostOfCall;
    });
    this.#runs.set(runId, kept.slice(0, mostOfRun).toReversed());
  }

  page(runId: RunId, after: number, limit: number): readonly LogLine[] {
    let before = after;
    const page = (this.#runs.get(runId) ?? []).filter(({ n }) => n > after).slice(0, limit);
    return page.map((line) => {
      const { n } = line;
      const told = { ...line, leftOut: n - before - 1 };
      before = n;
      return told;
    });
  }
}
