import { isWithin, type CallKey, type ScopePath } from '../journal/call-key.ts';

/**
 * Who waits until no call within a scope is pending any more: the source of a stream that was closed,
 * whose calls are cancelled one by one. There are few, and none while nothing is closed.
 */
export class SettleWatch {
  readonly #watches = new Set<{ readonly left: Set<CallKey>; readonly callback: () => void }>();

  /** @param pending keys of all calls that are pending now */
  add(pending: Iterable<CallKey>, path: ScopePath, callback: () => void): void {
    const left = new Set<CallKey>();
    for (const key of pending) if (isWithin(key, path)) left.add(key);
    if (left.size === 0) callback();
    else this.#watches.add({ left, callback });
  }

  /** The call was delivered to whoever waits for it, or nothing more of it is. */
  settled(key: CallKey): void {
    for (const watch of this.#watches) {
      if (!watch.left.delete(key) || watch.left.size > 0) continue;
      this.#watches.delete(watch);
      watch.callback();
    }
  }
}
