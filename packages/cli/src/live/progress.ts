import type { CallKey, Recorded, RunId, RunTree } from '@pawl/runtime';

import { clean } from '../render/clean.ts';
import { renderProgress } from '../render/progress.ts';
import { progressLine } from '../render/progress-line.ts';
import type { Io, Screen } from '../terminal.ts';
import { LiveRegion } from './live-region.ts';

/** A run that is followed. */
export interface Followed {
  readonly runId: RunId;
  readonly name: string;
  readonly tree: RunTree;
  /** What each task that runs told last of how far it is. */
  readonly told: ReadonlyMap<CallKey, string>;
  /** Events up to this one were recorded before. */
  readonly historySeq: number;
}

/** How a run under way is shown; every way takes the same calls. */
export interface Progress {
  follow(run: Followed): void;
  /** The tree of the run has the event already. */
  event(run: Followed, recorded: Recorded): void;
  /** Lines that stay. */
  say(lines: readonly string[]): void;
  stopping(): void;
  /** Nothing of it is left on the screen. */
  end(): void;
}

const DRAW_EVERY_MS = 120;

export function createProgress(io: Io, kind: 'live' | 'lines' | 'none'): Progress {
  switch (kind) {
    case 'live':
      return new LiveProgress(io);
    case 'lines':
      return new LineProgress(io.err);
    case 'none':
      return new LineProgress(undefined);
    default:
      return kind satisfies never;
  }
}

/** Drawn in place, a few times a second. */
class LiveProgress implements Progress {
  readonly #io: Io;
  readonly #region: LiveRegion;
  readonly #startedAt: number;
  readonly #runs: Followed[] = [];
  readonly #timer: NodeJS.Timeout;
  #frame = 0;
  #isStopping = false;
  readonly #onExit = (): void => this.end();

  constructor(io: Io) {
    this.#io = io;
    this.#startedAt = io.now();
    const others = io.out.isTerminal ? [io.out.stream] : [];
    this.#region = new LiveRegion(io.err.stream, others);
    this.#timer = setInterval(() => this.#draw(), DRAW_EVERY_MS).unref();
    // A crash leaves no lines that look alive.
    process.on('exit', this.#onExit);
  }

  follow(run: Followed): void {
    this.#runs.push(run);
  }

  event(): void {
    // The timer draws what there is then.
  }

  say(lines: readonly string[]): void {
    this.#io.err.lines(lines);
  }

  stopping(): void {
    this.#isStopping = true;
    this.#draw();
  }

  end(): void {
    clearInterval(this.#timer);
    process.off('exit', this.#onExit);
    this.#region.end();
  }

  #draw(): void {
    const { err, now } = this.#io;
    this.#frame += 1;
    const open = this.#runs.filter((run) => run.tree.endedAt === null);
    const at = now();
    const shown = open.slice(0, Math.max(1, Math.floor(err.rows / 4)));
    const rows = Math.floor(err.rows / Math.max(1, shown.length));
    const lines = shown.flatMap(({ runId, name, tree, told }) =>
      renderProgress({
        tree,
        told,
        runId,
        name,
        elapsedMs: at - this.#startedAt,
        now: at,
        frame: this.#frame,
        isStopping: this.#isStopping,
        width: err.width,
        rows,
        theme: err.theme,
      }),
    );
    const left = open.length - shown.length;
    this.#region.draw(left > 0 ? [...lines, err.theme.dim(`… and ${left} more runs`)] : lines);
  }
}

/** A line for each thing that ends, or none at all. */
class LineProgress implements Progress {
  readonly #screen: Screen | undefined;

  constructor(screen: Screen | undefined) {
    this.#screen = screen;
  }

  /** With the id, so that a log of a program that was killed says how to go on. */
  follow({ runId, name, historySeq }: Followed): void {
    if (this.#screen === undefined) return;
    const { theme } = this.#screen;
    const how = historySeq === 0 ? '' : theme.dim(', goes on');
    this.#screen.line(`${theme.busy('●')} ${clean(name)}  ${theme.dim(clean(runId))}${how}`);
  }

  event({ tree, historySeq }: Followed, recorded: Recorded): void {
    if (this.#screen === undefined || recorded.seq <= historySeq) return;
    const line = progressLine(tree, recorded, this.#screen.theme);
    if (line !== undefined) this.#screen.line(line);
  }

  say(lines: readonly string[]): void {
    this.#screen?.lines(lines);
  }

  stopping(): void {
    this.#screen?.line('stopping; once more to leave at once');
  }

  end(): void {
    // What was said stays.
  }
}
