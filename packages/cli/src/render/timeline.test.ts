import { addTimelineEvent, barsOf, createTimeline } from '@pawl/runtime';
import { expect, test } from 'vitest';

import { columnsOf } from './columns.ts';
import {
  attempt,
  FAILED,
  recordOf,
  scheduled,
  START,
  started,
  succeeded,
  type Timed,
} from './run.fixture.ts';
import { createTheme, PLAIN_THEME } from './theme.ts';
import { renderTimeline, ticksOf, tickText, type TimelineView } from './timeline.ts';
import { timelineHtml } from './timeline-html.ts';
import { timelineSvg } from './timeline-svg.ts';

process.env['TZ'] = 'UTC';

function viewOf(events: readonly Timed[], change: Parameters<typeof recordOf>[0] = {}): TimelineView {
  const timeline = createTimeline(12);
  for (const [index, [afterMs, event]] of events.entries())
    addTimelineEvent(timeline, { seq: index + 1, at: START + afterMs, event });
  const run = { ...recordOf(change), childWaits: false };
  return { run, bars: barsOf(timeline), from: timeline.from, to: timeline.to };
}

const text = (lines: readonly string[]): string => `\n${lines.join('\n')}\n`;

test.each([80, 140, 40])('%i columns', (width) => {
  const lines = renderTimeline(viewOf(FAILED, { status: 'failed' }), width, PLAIN_THEME);
  for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(width);
  expect(text(lines)).toMatchSnapshot();
});

test('colours change nothing but colours', () => {
  const view = viewOf(FAILED, { status: 'failed' });
  const painted = renderTimeline(view, 80, createTheme(true)).join('\n');
  // eslint-disable-next-line no-control-regex
  const bare = painted.replaceAll(/\u001b\[\d+m/g, '');
  expect(bare.split('\n').map((line) => line.trimEnd())).toEqual(renderTimeline(view, 80, PLAIN_THEME));
});

test('names are no markup, and no escapes', () => {
  const events = [
    started(0),
    scheduled(1, '0', '<script>&"\u001b[2J\u202e', 1),
    attempt(2, '0'),
    succeeded(9, '0'),
  ];
  const view = viewOf(events, { process: '</title><b>' });
  for (const file of [timelineSvg(view), timelineHtml(view)]) {
    for (const bad of ['<script', '<b>', '\u001b', '\u202e']) expect(file).not.toContain(bad);
    expect(file).toContain('&lt;script&gt;&amp;&quot;\\u001b[2J\\u202e');
    // It loads nothing.
    expect(file.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|@import/);
  }
});

test.each([
  [1000, 5, ['0', '200ms', '400ms', '600ms', '800ms', '1s']],
  [90_000, 3, ['0', '30s', '1m', '1m 30s']],
  [7_200_000, 4, ['0', '30m', '1h', '1h 30m', '2h']],
  [200_000_000, 3, ['0', '1d', '2d']],
])('%i ms, at most about %i ticks', (span, most, ticks) => {
  expect(ticksOf(span, most).map(tickText)).toEqual(ticks);
});
