import type { SourceNode } from '@pawl/runtime';

import { formatDuration } from './duration.ts';
import { errorTitle } from './error-record.ts';
import type { Theme } from './theme.ts';

/** `1 item`, `7 items` */
export function itemsText(count: number): string {
  return count === 1 ? '1 item' : `${count} items`;
}

/** What is said of a source: how much it gave, and how it stands. */
export function sourceNote(
  source: SourceNode,
  alive: boolean,
  now: number,
): { readonly text: string; readonly paint: keyof Theme } {
  const parts = [itemsText(source.items)];
  if (source.leftAfter !== null) parts.push(`the process stopped reading after ${source.leftAfter}`);
  if (source.status === 'backoff') {
    const wait = (source.retryAt ?? now) - now;
    parts.push(
      `attempt ${source.attempts} failed, ${alive && wait > 0 ? `again in ${formatDuration(wait)}` : 'to be tried again'}`,
    );
    if (source.error !== undefined) parts.push(errorTitle(source.error));
  } else if (source.attempts > 1) {
    parts.push(`opened ${source.attempts} times`);
  }
  return { text: parts.join(' · '), paint: source.status === 'backoff' ? 'attention' : 'dim' };
}
