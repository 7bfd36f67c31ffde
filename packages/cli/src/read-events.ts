/** Reading runs from end to end: what that takes is told where somebody looks. */
import { isTerminal, type JournalReader, type Recorded, type RunId, type RunRecord } from '@pawl/runtime';

import { LiveRegion } from './live/live-region.ts';
import type { Io } from './terminal.ts';

/** Who waits no longer than this is told nothing. */
const QUIET_MS = 300;
const DRAW_EVERY_MS = 120;
/** Between two looks at the clock. */
const LOOK_EVERY = 256;

/** Tells on a terminal how far it is with so many events. */
export class Reading {
  readonly #io: Io;
  readonly #total: number;
  readonly #startedAt: number;
  #drawnAt: number;
  #count = 0;
  #region: LiveRegion | undefined;

  constructor(io: Io, runs: readonly RunRecord[]) {
    this.#io = io;
    this.#total = runs.reduce((sum, run) => sum + run.lastSeq, 0);
    this.#startedAt = io.now();
    this.#drawnAt = this.#startedAt;
  }

  *events(reader: JournalReader, runId: RunId): Generator<Recorded, void, void> {
    for (const recorded of reader.events(runId)) {
      this.#count += 1;
      if (this.#count % LOOK_EVERY === 0) this.#look();
      yield recorded;
    }
  }

  #look(): void {
    const { err, out, now } = this.#io;
    const at = now();
    if (!err.isTerminal || at - this.#startedAt < QUIET_MS || at - this.#drawnAt < DRAW_EVERY_MS) return;
    this.#drawnAt = at;
    this.#region ??= new LiveRegion(err.stream, out.isTerminal ? [out.stream] : []);
    const numbers = `${this.#count.toLocaleString('en')} of ${this.#total.toLocaleString('en')} events`;
    this.#region.draw([err.theme.dim(`reads ${numbers}`)]);
  }

  /** Nothing of it is left on the screen. */
  end(): void {
    this.#region?.end();
    this.#region = undefined;
  }
}

/** Rows that are read first from the end: late results may follow the one that ended the run. */
const TAIL = 16;

/** What ended the run; undefined where nothing did. */
export function endOfRun(
  reader: JournalReader,
  { runId, lastSeq, status }: Pick<RunRecord, 'runId' | 'lastSeq' | 'status'>,
): Recorded | undefined {
  if (status === 'running') return undefined;
  for (let rows = TAIL; ; rows *= 8) {
    for (const recorded of reader.events(runId, Math.max(0, lastSeq - rows)))
      if (isTerminal(recorded.event)) return recorded;
    if (rows >= lastSeq) return undefined;
  }
}
