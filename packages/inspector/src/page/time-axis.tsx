/** The time that a timeline shows: all of it as one picture, and the part that is looked at. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import type { Row } from './api.ts';
import { duration } from './format.ts';

export interface Span {
  readonly from: number;
  readonly to: number;
}

export const TICKS: readonly number[] = [0, 0.25, 0.5, 0.75];

export function tickAt({ from, to }: Span, at: number, start: number): string {
  const passed = from + (to - from) * at - start;
  return passed < 1 ? '0' : duration(passed);
}

/** Nearer or further, about a place of it; undefined where that is all. */
export function zoomed(span: Span, whole: Span, about: number, by: number): Span | undefined {
  const width = Math.max(1, (span.to - span.from) * by);
  if (width >= whole.to - whole.from) return undefined;
  const centre = span.from + (span.to - span.from) * about;
  const from = Math.min(Math.max(whole.from, centre - width * about), whole.to - width);
  return { from, to: from + width };
}

const HEIGHT = 40;
/** A drag that is shorter is a click. */
const LEAST_DRAG = 0.005;

export function Overview(props: {
  readonly rows: readonly Row[];
  readonly whole: Span;
  readonly zoom: Span | undefined;
  readonly onZoom: (span: Span | undefined) => void;
}): JSX.Element {
  const { rows, whole, zoom, onZoom } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [drag, setDrag] = useState<{ readonly from: number; readonly to: number }>();
  useEffect(() => draw(canvas.current, rows, whole));
  const at = (event: PointerEvent): number => {
    const box = canvas.current?.getBoundingClientRect();
    return box === undefined ? 0 : Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  const width = whole.to - whole.from;
  const shown =
    drag ??
    (zoom === undefined
      ? undefined
      : { from: (zoom.from - whole.from) / width, to: (zoom.to - whole.from) / width });
  return (
    <div class="overview">
      <span class="label dim">
        {zoom === undefined ? (
          'Drag to zoom'
        ) : (
          <button type="button" class="link" onClick={() => onZoom(undefined)}>
            Show all of it
          </button>
        )}
      </span>
      <span
        class="track"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setDrag({ from: at(event), to: at(event) });
        }}
        onPointerMove={(event) => {
          if (drag !== undefined) setDrag({ from: drag.from, to: at(event) });
        }}
        onPointerUp={() => {
          if (drag === undefined) return;
          const [low, high] = [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)];
          setDrag(undefined);
          if (high - low > LEAST_DRAG)
            onZoom({ from: whole.from + low * width, to: whole.from + high * width });
          else onZoom(undefined);
        }}
      >
        <canvas ref={canvas} height={HEIGHT} aria-hidden="true" />
        {shown === undefined ? null : (
          <i
            class="window"
            style={{
              left: `${Math.min(shown.from, shown.to) * 100}%`,
              width: `${Math.abs(shown.to - shown.from) * 100}%`,
            }}
          />
        )}
      </span>
    </div>
  );
}

/** Every bar, a thin line each; where there are more than lines they lie over each other. */
function draw(canvas: HTMLCanvasElement | null, rows: readonly Row[], whole: Span): void {
  const context = canvas?.getContext('2d');
  if (canvas === null || context === null || context === undefined) return;
  const scale = devicePixelRatio || 1;
  const { clientWidth } = canvas;
  canvas.width = clientWidth * scale;
  canvas.height = HEIGHT * scale;
  context.scale(scale, scale);
  const style = getComputedStyle(canvas);
  const colours: Readonly<Record<string, string>> = {
    good: style.getPropertyValue('--bar-good'),
    bad: style.getPropertyValue('--bar-bad'),
    busy: style.getPropertyValue('--bar-busy'),
    wait: style.getPropertyValue('--bar-wait'),
  };
  const width = whole.to - whole.from;
  const step = Math.max(0.5, Math.min(5, (HEIGHT - 4) / rows.length));
  for (const [index, row] of rows.entries()) {
    const y = 2 + ((index * step) % (HEIGHT - 4));
    const bars = row.parts.length === 0 ? [['run', row.from, row.to, 0] as const] : row.parts;
    for (const [kind, from, to, failed] of bars) {
      const left = ((from - whole.from) / width) * clientWidth;
      const right = (((to ?? whole.to) - whole.from) / width) * clientWidth;
      context.fillStyle = colours[colourOf(row, kind, failed)] ?? '';
      context.fillRect(left, y, Math.max(1, right - left), Math.max(1, step - 1));
    }
  }
}

function colourOf(row: Row, kind: string, failed: number): string {
  if (failed === 1) return 'bad';
  if (kind !== 'run' || row.kind === 'group') return 'wait';
  if (row.status === 'failed') return 'bad';
  return row.status === 'succeeded' ? 'good' : 'busy';
}
