/** Programs of their own, told what to do line by line, watched by the lines they print: as long as their test. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { RuntimeError } from '../../src/errors.ts';
import { openJournal, type JournalReader } from '../../src/reader.ts';
import type { Recorded } from '../../src/journal/event.ts';

/** `at` says what it tells of: 'answer', 'committed', 'started', 'end', … */
export interface Line {
  readonly at: string;
  readonly [field: string]: unknown;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One line of the effects file, synced to the disk before the task goes on. */
export interface Started {
  readonly program: string;
  readonly runId: string;
  readonly key: string;
  readonly attempt: number;
  /** No two starts have the same one. */
  readonly nonce: string;
}

/** A folder in which nothing is yet. */
export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pawl-reliability-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Longer tiers: more rounds of the same. */
export const TORTURE = process.env['PAWL_TORTURE'] === '1';

/** What a test that takes long may take: a night has many more rounds, beside other work. */
export const LONG_MS: number = TORTURE ? 3_600_000 : 600_000;

const FROM_SOURCES: readonly string[] = ['--conditions=source'];
/** What was just built starts in a fraction of the time. */
export const SOURCES: readonly string[] = process.env['PAWL_BUILT'] === '1' ? [] : FROM_SOURCES;

export class Program {
  readonly lines: Line[] = [];
  readonly ended: Promise<Ended>;
  /** All that came on stderr, complete once the program has ended. */
  stderr = '';
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #waiters = new Set<() => void>();
  #ended: Ended | undefined;

  /** `file` is beside this one; `shell` wraps the command, such as in `ulimit`, and ends in `exec "$@"`. */
  constructor(
    file: string,
    options: {
      readonly nodeFlags?: readonly string[];
      readonly args?: readonly string[];
      readonly shell?: string;
      /** Where it matters which modules are ours: in the workspace, what was built is beside what a user would write. */
      readonly fromSources?: boolean;
    } = {},
  ) {
    const { nodeFlags = [], args = [], fromSources = false } = options;
    const main = join(import.meta.dirname, file);
    const conditions = fromSources ? FROM_SOURCES : SOURCES;
    const node = [process.execPath, ...conditions, ...nodeFlags, main, ...args];
    const command =
      options.shell === undefined ? node : ['bash', '--norc', '-c', options.shell, 'bash', ...node];
    this.#process = spawn(command[0] ?? '', command.slice(1), {
      stdio: ['pipe', 'pipe', 'pipe'],
      // What else the test runner put there is none of its business.
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        NO_COLOR: '1',
      },
    });
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    // A program that died shows in `ended`.
    this.#process.stdin.on('error', () => undefined);
    createInterface({ input: this.#process.stdout }).on('line', (text) => {
      this.lines.push(parse(text));
      this.#wake();
    });
    onTestFinished(() => this.kill());
    this.ended = new Promise((resolve) => {
      this.#process.once('close', (code, signal) => {
        this.#ended = { code, signal };
        resolve(this.#ended);
        this.#wake();
      });
    });
  }

  /** Gives a command and does not wait. */
  send(...command: readonly unknown[]): void {
    this.#process.stdin.write(`${JSON.stringify(command)}\n`);
  }

  /** Gives a command and waits for its answer. */
  async ask(...command: readonly unknown[]): Promise<Line> {
    const from = this.lines.length;
    this.send(...command);
    return this.until((line) => line.at === 'answer', from);
  }

  /** The first line that fits, printed already or not. Rejects when the program ends without. */
  async until(fits: (line: Line) => boolean, from = 0): Promise<Line> {
    for (let next = from; ; next += 1) {
      while (next >= this.lines.length) {
        if (this.#ended !== undefined) throw new Error(`it ended without that line: ${this.tail()}`);
        await new Promise<void>((resolve) => this.#waiters.add(resolve));
      }
      const line = this.lines[next];
      if (line !== undefined && fits(line)) return line;
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }

  /** Nothing more to do for it: a program that is done with its work goes by itself then. */
  leave(): void {
    this.#process.stdin.end();
  }

  tail(): string {
    return `${this.lines
      .slice(-10)
      .map((line) => JSON.stringify(line))
      .join('\n')}\n${JSON.stringify(this.#ended)}\n${this.stderr}`;
  }

  #wake(): void {
    for (const resolve of this.#waiters) resolve();
    this.#waiters.clear();
  }
}

/** A line that is cut off by a kill is no line. */
function parse(text: string): Line {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return { at: 'text', text };
  }
}

/** What tasks have done so far; a last line that is cut off was not synced. */
export function effectsOf(path: string): readonly Started[] {
  const lines = readFileSync(path, { encoding: 'utf8', flag: 'a+' }).split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Started);
}

/** All events of a run, read by a connection that cannot write, and what `verify` says. None: it was killed before the first. */
export function inspect(
  path: string,
  runId = 'r',
): { events: readonly Recorded[]; damage: readonly unknown[] } {
  using journal = openJournal({ path });
  return { events: eventsIn(journal, runId), damage: journal.verify().damage };
}

function eventsIn(journal: JournalReader, runId: string): readonly Recorded[] {
  try {
    return [...journal.events(runId)];
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'NOT_FOUND') return [];
    throw error;
  }
}

/** Keys of calls that can never be started again. */
export function settledIn(events: readonly Recorded[]): ReadonlySet<string> {
  const settled = new Set<string>();
  for (const { event } of events) {
    if (event.type === 'TaskSucceeded' || event.type === 'TaskFailed' || event.type === 'TaskCancelled')
      settled.add(event.key);
  }
  return settled;
}

/** Keys of calls whose last attempt was started and has no recorded end. */
export function inFlightIn(events: readonly Recorded[]): ReadonlySet<string> {
  const inFlight = new Set<string>();
  for (const { event } of events) {
    if (event.type === 'AttemptStarted') inFlight.add(event.key);
    else if ('key' in event) inFlight.delete(event.key);
  }
  return inFlight;
}
