/** What `--json` says of runs and their calls: a contract, versioned in render/json.ts. */
import {
  displayStatus,
  NEVER,
  type BreakpointNode,
  type CallNode,
  type Encoded,
  type ErrorRecord,
  type RunId,
  type RunRecord,
  type RunTree,
  type TaskNode,
} from '@pawl/runtime';

type Document = Readonly<Record<string, unknown>>;

export function runDocument(run: RunRecord): Document {
  return {
    id: run.runId,
    process: run.process,
    module: run.module,
    codeHash: run.codeHash,
    status: displayStatus(run),
    startedAt: timestamp(run.startedAt),
    updatedAt: timestamp(run.updatedAt),
    wakeAt: run.wakeAt === NEVER ? null : timestamp(run.wakeAt),
    lastSeq: run.lastSeq,
    tasks: { scheduled: run.tasksScheduled, settled: run.tasksSettled },
    asked: run.asked,
    error: run.error,
  };
}

/** With values whole: the tree was made without shortening. */
export function runTreeDocument(
  run: RunRecord,
  tree: RunTree,
  { state, forks }: { readonly state: Readonly<Record<string, Encoded>>; readonly forks: readonly RunId[] },
): Document {
  return {
    ...runDocument(run),
    state,
    endedAt: timestamp(tree.endedAt),
    input: tree.input ?? null,
    output: tree.output ?? null,
    failure: tree.error ?? null,
    cancelReason: tree.cancelReason ?? null,
    startedBy: tree.parent ?? null,
    forkOf: tree.forkOf ?? null,
    forks,
    continuedAs: tree.nextRunId ?? null,
    calls: tree.calls.map(callDocument),
  };
}

/** Of a task that somebody else does. */
function offerDocument({ offer, worker }: TaskNode): Document {
  if (offer === null) return {};
  const { taskId, taskKind, dueAt } = offer;
  return { taskId, taskKind, dueAt: timestamp(dueAt), worker: worker ?? null };
}

function callDocument(call: CallNode): Document {
  const { kind, key, status } = call;
  const base = { kind, key, status, openedAt: timestamp(call.openedAt), endedAt: timestamp(call.endedAt) };
  switch (call.kind) {
    case 'task':
      return {
        ...base,
        name: call.name,
        startedAt: timestamp(call.startedAt),
        attempts: call.attempts,
        retryAt: timestamp(call.retryAt),
        settledBy: call.endedAt === null ? null : call.settledBy,
        input: call.input,
        output: orNull(call.output),
        error: orNull(call.error),
        ...(call.items === null ? {} : { items: call.items }),
        ...offerDocument(call),
      };
    case 'source':
      return {
        ...base,
        name: call.name,
        attempts: call.attempts,
        items: call.items,
        leftAfter: call.leftAfter,
        retryAt: timestamp(call.retryAt),
        error: orNull(call.error),
      };
    case 'timer':
      return { ...base, timer: call.timer, durationMs: call.durationMs, dueAt: timestamp(call.dueAt) };
    case 'wait':
      return {
        ...base,
        name: call.name,
        prompt: call.prompt,
        data: call.data,
        schema: call.schema,
        dueAt: timestamp(call.dueAt),
        output: orNull(call.output),
      };
    case 'breakpoint':
      return { ...base, ...breakpointDocument(call) };
    case 'child':
      return {
        ...base,
        name: call.name,
        runId: call.runId,
        output: orNull(call.output),
        error: orNull(call.error),
        reason: call.reason ?? null,
      };
    case 'group':
      return {
        ...base,
        mode: call.mode,
        width: call.width,
        ...(call.mode === 'reduce' ? { folded: call.folded } : {}),
        outcome: call.outcome ?? null,
        winner: call.winner,
        branches: call.branches.map(({ path, calls }) => ({ path, calls: calls.map(callDocument) })),
      };
    default:
      return call satisfies never;
  }
}

function breakpointDocument(call: BreakpointNode): Document {
  const { title, question, options, asked, answers } = call;
  return {
    title,
    question,
    options,
    asked,
    dueAt: timestamp(call.dueAt),
    outcome: call.outcome ?? null,
    decidedBy: call.decidedBy ?? null,
    answers: answers.map(({ by, approved, option, feedback }) => ({ by, approved, option, feedback })),
  };
}

function orNull(value: Encoded | ErrorRecord | undefined): Encoded | ErrorRecord | null {
  return value ?? null;
}

/** ISO 8601, UTC. */
export function timestamp(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
