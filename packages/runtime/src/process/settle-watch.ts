import { CancelledError } from '@pawl/sdk';
import { isWithin, type CallKey } from '../journal/call-key.ts';
import type { HostPort } from './host-port.ts';
import type { Scope } from './scope.ts';

/** A group that was decided, and whose branches went on. */
interface Detached {
  readonly inside: Scope;
  /** Calls in it that were pending when the watch began, and are. */
  left: number;
}

interface Watch {
  readonly scope: Scope;
  /** Calls that were pending when it began, and are; with the outermost detached group that each lies in, if any. */
  readonly left: Map<CallKey, Detached | undefined>;
  readonly detached: Map<CallKey, Detached>;
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

  /** @returns takes it back */
  add(scope: Scope, callback: () => void): () => void {
    const watch: Watch = { scope, left: new Map(), detached: new Map(), callback };
    for (const [key, call] of this.#host.openCalls)
      if (isWithin(key, scope.path)) watch.left.set(key, detachedOf(watch, call.scope));
    if (watch.left.size === 0) callback();
    else this.#watches.add(watch);
    // Its fence may have ended what went on in others.
    this.closed(scope.path);
    return () => void this.#watches.delete(watch);
  }

  /** The call was delivered to whoever waits for it, or nothing more of it is. */
  settled(key: CallKey): void {
    for (const watch of this.#watches) {
      const detached = watch.left.get(key);
      if (!watch.left.delete(key)) continue;
      if (detached !== undefined) detached.left -= 1;
      if (watch.left.size > 0) continue;
      this.#watches.delete(watch);
      watch.callback();
    }
  }

  /** Nothing of the group goes on any more. */
  closed(key: CallKey): void {
    for (const watch of this.#watches) if (isWithin(key, watch.scope.path)) this.#look(watch);
  }

  /** The journal's head is reached. */
  goLive(): void {
    for (const watch of this.#watches) this.#look(watch);
  }

  /** Whether branches of the group left something behind that is waited for, and nothing goes on there. */
  isLeftBehind(group: CallKey): boolean {
    for (const watch of this.#watches)
      if (isLeft(watch.detached.get(group)) && !this.#goesOn(watch)) return true;
    return false;
  }

  /** It is recorded that what the group's branches left behind is given up. */
  giveUp(group: CallKey, reason: string): void {
    for (const { detached } of this.#watches)
      detached.get(group)?.inside.raiseFence(new CancelledError(reason), 'all');
  }

  #look(watch: Watch): void {
    if (!this.#host.live || watch.detached.size === 0) return;
    const groups = [...watch.detached].filter(([, detached]) => isLeft(detached));
    if (groups.length === 0 || this.#goesOn(watch)) return;
    for (const [key] of groups) this.#host.port.leftBehind(key);
  }

  #goesOn({ scope }: Watch): boolean {
    return this.#host.openGroups
      .values()
      .some(({ key, isDetached }) => isDetached && isWithin(key, scope.path));
  }
}

function detachedOf(watch: Watch, scope: Scope): Detached | undefined {
  const inside = scope.fence === undefined ? scope.outermostDetached(watch.scope) : undefined;
  if (inside === undefined) return undefined;
  const detached = watch.detached.get(inside.path) ?? { inside, left: 0 };
  detached.left += 1;
  watch.detached.set(inside.path, detached);
  return detached;
}

function isLeft(detached: Detached | undefined): boolean {
  return detached !== undefined && detached.left > 0 && detached.inside.fence === undefined;
}
