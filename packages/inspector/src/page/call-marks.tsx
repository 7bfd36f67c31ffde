/** What lies over the rows of calls: where the run went on, and what opens a run within it. */
import type { JSX } from 'preact';

import type { RunDetail } from './api.ts';
import type { Children } from './child-rows.tsx';
import { clock } from './format.ts';
import type { Span } from './time-axis.tsx';

export function ExpandButton(props: {
  readonly name: string;
  readonly runId: string;
  readonly within: Children;
  readonly left: number;
}): JSX.Element {
  const { name, runId, within, left } = props;
  const isOpen = within.isOpen(runId);
  return (
    <button
      type="button"
      class="expander"
      style={{ left: `${left}px` }}
      aria-expanded={isOpen}
      aria-label={`Calls of ${name}, run ${runId}`}
      onClick={() => within.toggle(runId)}
    >
      <span aria-hidden="true">{isOpen ? '▾' : '▸'}</span>
    </button>
  );
}

export function ResumeLines(props: {
  readonly resumes: RunDetail['resumes'];
  readonly span: Span;
}): JSX.Element | null {
  const { resumes, span } = props;
  const seen = resumes.filter(({ at }) => at >= span.from && at <= span.to);
  if (seen.length === 0) return null;
  return (
    <div class="call resume-lines" aria-hidden="true">
      <span class="label" />
      <span class="track">
        {seen.map(({ at, after }) => (
          <i
            key={at}
            class={after}
            title={`${resumeWords(after)} ${clock(at)}`}
            style={{ left: `${((at - span.from) / (span.to - span.from)) * 100}%` }}
          />
        ))}
      </span>
    </div>
  );
}

export function resumeWords(after: 'stop' | 'crash'): string {
  return after === 'crash' ? 'went on after a crash' : 'went on after a stop';
}
