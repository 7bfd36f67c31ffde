import { createHook } from 'node:async_hooks';
import { callSite, here } from './call-site.ts';
import { codeHere } from './process-code.ts';

/** Bookkeeping of Node itself, no wait of the process. */
const NO_WAIT: ReadonlySet<string> = new Set([
  'PROMISE',
  'TickObject',
  'Microtask',
  'FILEHANDLE',
  'bound-anonymous-fn',
]);

/** A wait of process code on something that is not `ctx`. */
interface ForeignWait {
  readonly type: string;
  readonly site: { readonly stack?: string };
}

const watching = new Set<ForeignWaits>();
/** By the id of Node's resource. */
const owners = new Map<number, ForeignWaits>();

function hasCome(id: number): void {
  const owner = owners.get(id);
  owners.delete(id);
  owner?.hasCome(id);
}

const options = {
  init: (id: number, type: string): void => {
    if (NO_WAIT.has(type)) return;
    const owner = codeHere()?.host.foreign;
    if (owner === undefined || !watching.has(owner)) return;
    owners.set(id, owner);
    owner.began(id, type);
  },
  before: hasCome,
  destroy: hasCome,
  // Newer than the type declarations; without it every promise pays for the hook.
  trackPromises: false,
};

/** One for all processes: each that is enabled is called for all that happens in the program. */
const hook = createHook(options);

/**
 * Sees what process code waits for outside `ctx` (timers, files, sockets, WebCrypto) while its
 * journal is replayed: only then does it matter, and only then does it cost.
 *
 * Owns what its process waits for. Talks to whoever asks. A dynamic import makes no resource and is not seen.
 */
export class ForeignWaits {
  readonly #open = new Map<number, ForeignWait>();
  #seen = false;

  watch(): void {
    if (watching.size === 0) hook.enable();
    watching.add(this);
  }

  stop(): void {
    if (!watching.delete(this)) return;
    for (const id of this.#open.keys()) owners.delete(id);
    this.#open.clear();
    if (watching.size === 0) hook.disable();
  }

  /** Its code made a resource of Node's. */
  began(id: number, type: string): void {
    this.#seen = true;
    this.#open.set(id, { type, site: here() });
  }

  /** Node comes back to it, or it is gone. */
  hasCome(id: number): void {
    this.#open.delete(id);
  }

  /** Code of the process was woken by something that is not `ctx`. */
  noteCall(): void {
    this.#seen = true;
  }

  /** Whether anything outside `ctx` was waited for since `watch`, or woke the process. */
  get seen(): boolean {
    return this.#seen;
  }

  /** Something outside `ctx` that is waited for now; `where` is file:line:column if known. */
  get current(): { readonly type: string; readonly where: string | undefined } | undefined {
    let found: { readonly type: string; readonly where: string | undefined } | undefined;
    for (const { type, site } of this.#open.values()) {
      found = { type, where: callSite(site.stack) };
      if (found.where !== undefined) return found;
    }
    return found;
  }
}
