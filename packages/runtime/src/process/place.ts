import type { CallKey } from '../journal/call-key.ts';
import type { CommandEvent } from '../journal/event.ts';

/** Under which a group's decision, or the end of reading a stream, counts as asked for. */
export function closeKey(key: CallKey): string {
  return `close ${key}`;
}

/** Under which the reading of a task's progress counts as asked for: the key is the task's already. */
export function progressKey(key: CallKey): string {
  return `progress ${key}`;
}

/** Under which a recorded call or decision counts as asked for again. */
export function placeOf(event: CommandEvent): string {
  switch (event.type) {
    case 'ScopeClosed':
    case 'StreamClosed':
      return closeKey(event.key);
    case 'StreamOpened':
      return event.kind === 'progress' ? progressKey(event.key) : event.key;
    default:
      return event.key;
  }
}
