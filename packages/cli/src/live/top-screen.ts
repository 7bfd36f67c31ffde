/**
 * The whole terminal, for `pawl top`.
 *
 * Owns the other screen, the cursor and the keys meanwhile, and gives all back whatever ends it. Talks to the journal
 * by its reader alone. No library of terminal pictures: Node parses keys, and the rest are five sequences.
 */
import { emitKeypressEvents } from 'node:readline';

import type { JournalReader, RunId } from '@pawl/runtime';

import type { JournalPlace } from '../journal-place.ts';
import { OWN_FOLDERS } from '../own-folders.ts';
import { readWhy } from '../read-why.ts';
import { fit } from '../render/columns.ts';
import { renderTop, topRoom } from '../render/top.ts';
import { renderWhy } from '../render/why.ts';
import { listenForStop } from '../stop-signals.ts';
import type { Io } from '../terminal.ts';
import { TopReader, type TopView } from '../top-reader.ts';
import { whyNext } from '../why-next.ts';

const REFRESH_MS = 1000;
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';

interface Key {
  readonly name?: string;
  readonly ctrl?: boolean;
  readonly sequence?: string;
}

/** Resolves to the exit code when somebody quits. */
export async function showTop(reader: JournalReader, place: JournalPlace, io: Io): Promise<number> {
  const stop = listenForStop();
  const screen = new TopScreen(reader, place, io);
  const leave = (): void => void io.out.stream.write(LEAVE);
  process.on('exit', leave);
  try {
    io.out.stream.write(ENTER);
    await screen.run(stop.aborted);
    return stop.exitCode();
  } finally {
    screen.close();
    leave();
    process.off('exit', leave);
    stop.release();
  }
}

class TopScreen {
  readonly #reader: JournalReader;
  readonly #top: TopReader;
  readonly #place: JournalPlace;
  readonly #io: Io;
  readonly #quit = Promise.withResolvers<void>();
  readonly #onKey = (_: unknown, key: Key): void => this.#press(key);
  readonly #draw = (): void => this.#show();
  #view: TopView | undefined;
  #selected = 0;
  #filter = '';
  #isTyping = false;
  /** The run that is told of instead of the list. */
  #told: RunId | undefined;

  constructor(reader: JournalReader, place: JournalPlace, io: Io) {
    this.#reader = reader;
    this.#top = new TopReader(reader);
    this.#place = place;
    this.#io = io;
  }

  async run(stopped: AbortSignal): Promise<void> {
    const { stdin } = process;
    emitKeypressEvents(stdin);
    stdin.setRawMode(true);
    stdin.on('keypress', this.#onKey).resume();
    this.#io.out.stream.on('resize', this.#draw);
    const timer = setInterval(this.#draw, REFRESH_MS);
    stopped.addEventListener('abort', () => this.#quit.resolve());
    this.#show();
    try {
      await this.#quit.promise;
    } finally {
      clearInterval(timer);
    }
  }

  close(): void {
    const { stdin } = process;
    stdin.off('keypress', this.#onKey).pause();
    if (stdin.isTTY) stdin.setRawMode(false);
    this.#io.out.stream.off('resize', this.#draw);
  }

  #press(key: Key): void {
    if (key.ctrl === true && key.name === 'c') this.#quit.resolve();
    else if (this.#isTyping) this.#type(key);
    else if (this.#told !== undefined) this.#told = undefined;
    else this.#move(key);
    this.#show();
  }

  #type({ name, sequence = '' }: Key): void {
    if (name === 'return' || name === 'escape') this.#isTyping = false;
    if (name === 'escape') this.#filter = '';
    if (name === 'backspace') this.#filter = this.#filter.slice(0, -1);
    else if (/^[\p{L}\p{N}._:@+-]$/u.test(sequence)) this.#filter += sequence;
  }

  #move({ name, sequence }: Key): void {
    const rows = this.#view?.rows ?? [];
    if (name === 'q') this.#quit.resolve();
    if (name === 'down' || name === 'j') this.#selected = Math.min(this.#selected + 1, rows.length - 1);
    if (name === 'up' || name === 'k') this.#selected = Math.max(this.#selected - 1, 0);
    if (name === 'return') this.#told = rows[this.#selected]?.run.runId;
    if (name === 'escape') this.#filter = '';
    if (sequence !== '/') return;
    this.#isTyping = true;
    this.#selected = 0;
  }

  #show(): void {
    const { out } = this.#io;
    if (out.isClosed) this.#quit.resolve();
    const lines = this.#told === undefined ? this.#list() : this.#why(this.#told);
    // One write, and no line break behind the last line: nothing scrolls or flickers.
    const body = lines.slice(0, out.rows).map((line) => `${line}\u001b[K`);
    out.stream.write(`\u001b[H${body.join('\r\n')}\u001b[J`);
  }

  #list(): string[] {
    const { out, now } = this.#io;
    const { width, rows, theme } = out;
    const limit = topRoom(this.#view ?? { pools: [] }, rows);
    const view = this.#top.read({ now: now(), limit, filter: this.#filter });
    this.#view = view;
    this.#selected = Math.max(0, Math.min(this.#selected, view.rows.length - 1));
    const [selected, filter, isTyping] = [this.#selected, this.#filter, this.#isTyping];
    return renderTop({ view, selected, filter, isTyping, width, rows, theme });
  }

  #why(runId: RunId): string[] {
    const { out, now, cwd } = this.#io;
    const { width, theme } = out;
    const view = readWhy(this.#reader, runId, now());
    const look = { places: { cwd, ownFolders: OWN_FOLDERS }, width, theme };
    const lines = renderWhy(view, whyNext(view, this.#place.flags), look);
    return [...lines, '', theme.dim(fit('any key: back', width))];
  }
}
