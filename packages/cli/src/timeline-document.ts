/** What `pawl timeline --json` says: a contract, versioned in render/json.ts. */
import { displayStatus, type Bar } from '@pawl/runtime';

import type { TimelineView } from './render/timeline.ts';
import { timestamp } from './run-document.ts';

type Document = Readonly<Record<string, unknown>>;

export function timelineDocument({ run, bars, from, to }: TimelineView): Document {
  return {
    run: run.runId,
    process: run.process,
    status: displayStatus(run),
    from: timestamp(from),
    to: timestamp(to),
    bars: bars.map(barDocument),
  };
}

function barDocument(bar: Bar): Document {
  const base = { depth: bar.depth, status: bar.status, from: timestamp(bar.from), to: timestamp(bar.to) };
  if (bar.kind === 'rest')
    return { kind: 'rest', within: bar.key, ...base, count: bar.count, failed: bar.failed };
  return {
    kind: bar.kind,
    key: bar.key,
    name: bar.name,
    ...base,
    attempts: bar.attempts,
    parts: bar.parts.map((part) => ({ ...part, from: timestamp(part.from), to: timestamp(part.to) })),
  };
}
