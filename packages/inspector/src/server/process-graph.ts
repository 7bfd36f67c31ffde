/**
 * What the runs of a process do one after the other, learned from the newest of them.
 *
 * 1. A node is what is called, by kind and name, wherever it stands in the code; an edge says how often one followed
 *    another within the same scope. What runs at once in one scope follows in the order of its calls.
 * 2. It is bounded in runs, events and nodes, and says what it is made of.
 */
import { addEvent, createRunTree, type CallNode, type ReadRun, type RunTree } from '@pawl/runtime';

import type { Document } from './describe.ts';
import { unnamed } from './left-out.ts';
import { slicesOf, type Unhurried } from './slices.ts';

const MOST_LOOKED_AT = 50_000;
const MOST_EVENTS = 50_000;
const MOST_NODES = 120;
/** Calls of one place that are looked at. */
const MOST_OF_A_PLACE = 500;
const MOST_EXAMPLES = 8;
const START = 'start';

interface Node {
  readonly kind: string;
  readonly name: string;
  calls: number;
  failed: number;
  retried: number;
  tookMs: number;
  ended: number;
  readonly runs: Set<string>;
  /** Those that failed first. */
  readonly examples: { readonly runId: string; readonly key: string; readonly status: string }[];
}

interface Graph {
  readonly nodes: Map<string, Node>;
  /** By `from\nto`. */
  readonly edges: Map<string, number>;
}

/** @param most runs @throws RuntimeError STOPPED */
export async function processGraph(reading: Unhurried, process: string, most: number): Promise<Document> {
  const graph: Graph = { nodes: new Map(), edges: new Map() };
  const { runs } = reading.reader.search({ process, limit: most, lookAt: MOST_LOOKED_AT }, unnamed);
  let events = 0;
  let used = 0;
  for (const run of runs) {
    if (used > 0 && events + run.lastSeq > MOST_EVENTS) break;
    const tree = createRunTree(() => null, MOST_OF_A_PLACE);
    for await (const slice of slicesOf(reading, run.runId, MOST_EVENTS)) {
      for (const recorded of slice) {
        addEvent(tree, recorded);
        events += 1;
      }
    }
    used += 1;
    addRun(graph, run, tree);
  }
  return { process, runs: used, events, isPart: used < runs.length, ...documentOf(graph) };
}

function addRun(graph: Graph, run: ReadRun, tree: RunTree): void {
  const start = nodeOf(graph, START, run.process);
  count(start, run.runId);
  const exits = walk(graph, run.runId, tree.calls, new Set([idOf(START, run.process)]));
  if (tree.status === 'running') return;
  const end = nodeOf(graph, 'end', tree.status);
  count(end, run.runId);
  for (const from of exits) follow(graph, from, idOf('end', tree.status));
}

/** @returns what the next call follows */
function walk(
  graph: Graph,
  runId: string,
  calls: readonly CallNode[],
  before: ReadonlySet<string>,
): ReadonlySet<string> {
  let last = before;
  for (const call of calls) {
    const name = call.kind === 'group' ? call.mode : call.kind === 'timer' ? call.timer : nameOf(call);
    const id = idOf(call.kind, name);
    addCall(nodeOf(graph, call.kind, name), runId, call);
    for (const from of last) follow(graph, from, id);
    last = new Set([id]);
    if (call.kind !== 'group') continue;
    const exits = call.branches.flatMap((branch) => [...walk(graph, runId, branch.calls, last)]);
    if (exits.length > 0) last = new Set(exits);
  }
  return last;
}

function nameOf(call: Exclude<CallNode, { kind: 'group' | 'timer' }>): string {
  return call.kind === 'breakpoint' ? call.title : call.name;
}

function addCall(node: Node, runId: string, call: CallNode): void {
  count(node, runId);
  if (call.status === 'failed') node.failed += 1;
  if ('attempts' in call && call.attempts > 1) node.retried += 1;
  if (call.endedAt !== null) {
    node.tookMs += Math.max(0, call.endedAt - call.openedAt);
    node.ended += 1;
  }
  const example = { runId, key: call.key, status: call.status };
  if (call.status === 'failed') node.examples.unshift(example);
  else node.examples.push(example);
  node.examples.length = Math.min(node.examples.length, MOST_EXAMPLES);
}

function count(node: Node, runId: string): void {
  node.calls += 1;
  node.runs.add(runId);
}

function idOf(kind: string, name: string): string {
  return `${kind} ${name}`;
}

function nodeOf({ nodes }: Graph, kind: string, name: string): Node {
  const id = idOf(kind, name);
  const known = nodes.get(id);
  if (known !== undefined) return known;
  const node: Node = {
    kind,
    name,
    calls: 0,
    failed: 0,
    retried: 0,
    tookMs: 0,
    ended: 0,
    runs: new Set(),
    examples: [],
  };
  nodes.set(id, node);
  return node;
}

function follow({ edges }: Graph, from: string, to: string): void {
  const name = `${from}\n${to}`;
  edges.set(name, (edges.get(name) ?? 0) + 1);
}

function documentOf({ nodes, edges }: Graph): Document {
  const shown = [...nodes].toSorted(([, a], [, b]) => b.calls - a.calls).slice(0, MOST_NODES);
  const ids = new Set(shown.map(([id]) => id));
  return {
    nodes: shown.map(([id, { kind, name, calls, failed, retried, tookMs, ended, runs, examples }]) => ({
      id,
      kind,
      name,
      calls,
      failed,
      retried,
      averageMs: ended === 0 ? null : tookMs / ended,
      runs: runs.size,
      examples,
    })),
    edges: [...edges].flatMap(([name, times]) => {
      const [from = '', to = ''] = name.split('\n');
      return ids.has(from) && ids.has(to) ? [{ from, to, count: times }] : [];
    }),
    hidden: nodes.size - shown.length,
  };
}
