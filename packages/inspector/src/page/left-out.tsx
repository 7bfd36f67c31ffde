import type { JSX } from 'preact';

import type { LeftOutRun } from './api.ts';
import { count } from './format.ts';

/** Damaged runs that a list goes on without. */
export function LeftOut({ runs }: { readonly runs: readonly LeftOutRun[] }): JSX.Element | null {
  const [first, ...others] = runs;
  if (first === undefined) return null;
  return (
    <p class="problem" role="alert">
      Run <bdi>{first.id}</bdi> is left out
      {others.length === 0 ? null : ` (and ${count(others.length)} more)`}, since it is damaged:{' '}
      {first.problem}. <span class="dim">pawl verify</span>
    </p>
  );
}
