/** A run on the screen until it ends, whoever drives it: drawn in place on a terminal, else line by line. */
import {
  addEvent,
  createRunTree,
  displayStatus,
  type DisplayStatus,
  type JournalReader,
  type ReadRun,
  type Recorded,
  type RunId,
  type RunTree,
} from '@pawl/runtime';

import { followRun } from '../follow-run.ts';
import { beginCommand, type JournalPlace } from '../journal-place.ts';
import { OWN_FOLDERS } from '../own-folders.ts';
import { progressLine } from '../render/progress-line.ts';
import { renderRun, renderRunLive, renderRunStatus, type RunView } from '../render/run.ts';
import { renderStart } from '../render/start.ts';
import { keepText } from '../render/value.ts';
import { listenForStop } from '../stop-signals.ts';
import type { Io } from '../terminal.ts';
import { LiveRegion } from './live-region.ts';

const DRAW_EVERY_MS = 150;

export interface Watch {
  readonly io: Io;
  readonly reader: JournalReader;
  readonly place: JournalPlace;
  readonly limit: number;
}

/** Resolves to the exit code: 0, or that of the signal that ended it. */
export async function watchRun(watch: Watch, first: RunId): Promise<number> {
  const { io, reader } = watch;
  const stop = listenForStop();
  const screen = io.out.isTerminal ? new Picture(watch) : new Log(watch);
  let shown = new Watched(watch, first);
  try {
    for await (const { runId, recorded } of followRun(reader, first, { after: 0, signal: stop.aborted })) {
      if (io.out.isClosed) break;
      if (runId !== shown.runId) {
        screen.ended(shown);
        shown = new Watched(watch, runId);
      }
      if (recorded === undefined) screen.look(shown);
      else {
        addEvent(shown.tree, recorded);
        screen.event(shown, recorded);
      }
      await io.out.ready();
    }
    if (shown.tree.endedAt === null) screen.left(shown);
    else screen.ended(shown);
    return stop.exitCode();
  } finally {
    screen.close();
    stop.release();
  }
}

class Watched {
  readonly runId: RunId;
  readonly tree: RunTree;
  readonly #watch: Watch;

  constructor(watch: Watch, runId: RunId) {
    this.#watch = watch;
    this.runId = runId;
    this.tree = createRunTree(keepText, watch.limit);
  }

  get run(): ReadRun {
    return this.#watch.reader.get(this.runId);
  }

  /** As `pawl show` would show it now. */
  view(): RunView {
    const { io, reader, place, limit } = this.#watch;
    const { run } = this;
    return {
      run,
      tree: this.tree,
      state: reader.state(this.runId),
      forks: reader.forksOf(this.runId),
      waits: run.asked.length === 0 ? [] : reader.waits(this.runId),
      now: io.now(),
      limit,
      flags: place.flags,
      places: { cwd: io.cwd, ownFolders: OWN_FOLDERS },
      width: io.out.width,
      theme: io.out.theme,
    };
  }
}

/** How what is watched is shown. */
interface Shown {
  event(watched: Watched, recorded: Recorded): void;
  /** All that is recorded so far is in the tree. */
  look(watched: Watched): void;
  ended(watched: Watched): void;
  /** Who watched goes away before it ended. */
  left(watched: Watched): void;
  close(): void;
}

class Picture implements Shown {
  readonly #watch: Watch;
  readonly #region: LiveRegion;
  #drawnAt = 0;

  constructor(watch: Watch) {
    this.#watch = watch;
    const { out, err } = watch.io;
    this.#region = new LiveRegion(out.stream, err.isTerminal ? [err.stream] : []);
  }

  event(): void {
    // Drawn at the next look: a hundred thousand that stand there already are no film.
  }

  look(watched: Watched): void {
    const { io } = this.#watch;
    if (io.now() - this.#drawnAt < DRAW_EVERY_MS) return;
    this.#drawnAt = io.now();
    this.#region.draw(this.#lines(watched));
  }

  #lines(watched: Watched): string[] {
    const { io, reader, place } = this.#watch;
    const { width, theme, rows } = io.out;
    const start = watched.tree.lastSeq === 0 ? reader.start(watched.runId) : undefined;
    // A line is left for the cursor.
    if (start === undefined) return renderRunLive(watched.view(), rows - 1);
    return renderStart(start, { now: io.now(), width, theme, begin: beginCommand(place) }).slice(0, rows - 1);
  }

  ended(watched: Watched): void {
    this.#region.draw([]);
    this.#watch.io.out.lines(renderRun(watched.view()));
  }

  /** The last picture stays. */
  left(watched: Watched): void {
    const lines = this.#lines(watched);
    this.#region.draw([]);
    this.#watch.io.out.lines(lines);
  }

  close(): void {
    this.#region.end();
  }
}

/** Where it stands, and then a line for each change. */
class Log implements Shown {
  readonly #watch: Watch;
  #runId: RunId | undefined;
  #status: DisplayStatus | undefined;
  #isQueued = false;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  event(watched: Watched, recorded: Recorded): void {
    // What was there before is told by where it stands.
    if (watched.runId !== this.#runId) return;
    const { out } = this.#watch.io;
    const line = progressLine(watched.tree, recorded, out.theme);
    if (line !== undefined) out.line(line);
  }

  look(watched: Watched): void {
    const { io, reader, place } = this.#watch;
    const { width, theme } = io.out;
    const start = watched.tree.lastSeq === 0 ? reader.start(watched.runId) : undefined;
    if (start !== undefined) {
      if (!this.#isQueued)
        io.out.lines(renderStart(start, { now: io.now(), width, theme, begin: beginCommand(place) }));
      this.#isQueued = true;
      return;
    }
    const { run } = watched;
    const status = displayStatus(run);
    // What was recorded in between comes first; the end is told by `ended`.
    if (watched.tree.endedAt !== null || watched.tree.lastSeq < run.lastSeq) return;
    if (watched.runId === this.#runId && status === this.#status) return;
    this.#runId = watched.runId;
    this.#status = status;
    io.out.line(renderRunStatus(watched.view()));
  }

  ended(watched: Watched): void {
    const { out } = this.#watch.io;
    if (this.#runId === watched.runId) out.line(renderRunStatus(watched.view()));
    else out.lines(renderRun(watched.view()));
  }

  left(): void {
    // What was said stays.
  }

  close(): void {
    // Nothing is owned.
  }
}
