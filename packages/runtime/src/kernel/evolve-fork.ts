import type { RunForked } from '../journal/fork-event.ts';
import type { Millis, RunId, Seq } from '../journal/ids.ts';
import { broken, unreachable } from '../journal/invariant.ts';
import type { CallState, RunState } from './state.ts';

/**
 * From here on the run is another one than its parent. What is under way in the shared history has no end here: it
 * gets another attempt, with its tries and its time limits as if it had been asked for now.
 */
export function applyFork(state: RunState, at: Millis, event: RunForked): void {
  const { parentRunId, parentSeq, recordedBy = parentRunId, seed, inputs, code, offers = [] } = event;
  if (state.forked !== undefined && parentSeq === 0)
    broken('J1', `a fork that shares nothing was begun twice`);
  state.forked = { seq: state.seq, parentRunId, parentSeq };
  state.effectSeed = seed;
  if (inputs !== undefined) {
    state.inputsHash = inputs.hash;
    state.inputsSeq = state.seq;
  }
  if (code !== undefined) state.codeHash = code.codeHash;
  // Nobody waits for a fork: the call that started its parent has its own outcome.
  if (parentSeq > 0) {
    state.parent = undefined;
    state.sharedWith.push({ runId: recordedBy, upTo: parentSeq });
  }
  const taskIds = new Map(offers.map(({ key, taskId }) => [key, taskId]));
  for (const [key, call] of state.calls) {
    if (call.kind === 'group') {
      if (call.phase.status === 'open') call.openedAt = at;
    } else if (state.pending.has(key)) beginAnew(call, key, at, taskIds);
  }
  state.notified.clear();
}

/** The run whose process was woken by this event of a fork, and asked with its own id: undefined for the fork itself. */
export function recorderAt({ sharedWith }: Readonly<RunState>, seq: Seq): RunId | undefined {
  return sharedWith.find(({ upTo }) => seq < upTo)?.runId;
}

function beginAnew(
  call: Exclude<CallState, { kind: 'group' }>,
  key: string,
  at: Millis,
  taskIds: ReadonlyMap<string, string>,
): void {
  switch (call.kind) {
    case 'task':
      call.phase = 'scheduled';
      call.scheduledAt = at;
      call.failures = 0;
      call.unknowns = 0;
      call.hearing = undefined;
      return;
    case 'stream':
      call.phase = 'scheduled';
      call.failures = 0;
      return;
    case 'offer': {
      const taskId = taskIds.get(key);
      if (taskId === undefined) broken('J4', `external task ${key} is open, and has no id in the fork`);
      call.taskId = taskId;
      call.offeredAt = at;
      return;
    }
    case 'wait':
    case 'breakpoint':
      call.openedAt = at;
      return;
    case 'child':
      broken('J4', `run ${call.runId}, which ${key} started, belongs to another run`);
    // A sleep ends when it would have ended.
    case 'timer':
    case 'exit':
    case 'value':
    case 'state':
      return;
    default:
      unreachable(call);
  }
}
