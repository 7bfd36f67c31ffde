/**
 * Loaded before `pawl ui`: how long each of its statements holds a transaction. Outside an explicit transaction a
 * statement is one from its first row to its last.
 */
import { writeFileSync } from 'node:fs';
import { env, threadCpuUsage } from 'node:process';

import Database from 'better-sqlite3';

import { LIMITS } from './limits.ts';

export interface Probed {
  readonly statements: number;
  /** As many took longer than they may. */
  readonly over: number;
  readonly longestMs: number;
  /** Of that, what it had a processor for: on a machine that does more than this the rest is waiting for one. */
  readonly longestBusyMs: number;
  /** The most that any had a processor for. */
  readonly mostBusyMs: number;
  readonly longest: string;
}

const WRITE_MS = 500;

type Method = (this: unknown, ...values: unknown[]) => unknown;

const seen = { statements: 0, over: 0, longestMs: 0, longestBusyMs: 0, mostBusyMs: 0, longest: '' };

interface Begun {
  readonly at: number;
  readonly busy: NodeJS.CpuUsage;
}

function begin(): Begun {
  return { at: performance.now(), busy: threadCpuUsage() };
}

function note(source: string, { at, busy }: Begun): void {
  const ms = performance.now() - at;
  const { user, system } = threadCpuUsage(busy);
  const busyMs = (user + system) / 1000;
  seen.statements += 1;
  seen.mostBusyMs = Math.max(seen.mostBusyMs, busyMs);
  if (ms > LIMITS.transactionMs) seen.over += 1;
  if (ms <= seen.longestMs) return;
  seen.longestMs = ms;
  seen.longestBusyMs = busyMs;
  seen.longest = source.replaceAll(/\s+/g, ' ').slice(0, 160);
}

function timed(source: string, method: Method): Method {
  return function run(...values) {
    const began = begin();
    try {
      return method.apply(this, values);
    } finally {
      note(source, began);
    }
  };
}

const prototype = Database.prototype as unknown as Record<'prepare' | 'transaction', Method>;
const { prepare, transaction } = prototype;

prototype.prepare = function prepareTimed(source, ...more) {
  const statement = prepare.call(this, source, ...more) as Record<string, Method>;
  for (const name of ['get', 'all', 'run']) {
    const method = statement[name];
    if (method !== undefined)
      Object.defineProperty(statement, name, { value: timed(String(source), method) });
  }
  const { iterate } = statement;
  if (iterate !== undefined)
    Object.defineProperty(statement, 'iterate', {
      value: function* iterateTimed(...values: unknown[]) {
        const began = begin();
        try {
          yield* iterate.apply(statement, values) as Iterable<unknown>;
        } finally {
          note(String(source), began);
        }
      },
    });
  return statement;
};

prototype.transaction = function transactionTimed(work, ...more) {
  const made = transaction.call(this, work, ...more);
  return typeof made === 'function' ? timed('a transaction', made as Method) : made;
};

const file = env['PAWL_PROBE'];
if (file !== undefined) setInterval(() => writeFileSync(file, JSON.stringify(seen)), WRITE_MS).unref();
