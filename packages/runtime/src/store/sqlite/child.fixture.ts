/** Another process, driven step by step: `await child.call('append', …)`; it ends with its test. */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

import { onTestFinished } from 'vitest';

import type { JournalStore } from '../../ports/journal-store.ts';
import type { SqliteStoreOptions } from './sqlite-store.ts';

export interface Answer {
  readonly result?: unknown;
  /** Of a RuntimeError, 'other' for anything else that was thrown. */
  readonly code?: string;
  readonly message?: string;
}

/** `readline` ends a line at U+2028 and U+2029 too, which JSON leaves as they are. */
export function lineOf(value: unknown): string {
  const text = JSON.stringify(value);
  return `${text.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')}\n`;
}

export class Child {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  /** `shell` wraps the command, such as in `ulimit`: it ends in `exec "$@"`. */
  constructor(shell?: string) {
    const node = [
      process.execPath,
      '--conditions=source',
      fileURLToPath(new URL('./child-main.fixture.ts', import.meta.url)),
    ];
    const command = shell === undefined ? node : ['bash', '-c', shell, 'bash', ...node];
    this.#process = spawn(command[0] ?? '', command.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
    // A child that died shows in its answer.
    this.#process.stdin.on('error', () => {});
    onTestFinished(() => this.kill());
  }

  /** Gives the command and does not wait. */
  send(...command: readonly unknown[]): void {
    this.#process.stdin.write(lineOf(command));
  }

  async answer(): Promise<Answer> {
    const line = await this.#lines.next();
    return line.done === true ? { code: 'gone' } : (JSON.parse(line.value) as Answer);
  }

  async tell(...command: readonly unknown[]): Promise<Answer> {
    this.send(...command);
    return this.answer();
  }

  open(options: SqliteStoreOptions): Promise<Answer> {
    return this.tell('open', options);
  }

  call<Method extends Exclude<keyof JournalStore, 'work' | 'copies' | 'sealing' | 'hasTables' | 'kept'>>(
    method: Method,
    ...args: Parameters<JournalStore[Method]>
  ): Promise<Answer> {
    return this.tell('call', method, ...args);
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Ends the input: the process goes in the ordinary way. */
  async leave(): Promise<void> {
    this.#process.stdin.end();
    await this.#gone();
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#gone();
  }

  async #gone(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null)
      await once(this.#process, 'exit');
  }
}
