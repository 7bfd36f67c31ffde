/** Where a run was forked from, and what was forked from there. */
import type { JSX } from 'preact';

import type { RunLine } from './api.ts';
import { useData } from './data.ts';
import { count } from './format.ts';
import { Link } from './link.tsx';
import { recorded } from './recorded.ts';
import { comparePath, runPath } from './route.ts';
import { Mark } from './status.tsx';

interface Node {
  readonly run: RunLine;
  /** The last event that it has in common with what it is a fork of; null for what is none. */
  readonly behind: number | null;
  readonly forks: readonly Node[];
}

export function LineageView({ id }: { readonly id: string }): JSX.Element | null {
  const { data } = useData<{ lineage: { readonly tree: Node; readonly isPart: boolean } | null }>(
    `${runPath(id)}/lineage`,
  );
  if (data === undefined || data.lineage === null) return null;
  const { tree, isPart } = data.lineage;
  return (
    <nav class="lineage" aria-label="Forks">
      <h2>Forks</h2>
      <ul>
        <OneRun node={tree} id={id} />
      </ul>
      {isPart ? <p class="dim">The first {count(200)} are shown.</p> : null}
    </nav>
  );
}

function OneRun({ node, id }: { readonly node: Node; readonly id: string }): JSX.Element {
  const { run, behind, forks } = node;
  return (
    <li>
      <span class="lineage-row">
        <Mark status={run.status} />
        <Link to={runPath(run.id)} current={run.id === id}>
          <bdi class="id">{run.id}</bdi>
        </Link>
        <span class="dim">
          {run.status}
          {behind === null ? '' : behind === 0 ? ', takes over results' : `, behind event ${count(behind)}`}
        </span>
        {run.id === id ? (
          <span class="tag">this run</span>
        ) : recorded !== undefined ? null : (
          <Link class="link" to={comparePath(run.id, id)} label={`Compare ${run.id} with this run`}>
            compare
          </Link>
        )}
      </span>
      {forks.length === 0 ? null : (
        <ul>
          {forks.map((fork) => (
            <OneRun key={fork.run.id} node={fork} id={id} />
          ))}
        </ul>
      )}
    </li>
  );
}
