/** One run as the page shows it: bounded, whatever its values and however many its calls are. */
import type {
  Bar,
  CallNode,
  Encoded,
  ErrorRecord,
  JournalReader,
  Recorded,
  RunId,
  RunTree,
} from '@pawl/runtime';

import { bounded } from './bounded.ts';
import type { Describe, Document } from './describe.ts';
import type { RunFolds } from './run-folds.ts';
import { taskDocuments, waitDocuments } from './waits.ts';

const MOST_ERRORS = 4;
const MOST_TASKS = 100;

export function runDetail(
  reader: JournalReader,
  { describe, folds }: { readonly describe: Describe; readonly folds: RunFolds },
  id: RunId,
  isWhole: boolean,
): Document {
  const run = reader.get(id);
  const { tree, open, bars, from, to, resumes, isPart } = folds.read(id, isWhole);
  return {
    run: describe.run(run),
    why: describe.why(reader, id, open),
    state: Object.fromEntries(
      Object.entries(reader.state(id)).map(([name, value]) => [name, bounded(value)]),
    ),
    waits: run.status === 'running' ? waitDocuments(reader, describe, id) : [],
    tasks:
      run.status === 'running'
        ? taskDocuments(reader.openTasks({ runId: id, limit: MOST_TASKS }), describe)
        : [],
    // The tree has them bounded.
    input: tree.input ?? null,
    output: tree.output ?? null,
    failure: tree.error === undefined ? null : errorDocument(tree.error, describe),
    cancelReason: tree.cancelReason ?? null,
    parent: tree.parent ?? null,
    forkOf: tree.forkOf ?? null,
    forks: reader.forksOf(id),
    continuedAs: tree.nextRunId ?? null,
    endedAt: tree.endedAt ?? (run.status === 'running' ? null : run.updatedAt),
    isDriven: run.ownerAlive,
    from,
    to: isPart ? Math.max(to, run.updatedAt) : to,
    read: tree.lastSeq,
    isPart,
    rows: bars.map((bar) => rowOf(bar, tree)),
    resumes,
    counts: tree.counts,
  };
}

/** A call and its bar, in few words: there may be 20,000 of them. */
function rowOf(bar: Bar, tree: RunTree): Document {
  const node = bar.kind === 'rest' ? undefined : tree.byKey.get(bar.key);
  return {
    key: bar.key,
    kind: bar.kind,
    name: bar.name,
    depth: bar.depth,
    from: bar.from,
    to: bar.to,
    // Of an open call the tree knows more than the bar.
    status: bar.status === 'open' ? (node?.status ?? 'running') : bar.status,
    attempts: bar.attempts,
    parts: bar.parts.map((part) => [part.kind, part.from, part.to, part.failed ? 1 : 0]),
    ...(bar.kind === 'rest' ? { count: bar.count, failed: bar.failed } : {}),
    ...(node?.kind === 'child' ? { runId: node.runId } : {}),
  };
}

/** A call with what it got and gave; undefined where there is none of that key. */
export function callDetail(tree: RunTree, key: string, describe: Describe): Document | undefined {
  const node = tree.byKey.get(key);
  return node === undefined ? undefined : callDocument(node, describe);
}

function callDocument(node: CallNode, describe: Describe): Document {
  const { key, kind, status, openedAt, endedAt } = node;
  const base = { key, kind, status, openedAt, endedAt };
  const error = 'error' in node && node.error !== undefined ? errorDocument(node.error, describe) : null;
  switch (node.kind) {
    case 'task':
      return {
        ...base,
        name: node.name,
        pool: node.pool,
        input: node.input,
        output: node.output ?? null,
        error,
        attempts: node.attempts,
        attemptsAllowed: node.attemptsAllowed,
        retryAt: node.retryAt,
        settledBy: endedAt === null ? null : node.settledBy,
        reason: node.reason ?? null,
        offer: node.offer,
        worker: node.worker ?? null,
      };
    case 'source':
      return {
        ...base,
        name: node.name,
        error,
        attempts: node.attempts,
        items: node.items,
        retryAt: node.retryAt,
      };
    case 'timer':
      return { ...base, name: node.timer, durationMs: node.durationMs, dueAt: node.dueAt };
    case 'wait':
      return {
        ...base,
        name: node.name,
        prompt: node.prompt,
        input: node.data,
        output: node.output ?? null,
        dueAt: node.dueAt,
      };
    case 'breakpoint': {
      const { title, question, options, asked, answers, dueAt, outcome = null } = node;
      const said = answers.map(({ by, approved, option, feedback }) => ({ by, approved, option, feedback }));
      return { ...base, name: title, question, options, asked, dueAt, outcome, answers: said };
    }
    case 'child':
      return { ...base, name: node.name, runId: node.runId, output: node.output ?? null, error };
    case 'group':
      return {
        ...base,
        name: node.mode,
        width: node.width,
        outcome: node.outcome ?? null,
        winner: node.winner,
      };
    default:
      return node satisfies never;
  }
}

interface ErrorDocument extends Document {
  readonly name: string;
  readonly message: string;
  readonly place: string | null;
  readonly stack: string | null;
  readonly causes: readonly ErrorDocument[];
}

export function errorDocument(error: ErrorRecord, describe: Describe, depth = 0): ErrorDocument {
  const inner = error.cause === undefined ? [] : [error.cause];
  const causes = depth < MOST_ERRORS ? [...inner, ...(error.errors ?? [])].slice(0, MOST_ERRORS) : [];
  return {
    name: error.name,
    message: error.message,
    place: describe.place(error) ?? null,
    stack: error.stack ?? null,
    fields: error.fields === undefined ? null : bounded(error.fields),
    causes: causes.map((cause) => errorDocument(cause, describe, depth + 1)),
  };
}

/** A page of events with bounded values: as text, since a value could look like what says that it is cut. */
export function eventDocument({ seq, at, event }: Recorded): Document {
  const { type, ...fields } = event;
  return {
    seq,
    at,
    type,
    key: 'key' in event ? event.key : null,
    fields: bounded(fields as unknown as Encoded),
  };
}
