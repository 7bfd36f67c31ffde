import { spawn, type ChildProcess } from 'node:child_process';

/** How to call `pawl`, and on which journal. */
export interface PawlPlace {
  /** The program and what comes before its arguments. */
  readonly command: readonly [string, ...string[]];
  /** The folder of the modules, and of the journal. */
  readonly folder: string;
  /** As `--db` was given. */
  readonly db: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

type OptionValue = string | number | boolean | readonly string[] | undefined;

/** One use of the command line. */
export interface PawlUse {
  readonly command: string;
  /** By long name, without dashes; true for a flag, a list for one that is given several times. */
  readonly options?: Readonly<Record<string, OptionValue>>;
  readonly args?: readonly string[];
  readonly stdin?: string;
}

export interface PawlEnd {
  /** Null where it was stopped. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** More came out than is kept, and the program was stopped. */
  readonly isCut: boolean;
}

/** A program that goes on by itself. */
export interface PawlChild {
  readonly ended: Promise<PawlEnd>;
  stop(): void;
}

/** More than any answer takes. */
const MOST_BYTES = 8 * 1024 * 1024;
const LOOK_MS = 60_000;

/**
 * The command line, as programs use it: its documents are a contract, and what user code prints or throws stays in a
 * program of its own, away from the protocol on our stdout.
 *
 * Owns the programs that are under way.
 */
export class Pawl {
  readonly #place: PawlPlace;
  readonly #children = new Set<ChildProcess>();

  constructor(place: PawlPlace) {
    this.#place = place;
  }

  get folder(): string {
    return this.#place.folder;
  }

  /** For what is over soon. */
  async use(use: PawlUse): Promise<PawlEnd> {
    const child = this.start(use);
    const timer = setTimeout(() => child.stop(), LOOK_MS);
    try {
      return await child.ended;
    } finally {
      clearTimeout(timer);
    }
  }

  start({ command, options = {}, args = [], stdin }: PawlUse): PawlChild {
    const { db, env, folder } = this.#place;
    const [program, ...before] = this.#place.command;
    const given = Object.entries({ ...options, db }).flatMap(([name, value]) => optionArgs(name, value));
    // What comes from an agent is never taken for an option.
    const argv = [...before, command, ...given, '--', ...args];
    const child = spawn(program, argv, {
      cwd: folder,
      env: { ...env, NO_COLOR: '1', COLUMNS: '120' },
      stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    this.#children.add(child);
    // Who has ended needs no input.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(stdin);
    const ended = endOf(child).finally(() => this.#children.delete(child));
    return { ended, stop: () => void child.kill('SIGTERM') };
  }

  /** Runs that are driven here stop so that they can be resumed. */
  async close(): Promise<void> {
    const ends = [...this.#children].map((child) => {
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGTERM');
      return ended;
    });
    await Promise.all(ends);
  }
}

function optionArgs(name: string, value: OptionValue): string[] {
  if (value === undefined || value === false) return [];
  if (value === true) return [`--${name}`];
  return [value].flat().map((one) => `--${name}=${String(one)}`);
}

function endOf(child: ChildProcess): Promise<PawlEnd> {
  const { promise, resolve, reject } = Promise.withResolvers<PawlEnd>();
  const told = { stdout: '', stderr: '' };
  let isCut = false;
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      if (told[name].length + text.length <= MOST_BYTES) told[name] += text;
      // Of what goes on for long the end counts.
      else if (name === 'stderr')
        told[name] = `${told[name].slice(MOST_BYTES / 2)}${text}`.slice(-MOST_BYTES);
      else {
        isCut = true;
        child.kill('SIGTERM');
      }
    });
  child.on('error', reject);
  child.on('close', (exitCode) => resolve({ exitCode, ...told, isCut }));
  return promise;
}
