import { isWithin, type CallKey, type ScopePath } from '../journal/call-key.ts';
import type { HostPort } from './host-port.ts';
import type { Scope } from './scope.ts';

interface Watch {
  readonly scope: Scope;
  /** Calls that were pending when it began, and are. */
  readonly left: Set<CallKey>;
  /** Groups in it that go on behind their decision. */
  readonly detached: Set<CallKey>;
  readonly callback: () => void;
}

/** What it needs of its host. */
interface WatchedHost {
  readonly live: boolean;
  readonly openCalls: ReadonlyMap<CallKey, unknown>;
  readonly openGroups: ReadonlyMap<CallKey, { readonly isDetached: boolean }>;
  readonly port: Pick<HostPort, 'leftBehind'>;
}

/**
 * Who waits until no call within a scope is pending any more: what a `ctx.scope` does at its end, a mark of a
 * reduce, the source of a stream that was closed. There are few, and none while nothing is closed.
 *
 * Owns them, and which groups go on detached. Talks to the engine by HostPort.
 * Invariant: at the head, what is pending in a fenced scope in which nothing goes on detached is given up, as at
 * the end of the process (law 12): nobody could end the wait for it otherwise.
 */
export class SettleWatch {
  readonly #host: WatchedHost;
  readonly #watches = new Set<Watch>();
  readonly #detached = new Set<CallKey>();

  constructor(host: WatchedHost) {
    this.#host = host;
  }

  add(scope: Scope, callback: () => void): void {
    const { openCalls, openGroups } = this.#host;
    const left = new Set<CallKey>();
    for (const key of openCalls.keys()) if (isWithin(key, scope.path)) left.add(key);
    if (left.size === 0) {
      callback();
      return;
    }
    const detached = new Set<CallKey>();
    for (const key of this.#detached)
      if (isWithin(key, scope.path) && openGroups.get(key)?.isDetached === true) detached.add(key);
    const watch = { scope, left, detached, callback };
    this.#watches.add(watch);
    this.#giveUp(watch);
  }

  /** The call was delivered to whoever waits for it, or nothing more of it is. */
  settled(key: CallKey): void {
    for (const watch of this.#watches) {
      if (!watch.left.delete(key) || watch.left.size > 0) continue;
      this.#watches.delete(watch);
      watch.callback();
    }
  }

  /** The group is decided, and its branches go on. */
  detached(key: CallKey): void {
    this.#detached.add(key);
    for (const { scope, detached } of this.#watches) if (isWithin(key, scope.path)) detached.add(key);
  }

  /** Nothing of the group goes on any more. */
  closed(key: CallKey): void {
    if (!this.#detached.delete(key)) return;
    for (const watch of this.#watches) if (watch.detached.delete(key)) this.#giveUp(watch);
  }

  /** The journal's head is reached. */
  goLive(): void {
    for (const watch of this.#watches) this.#giveUp(watch);
  }

  /** Whether somebody still waits there for what was left behind. */
  isLeft(path: ScopePath): boolean {
    return this.#watches.values().some((watch) => watch.scope.path === path && isAlone(watch));
  }

  #giveUp(watch: Watch): void {
    if (this.#host.live && isAlone(watch)) this.#host.port.leftBehind(watch.scope.path);
  }
}

/** A source that failed by itself is closed while its scope goes on. */
function isAlone({ scope, detached }: Watch): boolean {
  return detached.size === 0 && scope.fence !== undefined;
}
