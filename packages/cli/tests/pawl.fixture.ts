import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// What users get, where it was just built: it starts in a fraction of the time that the sources take.
const BIN = join(
  import.meta.dirname,
  '..',
  ...(process.env['PAWL_BUILT'] === '1' ? ['dist', 'bin.js'] : ['bin', 'pawl.js']),
);

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real program, under way. */
export class Pawl {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';

  constructor(cwd: string, args: readonly string[], options: RunOptions) {
    const limit = options.maxFileBlocks;
    const [program = '', ...before] =
      limit === undefined
        ? [process.execPath, BIN]
        : ['/bin/sh', '-c', `ulimit -f ${limit}; exec "$0" "$@"`, process.execPath, BIN];
    this.child = spawn(program, [...before, ...args], {
      cwd,
      env: {
        PATH: process.env['PATH'],
        TZ: 'UTC',
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        ...options.env,
      },
      stdio: [options.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.child.stdin?.end(options.stdin);
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) =>
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr }),
      );
    });
  }
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** No file may grow beyond it, in blocks of 512 bytes. */
  readonly maxFileBlocks?: number;
}

/** A fresh folder without anything in it. */
export class Folder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), 'pawl-cli-'));
  readonly #started: Pawl[] = [];

  start(args: readonly string[], options: RunOptions = {}): Pawl {
    const pawl = new Pawl(this.path, args, options);
    this.#started.push(pawl);
    return pawl;
  }

  async pawl(...args: readonly string[]): Promise<Ended> {
    return await this.start(args).ended;
  }

  write(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(path, text);
    return path;
  }

  /** Empty where there is no file. */
  read(name: string): string {
    return existsSync(join(this.path, name)) ? readFileSync(join(this.path, name), 'utf8') : '';
  }

  /** What tasks wrote, one effect a line. */
  effects(): string[] {
    return this.read('effects.log').split('\n').filter(Boolean);
  }

  has(name: string): boolean {
    return existsSync(join(this.path, name));
  }

  [Symbol.dispose](): void {
    for (const { child } of this.#started) child.kill('SIGKILL');
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Looks until it is so; a test that waits too long fails by its own time limit. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 15));
}

/** The one JSON document of an output. */
export function documentOf(text: string): Record<string, unknown> {
  const lines = text.trim().split('\n');
  if (lines.length !== 1) throw new TypeError(`expected one line, got ${lines.length}:\n${text}`);
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
}

export const HELLO = `
import { defineTask, type Context } from '@pawl/sdk';

const greet = defineTask({ name: 'greet', run: (name: string) => \`Hello, \${name}!\` });

export async function process(inputs: { name: string }, ctx: Context): Promise<string> {
  return await ctx.task(greet, inputs.name);
}
`;

/** Three steps that leave a line each; the second holds on until a file \`go\` is there. */
export const STEPS = `
import { appendFileSync, existsSync } from 'node:fs';
import { defineTask, type Context } from '@pawl/sdk';

const step = defineTask({
  name: 'step',
  run: async (n: number, { signal }) => {
    appendFileSync('effects.log', \`start \${n}\\n\`);
    while (n === 2 && !existsSync('go')) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      signal.throwIfAborted();
    }
    appendFileSync('effects.log', \`end \${n}\\n\`);
    return n * 10;
  },
});

export async function process(_: unknown, ctx: Context): Promise<number> {
  const one = await ctx.task(step, 1);
  const two = await ctx.task(step, 2);
  const three = await ctx.task(step, 3);
  return one + two + three;
}
`;
