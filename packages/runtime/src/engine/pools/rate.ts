import type { PoolPlan } from '@pawl/sdk';
import type { Millis } from '../../journal/ids.ts';
import type { RateState } from '../../ports/pool-store.ts';

export type RatePlan = NonNullable<PoolPlan['rate']>;

/** A window remembers starts in so many cells at most: each counts as late as its cell ends. */
const CELLS = 64;

/** Starts that are free now. */
export function freeStarts(plan: RatePlan, state: RateState | null, now: Millis): number {
  if (plan.burst === null) return Math.max(0, plan.limit - usedIn(plan, cellsOf(state), now));
  return Math.floor(tokensAt(plan, plan.burst, state, now) + 1e-9);
}

/** The state after so many starts, which were free. */
export function useStarts(plan: RatePlan, state: RateState | null, now: Millis, starts: number): RateState {
  // Fractions add up to a little less than a whole start that was free.
  if (plan.burst !== null)
    return { kind: 'bucket', at: now, tokens: Math.max(0, tokensAt(plan, plan.burst, state, now) - starts) };
  const cellMs = plan.perMs / CELLS;
  const at = Math.ceil(now / cellMs) * cellMs;
  const kept = cellsOf(state).filter((cell) => isRecent(plan, cell.at, now) && cell.at !== at);
  const same = cellsOf(state).find((cell) => cell.at === at)?.starts ?? 0;
  return { kind: 'window', cells: [...kept, { at, starts: same + starts }] };
}

/** Whether a clock was set back since a bucket was used: it would gain nothing until the clock is there again. */
export function isAhead(state: RateState | null, now: Millis): boolean {
  return state?.kind === 'bucket' && state.at > now;
}

/** What such a bucket held, from now on. */
export function setBack(state: RateState | null, now: Millis): RateState | null {
  return state?.kind === 'bucket' && state.at > now ? { ...state, at: now } : state;
}

/** Milliseconds until another start is free; 0 where one is. */
export function waitMs(plan: RatePlan, state: RateState | null, now: Millis): number {
  if (freeStarts(plan, state, now) >= 1) return 0;
  if (plan.burst !== null) {
    const missing = 1 - tokensAt(plan, plan.burst, state, now);
    return Math.max(1, Math.ceil((missing * plan.perMs) / plan.limit));
  }
  const recent = cellsOf(state)
    .filter(({ at }) => isRecent(plan, at, now))
    .toSorted((a, b) => a.at - b.at);
  return Math.max(1, Math.ceil((recent[0]?.at ?? now) + plan.perMs - now));
}

function tokensAt(plan: RatePlan, burst: number, state: RateState | null, now: Millis): number {
  if (state === null) return burst;
  // Another kind of rate was declared meanwhile: the bucket was empty when the last start was made.
  const { at, tokens } =
    state.kind === 'bucket' ? state : { at: lastOf(state.cells) ?? -Infinity, tokens: 0 };
  // A clock that was set back grants nothing.
  const elapsed = Math.max(0, now - at);
  return Math.min(burst, tokens + (elapsed * plan.limit) / plan.perMs);
}

function lastOf(cells: readonly { readonly at: Millis }[]): Millis | undefined {
  return cells.length === 0 ? undefined : Math.max(...cells.map(({ at }) => at));
}

function cellsOf(state: RateState | null): readonly { readonly at: Millis; readonly starts: number }[] {
  if (state === null) return [];
  // A bucket's last use counts as a full one: a window that begins there grants nothing extra.
  return state.kind === 'window' ? state.cells : [{ at: state.at, starts: Number.MAX_SAFE_INTEGER }];
}

/** Starts that a clock which was set back puts into the future count until it is there again, at most `per`. */
function isRecent(plan: RatePlan, at: Millis, now: Millis): boolean {
  return at > now - plan.perMs && at <= now + plan.perMs;
}

function usedIn(
  plan: RatePlan,
  cells: readonly { readonly at: Millis; readonly starts: number }[],
  now: Millis,
): number {
  return cells.reduce((sum, { at, starts }) => sum + (isRecent(plan, at, now) ? starts : 0), 0);
}
