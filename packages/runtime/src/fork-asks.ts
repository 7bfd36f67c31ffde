/** What may be asked of a fork, and what it comes to. */
import { RuntimeError } from './errors.ts';
import type { CallKey } from './journal/call-key.ts';
import type { RunId, Seq } from './journal/ids.ts';
import type { JournalStore, RunRecord } from './ports/journal-store.ts';
import type { AnyProcess } from './process/definition.ts';
import { eventsOf } from './run-events.ts';
import { addToHistory, createCallHistory, type CallHistory } from './views/call-history.ts';
import { planFork, type ForkPlan, type ForkTarget } from './views/fork-plan.ts';

export interface ForkOptions {
  /** Key of the first call that is made anew. Default: the fork goes on behind all that is recorded. */
  readonly at?: CallKey;
  /** The last event that is kept, from 1 on, instead of `at`. */
  readonly afterSeq?: Seq;
  /** Results by the key of their task call: the call comes to that, and is not done. */
  readonly set?: Readonly<Record<CallKey, unknown>>;
  /** What the process is started with. Default: what the run was started with. */
  readonly inputs?: unknown;
  /** Takes later results of the run where the same task is asked the same. Default false, of a retry true. */
  readonly reuse?: boolean;
  /** Of the fork. Default: a new id. */
  readonly id?: RunId;
  /** The code that it goes on with. Default: the process of that name that this runtime knows. */
  readonly process?: AnyProcess<never, unknown>;
  /** Path of its module, recorded for `resume`. Default: that of the run. */
  readonly module?: string;
  readonly codeHash?: string | null;
}

export interface RetryOptions extends Omit<ForkOptions, 'at' | 'afterSeq' | 'set'> {
  /** Key of the call to go back to. Default: what failed last, and what failed with it. */
  readonly from?: CallKey;
}

/** A fork, or a retry, which is one. */
export type ForkAsk = Omit<ForkOptions, 'process'> & { readonly retries: boolean };

export function reuses(ask: ForkAsk): boolean {
  return ask.reuse ?? ask.retries;
}

/**
 * @param read all that the run recorded, where somebody has read it; else it is read here
 * @throws RuntimeError REFUSED
 */
export function forkPlan(
  store: Pick<JournalStore, 'read'>,
  run: RunRecord,
  ask: ForkAsk,
  read?: CallHistory,
): ForkPlan {
  const id = run.runId;
  if (ask.retries) refuseRetry(run);
  const history = read ?? historyOf(store, id);
  const target: ForkTarget = {
    ...(ask.at === undefined ? {} : { at: ask.at }),
    ...(ask.afterSeq === undefined ? {} : { afterSeq: ask.afterSeq }),
    set: Object.keys(ask.set ?? {}),
    retries: ask.retries,
  };
  const plan = planFork(history, target, reuses(ask));
  if (!('problem' in plan)) return plan;
  throw new RuntimeError('REFUSED', `Run ${id} cannot be forked there. ${plan.problem}`, {
    hint: plan.hint.replace('<run>', id),
    data: { runId: id },
  });
}

function historyOf(store: Pick<JournalStore, 'read'>, id: RunId): CallHistory {
  const history = createCallHistory();
  for (const recorded of eventsOf(store, id)) addToHistory(history, recorded);
  return history;
}

function refuseRetry({ runId, status }: RunRecord): void {
  if (status === 'failed' || status === 'cancelled') return;
  const hints = {
    running: `It has not ended. Go on with it: pawl resume ${runId}`,
    succeeded: `Do a part of it again: pawl fork ${runId} --at <call>`,
    continued: `Another run follows it: pawl show ${runId}`,
  };
  throw new RuntimeError('REFUSED', `Run ${runId} has not failed: there is nothing to retry.`, {
    hint: hints[status],
    data: { runId },
  });
}
