/**
 * Owns: the program in which queries of one reader run, made when the first comes.
 * Talks to: that program, one question at a time.
 *
 * 1. A query that takes longer than it may is ended with its program; the next one gets a new one.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { EXIT_CODES, RuntimeError, type RuntimeErrorCode } from '../../../errors.ts';
import type { MasterKeySource } from '../../../ports/sealing-store.ts';
import type { SqlAnswer, SqlQuestion, SqlRefusal, SqlRows } from './sql-answer.ts';

export interface SqlOptions {
  /** After so many milliseconds the query is ended. Default: 30 s. */
  readonly timeoutMs?: number;
  /** At most so many rows come. Default: 10,000. */
  readonly rows?: number;
}

const TIMEOUT_MS = 30_000;
const ROWS = 10_000;
const SHOWN = 100;

export class SqlReader {
  readonly #path: string;
  readonly #master: MasterKeySource;
  #child: ChildProcess | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** @param master gives the key of an encrypted journal, and nothing for any other */
  constructor(path: string, master: MasterKeySource) {
    this.#path = path;
    this.#master = master;
  }

  /**
   * One statement that reads; `columns` are those of the views (`SQL_VIEWS`).
   * @throws RuntimeError USAGE for what SQLite does not take, with the place; REFUSED where it took too long; STORAGE, BUSY, CORRUPT, NEWER
   */
  async query(sql: string, { timeoutMs = TIMEOUT_MS, rows = ROWS }: SqlOptions = {}): Promise<SqlRows> {
    const before = this.#last;
    const asked = before
      .catch(() => undefined)
      .then(() => this.#ask({ path: this.#path, sql, rows, master: this.#master() }, timeoutMs));
    this.#last = asked;
    const answer = await asked;
    switch (answer.kind) {
      case 'rows':
        return answer.rows;
      case 'refused':
        throw refusalError(sql, answer.refusal);
      case 'trouble': {
        const { code, message, hint } = answer.trouble;
        throw new RuntimeError(
          isCode(code) ? code : 'UNEXPECTED',
          message,
          hint === undefined ? {} : { hint },
        );
      }
      default:
        return answer satisfies never;
    }
  }

  close(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  async #ask(question: SqlQuestion, timeoutMs: number): Promise<SqlAnswer> {
    const child = (this.#child ??= startChild());
    const stop = new AbortController();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.ref();
    try {
      const answered = once(child, 'message', { signal: stop.signal });
      const ended = once(child, 'exit', { signal: stop.signal });
      child.send(question, none);
      const first = await Promise.race([answered, ended.then(none, none)]);
      // What came over the channel is what our own program sent.
      if (first !== undefined) return first[0] as SqlAnswer;
      this.#child = undefined;
      throw isLate ? lateError(timeoutMs) : lostError(child);
    } finally {
      clearTimeout(timer);
      stop.abort();
      // A program that has nothing else to do ends, and this one with it.
      child.unref();
      child.channel?.unref();
    }
  }
}

function none(): undefined {
  return undefined;
}

function startChild(): ChildProcess {
  const { url } = import.meta;
  const main = new URL(`./sql-main${url.slice(url.lastIndexOf('.'))}`, url);
  const child = fork(fileURLToPath(main), [], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
  });
  // Told by its exit.
  child.on('error', () => undefined);
  return child;
}

function lateError(timeoutMs: number): RuntimeError {
  return new RuntimeError('REFUSED', `The query took longer than ${timeoutMs / 1000} s, and was ended.`, {
    hint: `Have it look at less (where run_id = '…', or process = '…'), or give it more time: pawl sql --timeout 2m '…'`,
    data: { timeoutMs },
  });
}

function lostError({ exitCode, signalCode }: ChildProcess): RuntimeError {
  const how =
    signalCode === 'SIGKILL'
      ? 'took more than 2 GB of memory, and was ended'
      : `ended with ${String(signalCode ?? exitCode)}`;
  return new RuntimeError('REFUSED', `The program that ran the query ${how}.`, {
    hint: 'Have it look at less, or sort less: where, limit, fewer columns',
  });
}

/** The line of the text with a caret below it. */
function refusalError(sql: string, { message, offset, length, nearest }: SqlRefusal): RuntimeError {
  const lines = [`The query is not taken: ${message}.`];
  if (offset !== null) {
    const start = sql.lastIndexOf('\n', offset - 1) + 1;
    const end = sql.indexOf('\n', offset);
    const from = Math.max(start, offset - SHOWN / 2);
    const line = sql.slice(from, Math.min(end === -1 ? sql.length : end, from + SHOWN));
    lines.push(
      `  ${line.replaceAll('\t', ' ')}`,
      `  ${' '.repeat(offset - from)}${'^'.repeat(Math.min(Math.max(1, length), SHOWN))}`,
    );
  }
  const hint =
    nearest.length > 0 ? `Did you mean ${nearest.join(' or ')}?` : 'See what there is: pawl sql --schema';
  return new RuntimeError('USAGE', lines.join('\n'), { hint, data: { offset, nearest } });
}

function isCode(code: string): code is RuntimeErrorCode {
  return Object.hasOwn(EXIT_CODES, code);
}
