/** What `pawl diff --json` says: a contract, versioned in render/json.ts. */
import {
  displayStatus,
  firstDifference,
  type DiffCall,
  type Difference,
  type ReadRun,
  type RunDiff,
} from '@pawl/runtime';

import { isSame } from './render/diff.ts';
import { timestamp } from './run-document.ts';

type Document = Readonly<Record<string, unknown>>;

export function diffDocument(a: ReadRun, b: ReadRun, diff: RunDiff): Document {
  const first = firstDifference(diff);
  const all = diff.different + diff.onlyA + diff.onlyB;
  return {
    a: sideDocument(a),
    b: sideDocument(b),
    same: isSame(diff),
    calls: { same: diff.same, different: diff.different, onlyA: diff.onlyA, onlyB: diff.onlyB },
    first: first === undefined ? null : differenceDocument(first),
    differences: diff.kept.map(differenceDocument),
    // More than are kept.
    hasMore: all > diff.kept.length,
    durations: diff.slower,
    cut: diff.isCut,
  };
}

function sideDocument(run: ReadRun): Document {
  return { id: run.runId, process: run.process, status: displayStatus(run), codeHash: run.codeHash };
}

function differenceDocument({ key, a, b, aspects }: Difference): Document {
  return {
    key,
    in: a === undefined ? 'b' : b === undefined ? 'a' : 'both',
    aspects,
    a: callDocument(a),
    b: callDocument(b),
  };
}

/** Values in at most a hundred characters, as `pawl show` writes them: the whole ones are in `pawl events --json`. */
function callDocument(call: DiffCall | undefined): Document | null {
  if (call === undefined) return null;
  const { seq, kind, name, input, output, status, error, attempts, at, endedAt } = call;
  return {
    seq,
    kind,
    name,
    input: input.text,
    output: output.hash === '' ? null : output.text,
    status,
    error: error === '' ? null : error,
    attempts,
    openedAt: timestamp(at),
    endedAt: timestamp(endedAt),
  };
}
