/** The time that a timeline shows: all of it as one picture, and the part that is looked at. */
import type { JSX, RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import type { Row } from './api.ts';
import { duration } from './format.ts';
import { lanesFor, stretchesOf, TONES } from './overview-picture.ts';

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
  readonly hint: string;
  readonly onZoom: (span: Span | undefined) => void;
}): JSX.Element {
  const { rows, whole, zoom, hint, onZoom } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [drag, setDrag] = useState<{ readonly from: number; readonly to: number }>();
  usePicture(canvas, rows, whole);
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
          hint
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

/** Draws again when what is drawn changes: its bars, the room, the colours; and not while somebody zooms or scrolls. */
function usePicture(canvas: RefObject<HTMLCanvasElement | null>, rows: readonly Row[], whole: Span): void {
  const again = useRef(() => {});
  useEffect(() => {
    again.current = () => draw(canvas.current, rows, whole);
    again.current();
  }, [rows, whole.from, whole.to]);
  useEffect(() => {
    const { current } = canvas;
    if (current === null) return undefined;
    const listener = (): void => again.current();
    const size = new ResizeObserver(listener);
    size.observe(current);
    const theme = new MutationObserver(listener);
    theme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    const system = matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', listener);
    return () => {
      size.disconnect();
      theme.disconnect();
      system.removeEventListener('change', listener);
    };
  }, []);
}

function draw(canvas: HTMLCanvasElement | null, rows: readonly Row[], whole: Span): void {
  const context = canvas?.getContext('2d');
  if (canvas === null || context === null || context === undefined) return;
  const scale = devicePixelRatio || 1;
  const { clientWidth } = canvas;
  if (clientWidth === 0) return;
  // It is emptied by this.
  canvas.width = Math.round(clientWidth * scale);
  canvas.height = HEIGHT * scale;
  context.scale(scale, scale);
  const style = getComputedStyle(canvas);
  const step = (HEIGHT - 4) / lanesFor(rows.length);
  const stretches = stretchesOf(rows, whole, clientWidth);
  for (const tone of TONES) {
    context.fillStyle = style.getPropertyValue(`--bar-${tone}`);
    for (const { tone: own, lane, from, to } of stretches)
      if (own === tone) context.fillRect(from, 2 + lane * step, to - from, Math.max(1, step - 1));
  }
}
