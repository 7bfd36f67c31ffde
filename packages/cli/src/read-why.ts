/** What a journal says of why a run does not move: its events are read once, and nothing but what is open is kept. */
import {
  addOpenCall,
  createOpenCalls,
  whyOf,
  type JournalReader,
  type OpenCalls,
  type ReadRun,
  type RunId,
  type WhyFacts,
} from '@pawl/runtime';

import { endOfRun } from './read-events.ts';
import type { RunEnd, WhyView } from './render/why.ts';
import { isDecided } from './render/waits.ts';

/** @param known what is open in it, where somebody has read it already */
export function readWhy(reader: JournalReader, runId: RunId, now: number, known?: OpenCalls): WhyView {
  const run = reader.get(runId);
  if (run.status !== 'running') {
    const why = whyOf(
      { ...run, setBack: undefined, answered: new Set(), claims: new Map() },
      createOpenCalls(),
    );
    return { run, why, end: endOf(reader, run), setBack: undefined, claims: new Map(), now };
  }
  const open = known ?? readOpenCalls(reader, runId);
  const setBack = reader.setBackOf(runId);
  const { answered, claims } = outsideOf(reader, run, open);
  return {
    run,
    why: whyOf({ ...run, setBack, answered, claims }, open),
    end: undefined,
    setBack,
    claims,
    now,
  };
}

function readOpenCalls(reader: JournalReader, runId: RunId): OpenCalls {
  const open = createOpenCalls();
  for (const recorded of reader.events(runId)) addOpenCall(open, recorded);
  return open;
}

/** What people and workers did that is no event yet. */
function outsideOf(
  reader: JournalReader,
  { runId, asked }: ReadRun,
  open: OpenCalls,
): Pick<WhyFacts, 'answered' | 'claims'> {
  const answered = new Set<string>();
  const claims = new Map<string, { worker: string; until: number }>();
  const nodes = asked.map((key) => open.byKey.get(key)?.node);
  if (nodes.some((node) => node !== undefined && !(node.kind === 'task' && node.offer !== null)))
    for (const wait of reader.waits(runId)) if (isDecided(wait)) answered.add(wait.key);
  if (nodes.some((node) => node?.kind === 'task' && node.offer !== null))
    for (const { key, status, worker, claimedUntil } of reader.openTasks({ runId })) {
      if (status === 'answered') answered.add(key);
      if (worker !== null && claimedUntil !== null) claims.set(key, { worker, until: claimedUntil });
    }
  return { answered, claims };
}

function endOf(reader: JournalReader, run: ReadRun): RunEnd {
  const nothing = { at: run.updatedAt, error: undefined, reason: undefined, nextRunId: undefined };
  const recorded = endOfRun(reader, run);
  if (recorded === undefined) return nothing;
  const { at, event } = recorded;
  if (event.type === 'RunFailed') return { ...nothing, at, error: event.error };
  if (event.type === 'RunCancelled') return { ...nothing, at, reason: event.reason };
  if (event.type === 'RunContinued') return { ...nothing, at, nextRunId: event.nextRunId };
  return { ...nothing, at };
}
