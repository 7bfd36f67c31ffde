/** Where the nodes of a graph stand: layers from the start to the end, with few crossings. */
import { Graph, layout } from '@dagrejs/dagre';

import type { ProcessGraph } from './graph-view.tsx';

export interface Drawing {
  readonly process: string;
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly {
    readonly id: string;
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  }[];
  readonly edges: readonly {
    readonly id: string;
    readonly path: string;
    readonly label: string;
    readonly x: number;
    readonly y: number;
    readonly times: number;
  }[];
}

const HEIGHT = 46;
const MARGIN = 16;
/** Room for a loop and its number. */
const LOOP = 40;
/** Of a character of a name, on average. */
const CHARACTER = 7.6;

interface Point {
  readonly x: number;
  readonly y: number;
}

export function layOut({ process, nodes, edges }: ProcessGraph): Drawing {
  const graph = new Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: 28, ranksep: 40, edgesep: 16, marginx: MARGIN, marginy: MARGIN });
  for (const { id, name } of nodes)
    graph.setNode(id, { width: Math.max(150, Math.min(name.length, 34) * CHARACTER + 32), height: HEIGHT });
  for (const { from, to, count } of edges)
    graph.setEdge(from, to, {
      width: String(count).length * 7 + 6,
      height: 12,
      labelpos: 'c',
      weight: count,
    });
  layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  return {
    process,
    width: Math.ceil(width) + (edges.some(({ from, to }) => from === to) ? LOOP : 0),
    height: Math.ceil(height),
    nodes: nodes.map(({ id }) => {
      const { x, y, width: own, height: tall } = graph.node(id) as Point & { width: number; height: number };
      return { id, x: x - own / 2, y: y - tall / 2, width: own, height: tall };
    }),
    edges: edges.map(({ from, to, count }) => {
      const id = `${from}\n${to}`;
      const label = count.toLocaleString('en-US');
      if (from === to) {
        const { x, y, width: own } = graph.node(from) as Point & { width: number };
        return { id, label, times: count, ...loopAt({ x: x + own / 2, y }) };
      }
      const { points, x, y } = graph.edge(from, to) as Point & { readonly points: readonly Point[] };
      return { id, path: pathOf(points), label, x, y: y + 4, times: count };
    }),
  };
}

/** Of what follows itself: beside its right edge, where the layout leaves room. */
function loopAt({ x, y }: Point): Point & { readonly path: string } {
  const path = `M${x} ${y - 8}C${x + 30} ${y - 24} ${x + 30} ${y + 24} ${x} ${y + 8}`;
  return { path, x: x + 32, y: y + 4 };
}

/** Through the middles of its lines, so that it has no corners. */
function pathOf(points: readonly Point[]): string {
  const [first, ...rest] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined) return '';
  const curves = rest.slice(0, -1).map((point, index) => {
    const next = rest[index + 1] ?? point;
    const isLast = index === rest.length - 2;
    const end = isLast ? next : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    return `Q${round(point)} ${round(end)}`;
  });
  return `M${round(first)}${curves.join('')}${rest.length === 1 ? `L${round(last)}` : ''}`;
}

function round({ x, y }: Point): string {
  return `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`;
}
