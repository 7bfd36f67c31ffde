import type { CallKey } from '../journal/call-key.ts';
import type { JournalEvent } from '../journal/event.ts';
import type { Millis } from '../journal/ids.ts';
import { unreachable } from '../journal/invariant.ts';
import type { Decision } from './decide.ts';
import { offerTask } from './decide-offer.ts';
import type { Command, Effect } from './input.ts';
import { fencesLosers, type Decided, type RunState } from './state.ts';
import { awaitSignal } from './waiting.ts';
import { whyGivenUp } from './why-given-up.ts';

/** What the process asks for, but for streams and runs of its own. */
export function decideCommand(
  state: Readonly<RunState>,
  command: Exclude<Command, { type: `${string}Stream` | 'StartChild' | 'OpenBreakpoint' }>,
  now: Millis,
): Decision {
  switch (command.type) {
    case 'StartRun': {
      const { type: _, reuseFrom, ...facts } = command;
      const started = { type: 'RunStarted', ...facts } as const;
      if (reuseFrom === undefined) return event(started);
      const { seed } = facts;
      const link = { type: 'RunForked', parentRunId: reuseFrom, parentSeq: 0, seed, reuses: true } as const;
      return { events: [started, link], effects: [] };
    }
    case 'ScheduleTask':
      return scheduleTask(command);
    case 'StartTimer': {
      const { key, timer } = command;
      const dueAt = timer.kind === 'sleep' ? now + timer.durationMs : timer.dueAt;
      const durationMs = Math.max(0, dueAt - now);
      return event(
        { type: 'TimerStarted', key, timer: timer.kind, dueAt, durationMs },
        { type: 'SetTimer', delayMs: durationMs, report: { type: 'TimerDue', key } },
      );
    }
    case 'AwaitSignal':
      return awaitSignal(command);
    case 'OfferTask':
      return offerTask(command);
    case 'OpenScope': {
      const { type: _, ...facts } = command;
      const { key, timeoutMs } = command;
      const opened = event({ type: 'ScopeOpened', ...facts });
      if (timeoutMs === null || command.aborted) return opened;
      return {
        ...opened,
        effects: [{ type: 'SetTimer', delayMs: timeoutMs, report: { type: 'ScopeDue', key } }],
      };
    }
    case 'RecordValue': {
      const { type: _, ...facts } = command;
      return event({ type: 'ValueRecorded', ...facts });
    }
    case 'SetState': {
      const { type: _, ...facts } = command;
      return event({ type: 'StateSet', ...facts });
    }
    case 'RegisterExit': {
      const { type: _, ...facts } = command;
      return event({ type: 'ExitRegistered', ...facts });
    }
    case 'RetuneScope':
      return event({ type: 'ScopeRetuned', key: command.key, concurrency: command.concurrency });
    case 'CloseScope':
      return closeScope(state, command.key, command.decided);
    default:
      return unreachable(command);
  }
}

/** Field by field, as there are many: to copy what is left of an object is ten times the work. */
function scheduleTask(command: Extract<Command, { type: 'ScheduleTask' }>): Decision {
  const { key, task, version, inputHash, args, pool, policy } = command;
  const effects: Effect[] = [{ type: 'QueueAttempt', key }];
  if (policy.deadlineMs !== null) {
    effects.push({
      type: 'SetTimer',
      delayMs: policy.deadlineMs,
      report: { type: 'DeadlinePassed', key },
    });
  }
  return {
    events: [{ type: 'TaskScheduled', key, task, version, inputHash, args, pool, policy }],
    effects,
  };
}

function closeScope(state: Readonly<RunState>, key: CallKey, decided: Decided): Decision {
  const closed = event({ type: 'ScopeClosed', key, ...decided });
  const group = state.calls.get(key);
  const isGroup = group?.kind === 'group';
  if (isGroup && !fencesLosers(decided.outcome, group.losers)) return closed;
  const left = key === '' ? state.pending.size : isGroup ? group.unsettled : 0;
  const effects: Effect[] = [];
  if (isGroup && group.timeoutMs !== null) effects.push({ type: 'ClearTimers', key });
  if (left > 0) effects.push({ type: 'CancelWithin', scope: key, reason: whyGivenUp(key, decided.outcome) });
  return { ...closed, effects };
}

function event(fact: JournalEvent, ...effects: readonly Effect[]): Decision {
  return { events: [fact], effects };
}
