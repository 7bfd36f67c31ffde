/**
 * The lines at the end of a terminal that are drawn again and again.
 *
 * Owns how many lines stand there now, and meanwhile the `write` of stdout and stderr: what anybody
 * else writes goes above them. The cursor stays visible and below, so that a kill -9 leaves nothing odd.
 */
type Write = NodeJS.WriteStream['write'];

export class LiveRegion {
  readonly #restores: (() => void)[] = [];
  readonly #write: Write;
  #lines: readonly string[] = [];
  #height = 0;
  /** Somebody wrote half a line: drawing now would go into it. */
  #isMidLine = false;

  constructor(stream: NodeJS.WriteStream, others: readonly NodeJS.WriteStream[]) {
    this.#write = stream.write.bind(stream);
    for (const each of [stream, ...others]) this.#intercept(each);
  }

  #intercept(stream: NodeJS.WriteStream): void {
    const original = stream.write;
    const passOn = (...args: readonly unknown[]): boolean => {
      this.#erase();
      const went: unknown = Reflect.apply(original, stream, args);
      const [chunk] = args;
      const text =
        typeof chunk === 'string' ? chunk : chunk instanceof Uint8Array ? Buffer.from(chunk).toString() : '';
      if (text !== '') this.#isMidLine = !text.endsWith('\n');
      this.#redraw();
      return went === true;
    };
    stream.write = passOn as Write;
    this.#restores.push(() => {
      stream.write = original;
    });
  }

  draw(lines: readonly string[]): void {
    this.#lines = lines;
    if (this.#isMidLine) return;
    // To the first column: a terminal echoes the keys that somebody presses, such as ^C.
    const up = this.#height === 0 ? '' : `\u001b[${this.#height}F`;
    // One write, each line cleared to its end, what is left over below: nothing flickers.
    const body = lines.map((line) => `${line}\u001b[K\n`).join('');
    this.#write(`${up}${body}\u001b[J`);
    this.#height = lines.length;
  }

  #erase(): void {
    if (this.#height === 0) return;
    this.#write(`\u001b[${this.#height}F\u001b[J`);
    this.#height = 0;
  }

  #redraw(): void {
    if (this.#lines.length > 0) this.draw(this.#lines);
  }

  /** Takes the lines away for good. */
  end(): void {
    this.#lines = [];
    this.#erase();
    // What comes next begins a line of its own.
    if (this.#isMidLine) this.#write('\n');
    this.#isMidLine = false;
    for (const restore of this.#restores) restore();
    this.#restores.length = 0;
  }
}
