/** A small line over time: what was seen while the page was open, and nothing between where nobody looked. */
import type { JSX } from 'preact';

export interface Sample {
  readonly at: number;
  readonly value: number;
}

const WIDTH = 240;
const HEIGHT = 44;
/** Longer without a look, and the line has a gap. */
const GAP_MS = 15_000;

export function LineChart(props: {
  readonly label: string;
  readonly samples: readonly Sample[];
  readonly from: number;
  readonly to: number;
  /** What the top of the chart is. */
  readonly most: number;
}): JSX.Element {
  const { label, samples, from, to, most } = props;
  const x = (at: number): number => ((at - from) / Math.max(1, to - from)) * WIDTH;
  const y = (value: number): number =>
    HEIGHT - 2 - (Math.min(value, most) / Math.max(most, 1e-9)) * (HEIGHT - 4);
  const lines: Sample[][] = [];
  for (const sample of samples.filter(({ at }) => at >= from)) {
    const line = lines.at(-1);
    if (line === undefined || sample.at - (line.at(-1)?.at ?? 0) > GAP_MS) lines.push([sample]);
    else line.push(sample);
  }
  return (
    <svg
      class="line-chart"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <line class="base" x1="0" x2={WIDTH} y1={HEIGHT - 1} y2={HEIGHT - 1} />
      {lines.map((line) => (
        <g key={line[0]?.at}>
          <path
            class="under"
            d={`M${x(line[0]?.at ?? 0)} ${HEIGHT}${line.map(({ at, value }) => `L${x(at)} ${y(value)}`).join('')}L${x(line.at(-1)?.at ?? 0)} ${HEIGHT}Z`}
          />
          <path
            class="over"
            d={line.map(({ at, value }, index) => `${index === 0 ? 'M' : 'L'}${x(at)} ${y(value)}`).join('')}
          />
        </g>
      ))}
    </svg>
  );
}
