import type { Millis, RunId } from '../journal/ids.ts';
import { NEVER } from '../journal/ids.ts';
import { unreachable } from '../journal/invariant.ts';
import type { NewStart, ScheduleRecord } from '../ports/work-store.ts';
import { lastFiring, nextFiring } from './cron.ts';
import type { Engine } from './engine.ts';

/** Firings that one look makes; the next look goes on. */
const MOST_AT_ONCE = 100;
/** A firing that is later than this was missed. Workers look five times a second. */
const LATE_MS = 60_000;

/** The firings of a schedule that are to happen now, and the one that comes then. */
export function dueFirings(
  { cron, zone, missed, nextAt }: Pick<ScheduleRecord, 'cron' | 'zone' | 'missed' | 'nextAt'>,
  now: Millis,
): { readonly due: readonly Millis[]; readonly next: Millis } {
  const after = (at: Millis): Millis => nextFiring(cron, zone, at) ?? NEVER;
  switch (missed) {
    case 'one': {
      const last = lastFiring(cron, zone, now) ?? nextAt;
      return { due: [last > now ? nextAt : Math.max(last, nextAt)], next: after(now) };
    }
    case 'skip':
    case 'all': {
      const due: Millis[] = [];
      const first = missed === 'all' || nextAt >= now - LATE_MS ? nextAt : after(now - LATE_MS - 1);
      let at = first;
      for (; at <= now && due.length < MOST_AT_ONCE; at = after(at)) due.push(at);
      return { due, next: at };
    }
    default:
      return unreachable(missed);
  }
}

/** Of the run of a firing, made of schedule and time: however many workers fire, it is one run. */
export function firingId(name: string, at: Millis): RunId {
  return `${name}@${new Date(at).toISOString().replace('.000Z', 'Z')}`;
}

/** What a schedule's runs share: one is under way at a time, or another is none. */
function overlapOf({ name, overlap }: ScheduleRecord): Pick<NewStart, 'limit' | 'singleton'> {
  const key = `schedule ${name}`;
  switch (overlap) {
    case 'allow':
      return { limit: null, singleton: null };
    case 'queue':
      return { limit: { key, count: 1 }, singleton: null };
    case 'skip':
      return { limit: null, singleton: key };
    default:
      return unreachable(overlap);
  }
}

/**
 * Queues the starts of all schedules that are due.
 * @param tell of each firing; without a run where one of an earlier firing is there still
 */
export function fireSchedules(engine: Engine, tell: (schedule: string, runId: RunId | null) => void): void {
  const { store, clock } = engine.options;
  const now = clock.now();
  for (const schedule of store.work.dueSchedules(now)) {
    const { name, process, module, codeHash, inputs, inputsHash, nextAt } = schedule;
    if (!schedule.isWhole) {
      store.work.pauseSchedule(name, true, undefined);
      continue;
    }
    const { due, next } = dueFirings(schedule, now);
    const starts = due.map((at): NewStart => ({
      runId: firingId(name, at),
      process,
      module,
      codeHash,
      inputs,
      inputsHash,
      at,
      priority: 0,
      debounce: null,
      schedule: name,
      ...overlapOf(schedule),
    }));
    const lastAt = due.at(-1) ?? nextAt;
    const answers = store.work.fire({ name, expectedAt: nextAt, nextAt: next, lastAt, starts }, now);
    answers?.forEach((answer, i) => {
      if (answer.status === 'queued') tell(name, starts[i]?.runId ?? null);
      else if (answer.status === 'exists') tell(name, null);
    });
  }
}
