/**
 * The program in which queries run: SQLite gives its thread back only when it is done, so that nothing but the end of
 * a process ends a query. It holds no transaction between two of them.
 */
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

import { RuntimeError } from '../../../errors.ts';
import { failureOf } from '../failure.ts';
import type { SqlAnswer, SqlQuestion } from './sql-answer.ts';
import { connectForSql } from './sql-connection.ts';
import { answer } from './sql-statement.ts';

const LOOK_MS = 200;
/** Of the whole program: a query may sort, or put a text together, as long as it likes. */
const MOST_MEMORY = 2 * 1024 * 1024 * 1024;

if (isMainThread) serve();
else guard();

function serve(): void {
  process.on('disconnect', () => process.exit());
  new Worker(new URL(import.meta.url)).unref();
  process.on('message', (question: SqlQuestion) => {
    process.send?.(told(question));
  });
}

/** Nobody else can end this process while its other thread is within SQLite, and whoever asked may be gone. */
function guard(): void {
  const parent = process.ppid;
  parentPort?.unref();
  setInterval(() => {
    if (process.ppid !== parent || process.memoryUsage.rss() > MOST_MEMORY)
      process.kill(process.pid, 'SIGKILL');
  }, LOOK_MS);
}

function told({ path, sql, rows, master }: SqlQuestion): SqlAnswer {
  try {
    const db = connectForSql(path, master === undefined ? undefined : () => master);
    try {
      return answer(db, sql, rows);
    } finally {
      db.close();
    }
  } catch (error) {
    const known = error instanceof RuntimeError ? error : failureOf(error, path, 'read')?.error;
    const { code, message, hint } = known ?? new RuntimeError('UNEXPECTED', String(error));
    return { kind: 'trouble', trouble: { code, message, hint } };
  }
}
