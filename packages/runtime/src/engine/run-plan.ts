import type { Recorded, TerminalEvent } from '../journal/event.ts';
import type { RunContinued } from '../journal/fold-event.ts';
import type { Epoch, RunId } from '../journal/ids.ts';
import type { Command, Report } from '../kernel/input.ts';
import type { RunState } from '../kernel/state.ts';
import type { InboxMessage } from '../ports/journal-store.ts';
import type { TraceOrigin } from '../ports/telemetry.ts';
import type { Rest } from '../ports/work-store.ts';
import type { ProcessCode } from '../process/definition.ts';
import type { StandIn } from './engine.ts';
import type { AskedAtHead } from './head-look.ts';
import type { ReplayPace } from './replay-pace.ts';
import type { RunDriver } from './run-driver.ts';

/** What a driver starts from. */
export interface RunPlan extends ProcessCode {
  readonly runId: RunId;
  readonly epoch: Epoch;
  readonly inputs: unknown;
  /** Folded from the journal; fresh for a new run. */
  readonly state: RunState;
  /** The journal's first events, where they are still in memory. */
  readonly recorded?: readonly Recorded[];
  /** Given for a new run. */
  readonly start: Extract<Command, { type: 'StartRun' }> | undefined;
  /** Digest of the code, where it is to be recorded that the run goes on with it. */
  readonly codeHash?: string | undefined;
  /** Who asked for it in this program; undefined where nobody measures. */
  readonly origin?: TraceOrigin | undefined;
  /** Compares only: nothing is recorded or started, and the driver leaves at the journal's head. */
  readonly replayOnly: boolean;
  /** Of one that only compares: keeps in mind where each call was made. */
  readonly notesCalls?: boolean;
  /** Sees each task that the process asks for, instead of the runtime's own. */
  readonly standIn?: StandIn;
  /** Of one that only compares: how far it may go. */
  readonly pace?: ReplayPace;
  /** Put down once it has only waited for so long; undefined: it stays. */
  readonly restAfterMs?: number;
}

/** The end of the last of the runs that follow each other. */
export type FinalEvent = Exclude<TerminalEvent, RunContinued>;

/** How a run left this runtime. */
export type RunExit =
  | { readonly status: 'ended'; readonly event: FinalEvent }
  /** Another run follows it, and is driven here. */
  | { readonly status: 'continued'; readonly next: RunDriver }
  /** A replay-only drive came to the end of an ended run, or to the head of one that goes on. */
  | { readonly status: 'replayed'; readonly reached: 'end' | 'head'; readonly asks: AskedAtHead | null }
  /** Put down: it goes on at a time, or with what comes from outside. */
  | { readonly status: 'rested'; readonly rest: Rest }
  /** Stopped here; its journal is as it was, and it can be resumed. */
  | { readonly status: 'left'; readonly error: unknown };

/** What a message from outside means to the rules. */
export function reportOf(message: Exclude<InboxMessage, { kind: 'signal' | 'taskAnswer' }>): Report {
  if (message.kind === 'cancel')
    return { type: message.force === true ? 'ForceCancel' : 'CancelRun', reason: message.reason };
  if (message.kind === 'answer') {
    const { kind: _, id: messageId, runId: _runId, ...answer } = message;
    return { type: 'AnswerTaken', messageId, ...answer };
  }
  const { key, as } = message;
  const answer =
    as.status === 'failed' ? { status: as.status, error: { name: 'Error', message: as.message } } : as;
  return { type: 'OutcomeResolved', key, by: 'person', answer };
}
