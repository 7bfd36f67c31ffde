import { createTheme, type Theme } from './render/theme.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** NO_COLOR wins, then FORCE_COLOR, then whether somebody looks. */
export function wantsColours(env: Environment, isTerminal: boolean): boolean {
  if (isSet(env['NO_COLOR'])) return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  return isTerminal && env['TERM'] !== 'dumb';
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}

const NARROWEST = 32;
const WIDEST = 120;
/** Where nobody says how wide it is. */
const USUAL_WIDTH = 80;

/** Columns to write for: of the terminal, of COLUMNS, or the usual; lines that are too long are not read. */
export function widthOf(env: Environment, columns: number | undefined): number {
  const told = Number(env['COLUMNS']);
  const known = columns ?? (Number.isInteger(told) && told > 0 ? told : undefined);
  return Math.min(WIDEST, Math.max(NARROWEST, known ?? USUAL_WIDTH));
}

/**
 * Where lines go: stdout or stderr.
 *
 * Owns nothing but the stream's errors: a reader that went away is no error of ours (EPIPE).
 */
export class Screen {
  readonly isTerminal: boolean;
  readonly theme: Theme;
  readonly stream: NodeJS.WriteStream;
  readonly #env: Environment;
  #isClosed = false;
  /** Who waits for room. */
  #waiting: (() => void)[] = [];

  constructor(stream: NodeJS.WriteStream, env: Environment) {
    this.stream = stream;
    this.#env = env;
    this.isTerminal = stream.isTTY === true;
    this.theme = createTheme(wantsColours(env, this.isTerminal));
    stream.on('error', () => {
      this.#isClosed = true;
      this.#wake();
    });
    stream.on('drain', () => this.#wake());
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Nobody reads any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  get width(): number {
    return widthOf(this.#env, this.stream.columns);
  }

  get rows(): number {
    return this.stream.rows ?? 24;
  }

  line(text: string): void {
    this.lines([text]);
  }

  lines(lines: readonly string[]): void {
    if (this.#isClosed || lines.length === 0) return;
    this.stream.write(`${lines.join('\n')}\n`);
  }

  /** Resolves when little enough is waiting to be read, so that what is written does not pile up. */
  async ready(): Promise<void> {
    while (!this.#isClosed && this.stream.writableNeedDrain) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Resolves when all of it has gone out. */
  async flushed(): Promise<void> {
    if (this.#isClosed) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.stream.write('', () => resolve());
    });
  }
}

/** The world as a command sees it. */
export interface Io {
  readonly out: Screen;
  readonly err: Screen;
  readonly env: Environment;
  readonly cwd: string;
  readonly now: () => number;
  readonly readStdin: () => Promise<string>;
  /** Commands that go on with what is under way, for whoever has to say that the program dies. */
  readonly unfinished: Set<string>;
  /** Leaves at once, whatever is under way. */
  readonly exit: (exitCode: number) => void;
}
