/**
 * The tree of calls, and beside each its time: one list, of which only what is seen is in the page, so that ten
 * thousand calls scroll like ten.
 */
import type { JSX, RefObject } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import type { Row, RunDetail } from './api.ts';
import { useChildren, type Children } from './child-rows.tsx';
import { CallPanel } from './call-panel.tsx';
import { useNow } from './data.ts';
import { count, duration } from './format.ts';
import { useKeys } from './keys.ts';
import { ExpandButton, ResumeLines } from './call-marks.tsx';
import { go, runPath, withQuery } from './route.ts';
import { Mark } from './status.tsx';
import type { Steer } from './steer-dialog.tsx';
import { Overview, TICKS, tickAt, zoomed, type Span } from './time-axis.tsx';

const ROW_PX = 30;
/** Rows above and below what is seen, and by how many that moves. */
const SPARE = 8;

export function CallList(props: {
  readonly detail: RunDetail;
  readonly route: URL;
  readonly onSteer: ((steer: Steer) => void) | undefined;
}): JSX.Element {
  const { detail, route, onSteer } = props;
  const now = useNow(detail.isDriven ? 250 : 60_000);
  const whole: Span = { from: detail.from, to: Math.max(detail.from + 1, detail.isDriven ? now : detail.to) };
  const [zoom, setZoom] = useState<Span>();
  const span = zoom ?? whole;
  useKeys({
    '+': () => setZoom(zoomed(span, whole, 0.5, 0.5)),
    '-': () => setZoom(zoomed(span, whole, 0.5, 2)),
    '0': () => setZoom(undefined),
  });
  const chosen = route.searchParams.get('call');
  const children = useChildren(route, detail.rows);
  const { rows } = children;
  if (rows.length === 0)
    return (
      <div class="empty">
        <h2>No calls yet</h2>
        <p>What the process asks of ctx shows up here.</p>
      </div>
    );
  const choose = (row: Row): void => {
    if (row.of !== undefined)
      go(`${runPath(row.of)}${row.kind === 'rest' ? '?all=1' : `?call=${encodeURIComponent(row.key)}`}`);
    else if (row.kind === 'rest') go(withQuery(route, { all: '1' }), 'replace');
    else go(withQuery(route, { call: row.key === chosen ? undefined : row.key }), 'replace');
  };
  return (
    <div class={`calls${chosen === null ? '' : ' with-panel'}`}>
      <div class="chart">
        <Overview
          rows={rows}
          whole={whole}
          zoom={zoom}
          hint={
            detail.isPart ? `Reading ${count(detail.read)} of ${count(detail.run.lastSeq)}` : 'Drag to zoom'
          }
          onZoom={setZoom}
        />
        <Axis span={span} start={detail.from} />
        <Rows
          rows={rows}
          span={span}
          whole={whole}
          chosen={chosen}
          resumes={detail.resumes}
          within={children}
          onChoose={choose}
          onZoom={setZoom}
        />
        {children.feeds}
      </div>
      {chosen === null || detail.isPart ? null : (
        <CallPanel
          key={chosen}
          id={detail.run.id}
          callKey={chosen}
          isAll={route.searchParams.get('all') === '1'}
          onSteer={onSteer}
          onClose={() => go(withQuery(route, { call: undefined }), 'replace')}
        />
      )}
    </div>
  );
}

function Axis({ span, start }: { readonly span: Span; readonly start: number }): JSX.Element {
  return (
    <div class="axis" aria-hidden="true">
      <span class="label" />
      <span class="track">
        {TICKS.map((at) => (
          <i key={at} style={{ left: `${at * 100}%` }}>
            {tickAt(span, at, start)}
          </i>
        ))}
      </span>
    </div>
  );
}

interface RowsProps {
  readonly rows: readonly Row[];
  readonly span: Span;
  readonly whole: Span;
  readonly chosen: string | null;
  readonly resumes: RunDetail['resumes'];
  readonly within: Children;
  readonly onChoose: (row: Row) => void;
  readonly onZoom: (span: Span | undefined) => void;
}

/** The rows that are seen, and some around them: it changes once in several rows, so that most of a scroll draws none. */
function useSeen(
  element: RefObject<HTMLDivElement | null>,
  total: number,
): readonly [first: number, last: number] {
  const [[first, last], setSeen] = useState<readonly [number, number]>([0, 4 * SPARE]);
  useEffect(() => {
    const { current } = element;
    if (current === null) return undefined;
    const measure = (): void => {
      const top = Math.floor(current.scrollTop / ROW_PX / SPARE) * SPARE;
      const bottom = Math.ceil((current.scrollTop + current.clientHeight) / ROW_PX / SPARE) * SPARE;
      const next = [Math.max(0, top - SPARE), bottom + SPARE] as const;
      setSeen((now) => (now[0] === next[0] && now[1] === next[1] ? now : next));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    current.addEventListener('scroll', measure, { passive: true });
    return () => {
      observer.disconnect();
      current.removeEventListener('scroll', measure);
    };
  }, []);
  return [Math.min(first, total), Math.min(last, total)];
}

function Rows({ rows, span, whole, chosen, resumes, within, onChoose, onZoom }: RowsProps): JSX.Element {
  const element = useRef<HTMLDivElement>(null);
  const [first, last] = useSeen(element, rows.length);
  // What was drawn of a row is kept: a scroll draws only the rows that come in.
  const made = useMemo(() => new Map<number, JSX.Element>(), [rows, span.from, span.to, whole.to, chosen]);
  const rowAt = (at: number, row: Row): JSX.Element => {
    const known = made.get(at);
    if (known !== undefined) return known;
    const fresh = (
      <CallRow
        key={`${row.of ?? ''} ${row.key} ${row.kind}`}
        row={row}
        at={at}
        span={span}
        whole={whole}
        isChosen={row.of === undefined && row.key === chosen && row.kind !== 'rest'}
        within={within}
      />
    );
    made.set(at, fresh);
    return fresh;
  };
  return (
    <div
      ref={element}
      class="rows"
      role="list"
      aria-label={`${count(rows.length)} calls`}
      onClick={({ target }) => {
        const at =
          target instanceof Element ? target.closest<HTMLElement>('[data-at]')?.dataset['at'] : undefined;
        const row = rows[Number(at)];
        if (row !== undefined) onChoose(row);
      }}
      onWheel={(event) => {
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        const track = event.currentTarget.querySelector('.track')?.getBoundingClientRect();
        const at = track === undefined ? 0.5 : (event.clientX - track.left) / track.width;
        onZoom(zoomed(span, whole, Math.min(1, Math.max(0, at)), event.deltaY < 0 ? 0.8 : 1.25));
      }}
    >
      <div class="room" style={{ height: `${rows.length * ROW_PX}px` }}>
        {rows.slice(first, last).map((row, index) => rowAt(first + index, row))}
        <ResumeLines resumes={resumes} span={span} />
      </div>
    </div>
  );
}

function CallRow(props: {
  readonly row: Row;
  readonly at: number;
  readonly span: Span;
  readonly whole: Span;
  readonly isChosen: boolean;
  readonly within: Children;
}): JSX.Element {
  const { row, at, span, whole, isChosen, within } = props;
  const indent = 8 + Math.min(row.depth, 8) * 14;
  const { runId } = row;
  const end = row.to ?? whole.to;
  const isRest = row.kind === 'rest';
  return (
    <div role="listitem" class="call-item" style={{ transform: `translateY(${at * ROW_PX}px)` }}>
      <button
        type="button"
        class={`call ${row.kind}${isChosen ? ' chosen' : ''}${row.of === undefined ? '' : ' inner'}`}
        data-row
        data-at={at}
        aria-expanded={isRest ? undefined : isChosen}
      >
        <span class="label" style={{ paddingLeft: `${indent + (runId === undefined ? 0 : 20)}px` }}>
          <Mark status={row.status} />
          <bdi>{isRest ? `${count(row.count ?? 0)} more: show all` : row.name}</bdi>
          {row.attempts > 1 ? <span class="tag attention">×{row.attempts}</span> : null}
          {isRest && (row.failed ?? 0) > 0 ? <span class="tag bad">{row.failed} failed</span> : null}
          <span class="took dim">{duration(end - row.from)}</span>
        </span>
        <span class="track">
          <Bars row={row} span={span} end={end} />
        </span>
      </button>
      {runId === undefined ? null : (
        <ExpandButton name={row.name} runId={runId} within={within} left={indent - 4} />
      )}
    </div>
  );
}

function Bars({
  row,
  span,
  end,
}: {
  readonly row: Row;
  readonly span: Span;
  readonly end: number;
}): JSX.Element {
  const width = span.to - span.from;
  const place = (from: number, to: number): { left: string; width: string } => {
    const left = Math.max(0, (from - span.from) / width);
    const right = Math.min(1, (to - span.from) / width);
    return {
      left: `${left * 100}%`,
      width: `max(${right > left ? 3 : 0}px, ${Math.max(0, right - left) * 100}%)`,
    };
  };
  const isSeen = (from: number, to: number): boolean => to >= span.from && from <= span.to;
  if (row.parts.length === 0)
    return isSeen(row.from, end) ? (
      <i class={`bar ${row.kind} ${row.status}`} style={place(row.from, end)} />
    ) : (
      <></>
    );
  return (
    <>
      {row.parts.map(([kind, from, to, failed], index) =>
        isSeen(from, to ?? end) ? (
          <i
            key={index}
            class={`bar ${kind} ${failed === 1 ? 'failed' : row.status}`}
            title={`${kind} ${duration((to ?? end) - from)}`}
            style={place(from, to ?? end)}
          />
        ) : null,
      )}
    </>
  );
}
