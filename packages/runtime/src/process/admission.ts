import { CancelledError } from '@pawl/sdk';
import {
  namedKey,
  ordinalKey,
  ROOT_SCOPE,
  scopeOf,
  type CallKey,
  type ScopePath,
} from '../journal/call-key.ts';
import type { Encoded } from '../journal/event.ts';
import type { Seq } from '../journal/ids.ts';
import type { CallState } from '../kernel/state.ts';
import { callSite, here } from './call-site.ts';
import type { Scope } from './scope.ts';

/** What a use of `ctx` asks for: compared with what was recorded. */
export interface Asked {
  readonly fingerprint: string;
  /** In words: "task 'charge'". */
  readonly what: string;
  readonly args?: Encoded;
}

/** A use of `ctx` on its way to a key. */
export interface Request {
  readonly scope: Scope;
  readonly name: string | undefined;
  readonly asked: Asked;
  /** Where it was made, of one that waits. */
  site?: { readonly stack?: string };
  /** Makes it a command under its key. */
  readonly issue: (key: CallKey) => void;
  /** It gets no key any more. */
  readonly refuse: (reason: CancelledError) => void;
}

/** What is known of the journal below its head. */
export interface RecordedCalls {
  recorded(key: CallKey): CallState | undefined;
  /** Whether this call is the next that the journal holds; null = its end. */
  isAt(key: CallKey | null): boolean;
}

/** The process asked under a key for something else than was recorded. */
export interface Contradiction {
  readonly key: CallKey;
  readonly asked: Asked;
  readonly where: string | undefined;
  /** Of what was recorded, where that is not the call itself. */
  readonly seq?: Seq;
  /** Under which it would be recorded, where that is another one. */
  readonly askedKey?: CallKey;
}

/**
 * Gives each request its key: at the head at once, below it where the journal has its place.
 *
 * Owns the scopes that are open and the requests without a place. Talks to nobody.
 * Invariants: P3 keys depend on scope and delivery order only. Below the head a call that a delivery
 * caused is numbered at once where it is what the journal holds next, or follows all that it holds;
 * one that a wait outside ctx caused, where it is what the journal holds next and no other of its scope
 * waits. Any other waits until the replay stands at a recorded call that is just it, or until the head. (A
 * wait on something outside ctx can be shorter on replay than it was: what comes early must not take
 * the place of another's call.)
 */
export class Admission {
  /** At the journal's head: what is asked for is new. */
  live = false;
  /** Whether process code runs because of a delivery. */
  inTurn = false;
  contradiction: Contradiction | undefined;
  /** Of which calls it is noted where they are made: of all it costs as much as the replay itself. */
  notes: 'none' | 'new' | 'all' = 'none';
  /** Where each call was made, of one that somebody steps through. */
  places: Map<CallKey, { readonly stack?: string }> | undefined;
  readonly #journal: RecordedCalls;
  readonly #scopes = new Map<string, Scope>();
  /** Below the journal's head: decisions made so far, and calls that it does not hold. */
  readonly #issued = new Set<string>();
  /** Recorded calls that were asked for again, by their seq: a number is looked up faster than a text that was read. */
  readonly #issuedCalls = new Set<Seq>();
  #lastSite: { readonly stack?: string } | undefined;
  #firstNew:
    | { readonly key: CallKey; readonly what: string; readonly site: { readonly stack?: string } }
    | undefined;
  /** Requests without a place in the journal so far, in order of arrival. */
  readonly #held = new Set<Request>();

  constructor(journal: RecordedCalls, root: Scope) {
    this.#journal = journal;
    this.addScope(root);
  }

  addScope(scope: Scope): void {
    if (!this.live) this.#scopes.set(scope.path, scope);
  }

  /**
   * Its group was decided, or it settled as a branch of a stream, which must not keep them all. What it
   * left behind can still ask: a request that waits for its place keeps its scope here, or brings it back.
   */
  removeScope(path: ScopePath): void {
    if (this.#scopes.get(path)?.waiting.length === 0) this.#scopes.delete(path);
  }

  admit(request: Request): void {
    const { scope, name } = request;
    if (this.live) {
      if (!scope.isParked) {
        this.#number(request);
        return;
      }
    } else {
      const key = keyIn(scope, name);
      const recorded = this.#journal.recorded(key);
      if (this.#hasPlace(request, key, recorded)) {
        this.#numberAs(request, key, recorded);
        return;
      }
    }
    if (!this.live) request.site = here();
    scope.waiting.push(request);
    this.#held.add(request);
    this.addScope(scope);
  }

  #hasPlace({ scope, name, asked }: Request, key: CallKey, recorded: CallState | undefined): boolean {
    if (recorded === undefined) return this.inTurn && this.#journal.isAt(null);
    // A name says which call is meant: another input is a contradiction wherever the replay stands.
    if (recorded.fingerprint !== asked.fingerprint) return name !== undefined;
    return (this.inTurn || scope.waiting.length === 0) && this.#journal.isAt(key);
  }

  /** Replay stands at this recorded call: numbers a request that waits for just that place. */
  admitAt(key: CallKey, fingerprint: string): boolean {
    const scope = this.#scopes.get(scopeOf(key));
    if (scope === undefined) return false;
    const request = scope.waiting.find(
      ({ asked, name }) => asked.fingerprint === fingerprint && keyIn(scope, name) === key,
    );
    if (request === undefined) return false;
    this.#unhold(request);
    this.#number(request);
    return true;
  }

  /** The head is reached: what waited for a place is new. */
  goLive(): void {
    this.live = true;
    this.#issued.clear();
    this.#issuedCalls.clear();
    this.#scopes.clear();
    this.refuseFenced();
    for (const request of this.#held) {
      if (request.scope.isParked) continue;
      // All that waits in this scope gets its keys now.
      request.scope.waiting.length = 0;
      this.#held.delete(request);
      this.#number(request);
    }
  }

  /** A branch is parked no longer: what it asked for is new, or refused where it was given up. */
  release(scope: Scope): void {
    scope.isParked = false;
    if (scope.fence !== undefined) {
      this.refuseFenced();
      return;
    }
    for (const request of scope.waiting.splice(0)) {
      this.#held.delete(request);
      this.#number(request);
    }
  }

  /** Seq of the recorded call that the first request of a scope waits for; Infinity where there is none. */
  placeOf(scope: Scope): number {
    const [request] = scope.waiting;
    const recorded = request === undefined ? undefined : this.#journal.recorded(keyIn(scope, request.name));
    return recorded?.seq ?? Infinity;
  }

  /** A fence was raised: what waits behind it for a place came after it, and gets none (law 5). */
  refuseFenced(): void {
    for (const request of this.#held) {
      const { scope } = request;
      if (scope.fence === undefined) continue;
      this.#unhold(request);
      scope.outstanding -= 1;
      if (scope.refuseOnce()) request.refuse(new CancelledError(scope.fence.message));
    }
  }

  #unhold(request: Request): void {
    const { waiting, isFinished, fence, path } = request.scope;
    waiting.splice(waiting.indexOf(request), 1);
    this.#held.delete(request);
    if (isFinished || fence !== undefined) this.removeScope(path);
  }

  /** The first call that the journal does not hold, where that is noted. */
  get firstNew():
    | { readonly key: CallKey; readonly what: string; readonly where: string | undefined }
    | undefined {
    if (this.#firstNew === undefined) return undefined;
    const { key, what, site } = this.#firstNew;
    return { key, what, where: callSite(site.stack) };
  }

  /** Where the call was made that got its key last, where that is noted of all. */
  get lastCall(): string | undefined {
    return callSite(this.#lastSite?.stack);
  }

  hasIssued(key: string): boolean {
    return this.#issued.has(key);
  }

  /** @param seq of the call's first event */
  hasIssuedCall(seq: Seq): boolean {
    return this.#issuedCalls.has(seq);
  }

  noteIssued(key: string): void {
    if (!this.live) this.#issued.add(key);
  }

  /** What the process asks for instead of the recorded call, where that can be told. */
  instead(key: CallKey): Contradiction | undefined {
    if (this.contradiction !== undefined) return this.contradiction;
    const request = this.#scopes.get(scopeOf(key))?.waiting[0] ?? this.#held.values().next().value;
    if (request === undefined) return undefined;
    const { scope, name, asked } = request;
    return { key, asked, where: siteOf(request), askedKey: keyIn(scope, name) };
  }

  /** Whether the branch that numbers this key is there and can still ask for it. */
  isScopeOpen(key: CallKey): boolean {
    const path = scopeOf(key);
    return path === ROOT_SCOPE || this.#scopes.get(path)?.isFinished === false;
  }

  #number(request: Request): void {
    const key = keyIn(request.scope, request.name);
    this.#numberAs(request, key, this.live ? undefined : this.#journal.recorded(key));
  }

  /** @param recorded under the key; below the head only */
  #numberAs(request: Request, key: CallKey, recorded: CallState | undefined): void {
    if (request.name === undefined) request.scope.nextOrdinal += 1;
    if (this.notes !== 'none') this.#note(request, key);
    if (!this.live) {
      if (recorded !== undefined && recorded.fingerprint !== request.asked.fingerprint) {
        this.contradiction ??= { key, asked: request.asked, where: siteOf(request) };
        return;
      }
      if (recorded === undefined) this.#issued.add(key);
      else this.#issuedCalls.add(recorded.seq);
    }
    request.scope.issued += 1;
    request.scope.isParked = false;
    request.issue(key);
  }

  #note(request: Request, key: CallKey): void {
    const isNew = this.#firstNew === undefined && this.#journal.recorded(key) === undefined;
    if (!isNew && this.notes === 'new') return;
    const { site = here(), asked } = request;
    this.#lastSite = site;
    this.places?.set(key, site);
    if (isNew) this.#firstNew = { key, what: asked.what, site };
  }
}

/** One that does not wait is being made just now. */
function siteOf({ site = here() }: Request): string | undefined {
  return callSite(site.stack);
}

/** The key that a request gets if it is numbered now. */
export function keyIn(scope: Scope, name: string | undefined): CallKey {
  return name === undefined ? ordinalKey(scope.path, scope.nextOrdinal) : namedKey(scope.path, name);
}
