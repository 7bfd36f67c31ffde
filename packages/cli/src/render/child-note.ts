import type { ChildNode } from '@pawl/runtime';

import { clean } from './clean.ts';
import type { Theme } from './theme.ts';
import { shown } from './value.ts';

/** What is said of a run that another one started: its id, by which it is shown for itself, and what it came to. */
export function childNote(
  { runId, status, output, reason, isDetached }: ChildNode,
  values: boolean,
): { readonly text: string; readonly paint: keyof Theme } {
  const id = clean(runId);
  if (isDetached && status === 'succeeded') return { text: `${id} · goes on by itself`, paint: 'dim' };
  if (status === 'cancelled' && reason !== undefined)
    return { text: `${id} · ${clean(reason)}`, paint: 'dim' };
  return { text: values && output !== undefined ? `${id} → ${shown(output)}` : id, paint: 'dim' };
}
