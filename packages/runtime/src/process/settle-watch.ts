import { isWithin, type CallKey, type ScopePath } from '../journal/call-key.ts';
import type { HostPort } from './host-port.ts';
import type { OpenCall } from './open-call.ts';

interface Watch {
  readonly path: ScopePath;
  readonly left: Set<CallKey>;
  readonly callback: () => void;
}

/** What it needs of its host. */
interface Host {
  readonly openCalls: ReadonlyMap<CallKey, OpenCall>;
  readonly openGroups: ReadonlyMap<CallKey, { readonly key: CallKey; readonly isDetached: boolean }>;
  readonly live: boolean;
  readonly isStopped: boolean;
  readonly port: Pick<HostPort, 'leftUnread'>;
}

/**
 * Who waits until no call within a scope is pending any more: the source of a stream that was closed,
 * whose calls are cancelled one by one; the exits of a scope. There are few, and none while nothing is closed.
 */
export class SettleWatch {
  readonly #host: Host;
  readonly #watches = new Set<Watch>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** What scopes in it do when they end is a part of it, too, and waited for by `callback`. */
  add(path: ScopePath, callback: () => void): void {
    const left = new Set<CallKey>();
    for (const key of this.#host.openCalls.keys()) if (isWithin(key, path)) left.add(key);
    if (left.size === 0) callback();
    else this.#watches.add({ path, left, callback });
    this.look();
  }

  /** The call was delivered to whoever waits for it, or nothing more of it is. */
  settled(key: CallKey): void {
    for (const watch of this.#watches) {
      if (!watch.left.delete(key) || watch.left.size > 0) continue;
      this.#watches.delete(watch);
      watch.callback();
    }
  }

  /**
   * A group ended, or the head is reached. Whoever waits would wait for ever for a source that a detached branch left
   * unread: when the last of these has ended it is given up, as is what the process leaves open at its end.
   */
  look(): void {
    const { live, isStopped, openGroups, port } = this.#host;
    if (!live || isStopped) return;
    for (const { path } of this.#watches) {
      const goesOn = openGroups.values().some(({ key, isDetached }) => isDetached && isWithin(key, path));
      if (!goesOn && this.#hasUnread(path)) port.leftUnread(path);
    }
  }

  /** What a fence gave up is cancelled by that. */
  #hasUnread(path: ScopePath): boolean {
    for (const [key, { source, scope }] of this.#host.openCalls)
      if (source !== undefined && isWithin(key, path) && scope.fence === undefined) return true;
    return false;
  }
}
