/** What runs of a process do one after the other, learned from the newest of them. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import type { CallStatus } from '../statuses.ts';
import { useData } from './data.ts';
import { Problem } from './dialog.tsx';
import { count, duration } from './format.ts';
import type { Drawing } from './graph-layout.ts';
import { Icon } from './icons.tsx';
import { Link } from './link.tsx';
import { go, hrefOf, runPath, withQuery } from './route.ts';
import { Mark } from './status.tsx';

/** Smaller, it is scrolled and not read. */
const LEAST_SCALE = 0.7;

export interface GraphNode {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly calls: number;
  readonly failed: number;
  readonly retried: number;
  readonly averageMs: number | null;
  readonly runs: number;
  readonly examples: readonly { readonly runId: string; readonly key: string; readonly status: CallStatus }[];
}

export interface ProcessGraph {
  readonly process: string;
  readonly runs: number;
  readonly events: number;
  readonly isPart: boolean;
  readonly hidden: number;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly { readonly from: string; readonly to: string; readonly count: number }[];
}

export function GraphView({ route }: { readonly route: URL }): JSX.Element {
  const known = useData<{ processes: readonly string[] }>('/processes').data?.processes;
  const process = route.searchParams.get('process') ?? known?.[0];
  const { data, error } = useData<ProcessGraph>(
    process === undefined ? undefined : `/graph?process=${encodeURIComponent(process)}`,
  );
  const drawing = useDrawing(data);
  const chosen = data?.nodes.find(({ id }) => id === route.searchParams.get('node'));
  return (
    <>
      <header class="top">
        <h1>Graph</h1>
        {known === undefined || known.length === 0 ? null : (
          <label class="graph-process">
            <span class="hidden">Process</span>
            <select
              value={process}
              onChange={(event) =>
                go(withQuery(route, { process: event.currentTarget.value, node: undefined }), 'replace')
              }
            >
              {[...new Set([...known, ...(process === undefined ? [] : [process])])].map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
      </header>
      <Problem error={error} />
      {known?.length === 0 || data?.runs === 0 ? (
        <div class="empty">
          <h2>Nothing to learn from yet</h2>
          <p>What the runs of a process do one after the other is drawn here, once there are some.</p>
        </div>
      ) : data === undefined || drawing === undefined ? null : (
        <>
          <p class="dim graph-of">{wordsOf(data)}</p>
          <div class={`calls${chosen === undefined ? '' : ' with-panel'}`}>
            <Picture route={route} graph={data} drawing={drawing} />
            {chosen === undefined ? null : <NodePanel route={route} node={chosen} graph={data} />}
          </div>
        </>
      )}
    </>
  );
}

function wordsOf({ runs, events, isPart, hidden }: ProcessGraph): string {
  const of = `Learned from the newest ${runs === 1 ? 'run' : `${count(runs)} runs`}, ${count(events)} events.`;
  const bound = isPart ? ' More would be too many at once.' : '';
  return `${of}${bound}${hidden === 0 ? '' : ` ${count(hidden)} rare calls are not drawn.`}`;
}

/** What lays it out is loaded here alone: no other view needs it. */
function useDrawing(graph: ProcessGraph | undefined): Drawing | undefined {
  const [drawing, setDrawing] = useState<Drawing>();
  useEffect(() => {
    if (graph === undefined) return undefined;
    let isWanted = true;
    const draw = async (): Promise<void> => {
      const { layOut } = await import('./graph-layout.ts');
      if (isWanted) setDrawing(layOut(graph));
    };
    void draw();
    return () => {
      isWanted = false;
    };
  }, [graph]);
  return drawing?.process === graph?.process ? drawing : undefined;
}

function Picture(props: {
  readonly route: URL;
  readonly graph: ProcessGraph;
  readonly drawing: Drawing;
}): JSX.Element {
  const { route, graph, drawing } = props;
  const most = Math.max(1, ...graph.edges.map((edge) => edge.count));
  const byId = new Map(graph.nodes.map((node) => [node.id, node]));
  return (
    <div class="graph" tabIndex={0} role="region" aria-label={`What ${graph.process} does`}>
      <svg
        width={drawing.width}
        style={{ minWidth: `${drawing.width * LEAST_SCALE}px` }}
        viewBox={`0 0 ${drawing.width} ${drawing.height}`}
        role="group"
        aria-label="Calls and what follows them"
      >
        <defs>
          <marker
            id="arrow"
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="8"
            markerHeight="8"
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path d="M0 0 8 4 0 8Z" class="arrow" />
          </marker>
        </defs>
        {drawing.edges.map(({ id, path, label, x, y, times }) => (
          <g key={id} class="edge">
            <path
              d={path}
              style={{ strokeWidth: `${1 + 2.5 * (times / most)}px` }}
              marker-end="url(#arrow)"
            />
            <text x={x} y={y} text-anchor="middle">
              {label}
            </text>
          </g>
        ))}
        {drawing.nodes.map(({ id, x, y, width, height }) => {
          const node = byId.get(id);
          return node === undefined ? null : (
            <NodeBox key={id} route={route} node={node} x={x} y={y} width={width} height={height} />
          );
        })}
      </svg>
    </div>
  );
}

function NodeBox(props: {
  readonly route: URL;
  readonly node: GraphNode;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}): JSX.Element {
  const { route, node, x, y, width, height } = props;
  const { id, kind, name, calls, failed } = node;
  const isEnd = kind === 'start' || kind === 'end';
  const share = calls === 0 ? 0 : failed / calls;
  const to = isEnd
    ? `/?process=${encodeURIComponent(route.searchParams.get('process') ?? name)}${kind === 'end' ? `&status=${encodeURIComponent(name)}` : ''}`
    : withQuery(route, { node: id });
  const what = isEnd
    ? `${count(calls)} ${calls === 1 ? 'run' : 'runs'}`
    : `${kind} · ${count(calls)}${share > 0 ? ` · ${percent(share)} failed` : ''}`;
  return (
    <a
      class={`node ${kind}${kind === 'end' ? ` ${name}` : ''}${route.searchParams.get('node') === id ? ' chosen' : ''}`}
      href={hrefOf(to)}
      data-row
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        go(to, isEnd ? 'push' : 'replace');
      }}
    >
      <rect x={x} y={y} width={width} height={height} rx={isEnd ? height / 2 : 8} />
      {share > 0 ? (
        <rect class="share" x={x + 8} y={y + height - 5} width={(width - 16) * share} height="3" rx="1.5" />
      ) : null}
      <text class="name" x={x + width / 2} y={y + 19} text-anchor="middle">
        {name.length > 34 ? `${name.slice(0, 33)}…` : name}
      </text>
      <text class="what" x={x + width / 2} y={y + 34} text-anchor="middle">
        {what}
      </text>
    </a>
  );
}

function percent(share: number): string {
  return `${share > 0 && share < 0.01 ? '< 1' : Math.round(share * 100)} %`;
}

function NodePanel(props: {
  readonly route: URL;
  readonly node: GraphNode;
  readonly graph: ProcessGraph;
}): JSX.Element {
  const { route, node, graph } = props;
  const { kind, name, calls, failed, retried, averageMs, runs, examples } = node;
  const facts: (readonly [string, string])[] = [
    ['In runs', `${count(runs)} of ${count(graph.runs)}`],
    ['Calls', count(calls)],
    ['Failed', `${count(failed)} (${percent(failed / Math.max(1, calls))})`],
    ['Tried again', count(retried)],
  ];
  if (averageMs !== null) facts.push(['On average', duration(averageMs)]);
  return (
    <aside class="panel" aria-label="Call">
      <header>
        <h2>
          <bdi>{name}</bdi> <span class="dim">{kind}</span>
        </h2>
        <button
          type="button"
          class="icon"
          aria-label="Close"
          onClick={() => go(withQuery(route, { node: undefined }), 'replace')}
        >
          <Icon name="close" />
        </button>
      </header>
      <dl class="facts">
        {facts.map(([title, value]) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {kind === 'child' ? (
        <Link class="link" to={`/graph?process=${encodeURIComponent(name)}`}>
          What {name} does
        </Link>
      ) : null}
      <h3>Runs that have it</h3>
      <ul class="drives">
        {examples.map(({ runId, key, status }) => (
          <li key={`${runId} ${key}`}>
            <Link to={`${runPath(runId)}?call=${encodeURIComponent(key)}`}>
              <Mark status={status} /> <bdi class="id">{runId}</bdi> <code class="dim">{key}</code>
            </Link>
          </li>
        ))}
      </ul>
    </aside>
  );
}
