import { CancelledError } from '@pawl/sdk';
import { isWithin, type CallKey, type ScopePath } from '../journal/call-key.ts';
import type { HostPort } from './host-port.ts';
import type { Scope } from './scope.ts';

interface Watch {
  readonly scope: Scope;
  /** Calls that were pending when it began, and are. */
  readonly left: Set<CallKey>;
  /** Of these, with their scopes, what no fence had reached then: of branches that went on detached. */
  readonly spared: Map<CallKey, Scope>;
  readonly callback: () => void;
}

/** What it needs of its host. */
interface WatchedHost {
  readonly live: boolean;
  readonly openCalls: ReadonlyMap<CallKey, { readonly scope: Scope }>;
  readonly openGroups: ReadonlyMap<CallKey, { readonly key: CallKey; readonly isDetached: boolean }>;
  readonly port: Pick<HostPort, 'leftBehind'>;
}

/**
 * Who waits until no call within a scope is pending any more: what a `ctx.scope` does at its end, a mark of a
 * reduce, the source of a stream that was closed. There are few, and none while nothing is closed.
 *
 * Owns them. Talks to the engine by HostPort.
 * Invariant: what detached branches left pending there when the last of them ended is given up, as at the end of
 * the process (law 12): it may be something that nobody ends. The fence is a recorded abort of their group (law 11).
 */
export class SettleWatch {
  readonly #host: WatchedHost;
  readonly #watches = new Set<Watch>();

  constructor(host: WatchedHost) {
    this.#host = host;
  }

  add(scope: Scope, callback: () => void): void {
    const watch = { scope, left: new Set<CallKey>(), spared: new Map<CallKey, Scope>(), callback };
    for (const [key, call] of this.#host.openCalls) {
      if (!isWithin(key, scope.path)) continue;
      watch.left.add(key);
      if (call.scope.fence === undefined) watch.spared.set(key, call.scope);
    }
    if (watch.left.size === 0) {
      callback();
      return;
    }
    this.#watches.add(watch);
    this.#look(watch);
  }

  /** The call was delivered to whoever waits for it, or nothing more of it is. */
  settled(key: CallKey): void {
    for (const watch of this.#watches) {
      watch.spared.delete(key);
      if (!watch.left.delete(key) || watch.left.size > 0) continue;
      this.#watches.delete(watch);
      watch.callback();
    }
  }

  /** Nothing of the group goes on any more. */
  closed(key: CallKey): void {
    for (const watch of this.#watches)
      if (watch.spared.size > 0 && isWithin(key, watch.scope.path)) this.#look(watch);
  }

  /** The journal's head is reached. */
  goLive(): void {
    for (const watch of this.#watches) this.#look(watch);
  }

  /** Whether the group has ended, and somebody waits for what its branches left behind. */
  isLeftBehind(group: CallKey): boolean {
    for (const watch of this.#watches)
      if (watch.spared.keys().some((key) => isWithin(key, group))) return !this.#goesOn(watch);
    return false;
  }

  /** It is recorded that what the group's branches left behind is given up. */
  giveUp(group: CallKey, reason: string): void {
    for (const { spared } of this.#watches) {
      for (const [key, scope] of spared) {
        if (!isWithin(key, group)) continue;
        scope.around(group)?.raiseFence(new CancelledError(reason), 'all');
        return;
      }
    }
  }

  #look(watch: Watch): void {
    if (!this.#host.live || watch.spared.size === 0 || this.#goesOn(watch)) return;
    const groups = new Set<ScopePath>();
    for (const scope of watch.spared.values()) {
      const detached = scope.fence === undefined ? scope.outermostDetached(watch.scope) : undefined;
      if (detached !== undefined) groups.add(detached.path);
    }
    for (const group of groups) this.#host.port.leftBehind(group);
  }

  #goesOn({ scope }: Watch): boolean {
    return this.#host.openGroups
      .values()
      .some(({ key, isDetached }) => isDetached && isWithin(key, scope.path));
  }
}
