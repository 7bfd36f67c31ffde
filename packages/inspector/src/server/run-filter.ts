/** Which runs a request is about, as its address says it. */
import { isRunId } from '@pawl/runtime';
import { RuntimeError } from '@pawl/runtime/errors';
import type { Context } from 'hono';

import type { Describe } from './describe.ts';
import { statusNamed, type RunFilter } from './run-page.ts';

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const MOST_MS = 10 * 366 * 86_400_000;
/** A day, or a moment with its zone: without one it would be another moment elsewhere. */
const MOMENT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/;

/** @throws RuntimeError USAGE */
export function runFilter(c: Context, describe: Describe, limit: number): RunFilter {
  const { status: named, process, text, before, within, from, to } = c.req.query();
  const status = statusNamed(named);
  if (named !== undefined && status === undefined) throw usage('There is no such status.');
  if (before !== undefined && !isRunId(before)) throw usage('That is no run id.');
  const startedFrom = within === undefined ? momentOf('from', from) : Date.now() - lengthOf(within);
  const startedBefore = momentOf('to', to);
  const where = describe.where(c.req.queries('where') ?? []);
  return {
    status,
    limit,
    where,
    ...(process === undefined ? {} : { process }),
    ...(text === undefined ? {} : { text }),
    ...(before === undefined ? {} : { before }),
    ...(startedFrom === undefined ? {} : { startedFrom }),
    ...(startedBefore === undefined ? {} : { startedBefore }),
  };
}

function lengthOf(within: string): number {
  const [, count = '', unit = ''] = /^(\d{1,5})([mhd])$/.exec(within) ?? [];
  const ms = Number(count) * (UNIT_MS[unit] ?? 0);
  if (ms > 0 && ms <= MOST_MS) return ms;
  throw usage('within is a length such as 30m, 24h or 7d.');
}

function momentOf(name: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const at = MOMENT.test(given) ? Date.parse(given) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw usage(`${name} is a moment such as 2026-11-28T09:30:00Z.`);
}

function usage(message: string): RuntimeError {
  return new RuntimeError('USAGE', message);
}
