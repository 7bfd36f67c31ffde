import { Writable } from 'node:stream';

import { main } from '../src/main.ts';
import { Screen, type Io } from '../src/terminal.ts';

// The command line in this very process: a clock that stands, and a terminal of any size.

export interface Look {
  readonly cwd: string;
  readonly now: number;
  /** Columns of a terminal; undefined for a pipe. */
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Told of each write to stdout. */
  readonly onWrite?: () => void;
}

export interface Printed {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What the command prints. */
export async function printed(args: readonly string[], look: Look): Promise<Printed> {
  const { cwd, now, columns, rows = 24, env = {}, onWrite } = look;
  const texts = { out: '', err: '' };
  const screenOf = (name: keyof typeof texts): Screen => {
    const sink = new Writable({
      write: (chunk: Buffer, _, done) => {
        texts[name] += chunk.toString();
        if (name === 'out') onWrite?.();
        done();
      },
    });
    const terminal = columns === undefined ? {} : { isTTY: true, columns, rows };
    return new Screen(Object.assign(sink, terminal) as unknown as NodeJS.WriteStream, env);
  };
  const io: Io = {
    out: screenOf('out'),
    err: screenOf('err'),
    env,
    cwd,
    now: () => now,
    readStdin: () => Promise.resolve(''),
    unfinished: new Set(),
    exit: () => undefined,
  };
  const code = await main(args, io);
  await io.out.flushed();
  await io.err.flushed();
  return { code, ...texts };
}
