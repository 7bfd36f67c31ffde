import { decode } from '../../src/journal/codec.ts';
import {
  isCommand,
  isOutcome,
  isTerminal,
  type OutcomeEvent,
  type Recorded,
} from '../../src/journal/event.ts';
import type { Folded } from '../../src/journal/fold-event.ts';
import type { Manner } from './interpret.ts';
import { lineOf } from './journal-lines.ts';
import { Model, type Ended, type Outcome, type RecordedGroup } from './model.ts';
import type { Program } from './program.ts';

export interface Followed {
  /** What the journal tells and the model does not, or undefined. */
  readonly problem: string | undefined;
  readonly ended: Ended | undefined;
  readonly logs: readonly number[];
}

/**
 * Runs a program on the model, delivering what a journal tells in the order in which it does. All
 * else the model derives by itself, and the journal must have it at just that place.
 */
export async function follow(
  program: Program,
  manner: Manner,
  journal: readonly Recorded[],
): Promise<Followed> {
  const [first] = journal;
  if (first?.event.type !== 'RunStarted')
    return { problem: 'the journal does not start with RunStarted', ended: undefined, logs: [] };
  const opened = new Map<string, RecordedGroup>();
  for (const { event } of journal)
    if (event.type === 'ScopeOpened')
      opened.set(event.key, { concurrency: event.concurrency ?? Infinity, buffer: event.buffer });
  const model = new Model({
    seed: first.event.seed,
    now: first.at,
    onSignal: () => undefined,
    onLeft: () => undefined,
    recorded: (key) => opened.get(key),
  });
  model.start(program, manner);
  await model.drain();
  for (const recorded of journal.slice(1)) {
    const problem = await step(model, recorded);
    if (problem !== undefined)
      return { problem: `seq ${recorded.seq}: ${problem}`, ended: model.ended, logs: model.logs };
  }
  return { problem: undefined, ended: model.ended, logs: model.logs };
}

async function step(model: Model, { at, event }: Recorded): Promise<string | undefined> {
  if (isTerminal(event)) {
    const [left] = model.asked;
    if (left !== undefined) return `the run ended before "${left.line}"`;
    if (event.type === 'RunCancelled') return undefined;
    if (model.ended === undefined) return 'the run ended before the process did';
    if (model.exits.isLeaving) return 'the run ended before what its scopes had to do';
    return model.hasDetached ? 'the run ended before what was detached' : undefined;
  }
  const line = lineOf(event);
  if (event.type === 'ScopeRetuned') {
    const group = model.groups.get(event.key);
    if (group === undefined) return `ScopeRetuned of ${event.key}, which is not open`;
    group.retune(event.concurrency ?? Infinity);
    await model.drain();
    return undefined;
  }
  if (isCommand(event) || event.type === 'StateSet') {
    if (event.type === 'ScopeClosed' && event.key === '') return closeRoot(model, event.outcome);
    const expected = model.asked.shift()?.line;
    return expected === line
      ? undefined
      : `the journal has "${line}", the model asks for "${expected ?? 'nothing'}"`;
  }
  if (event.type === 'BreakpointAnswered') {
    const { key, by, approved, option } = event;
    return model.answered(key, { by, approved, option: option ?? undefined });
  }
  if (event.type === 'AttemptStarted') model.attempts.set(event.key, event.attempt);
  if (!isOutcome(event)) return undefined;
  if (event.type === 'Folded') return `"${line}", and no program reduces`;
  const [left] = model.asked;
  if (left !== undefined) return `the journal has "${line}" before "${left.line}"`;
  model.now = at;
  const problem = model.deliver(outcomeOf(event));
  await model.drain();
  return problem;
}

function closeRoot(model: Model, outcome: string): string | undefined {
  const [left] = model.asked;
  if (left !== undefined) return `the root was closed before "${left.line}"`;
  if (model.ended === undefined) return 'the root was closed before the process ended';
  if (model.hasDetached) return 'the root was closed before what was detached ended';
  model.root.raise('outside');
  return model.ended.ok === (outcome === 'fulfilled') ? undefined : `the root was ${outcome}`;
}

function outcomeOf(event: Exclude<OutcomeEvent, Folded>): Outcome {
  switch (event.type) {
    case 'TaskSucceeded':
      return { type: 'succeeded', key: event.key, value: decode(event.output) };
    case 'TaskFailed':
      return {
        type: 'failed',
        key: event.key,
        cause: event.cause,
        failures: event.failures,
        message: event.error.message,
      };
    case 'TaskCancelled':
      return { type: 'cancelled', key: event.key };
    case 'SignalReceived':
      return { type: 'received', key: event.key, value: decode(event.payload) };
    case 'SignalTimedOut':
      return { type: 'waitTimedOut', key: event.key };
    case 'TimerFired':
      return { type: 'fired', key: event.key };
    case 'ScopeAborted':
      return { type: 'scopeAborted', key: event.key };
    case 'ScopeTimedOut':
      return { type: 'scopeTimedOut', key: event.key };
    case 'BreakpointClosed':
      return { type: 'decided', key: event.key, outcome: event.outcome, by: event.by };
    case 'ChildFinished':
      throw new Error('random programs have no runs within them');
    case 'CancelForced':
      throw new Error('random programs are not cancelled by force');
    case 'CancelRequested':
      return { type: 'cancelRequested' };
    case 'ItemRecorded': {
      const { key, n, attempt, item } = event;
      return { type: 'item', key, n, attempt, item: decode(item) };
    }
    case 'StreamEnded':
      return { type: 'ended', key: event.key };
    case 'StreamFailed': {
      const { key, failures, error } = event;
      return { type: 'sourceFailed', key, failures, message: error.message };
    }
  }
}
