import { createHook, type AsyncHook } from 'node:async_hooks';
import { callSite, here } from './call-site.ts';

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

/**
 * Sees what process code waits for outside `ctx` (timers, files, sockets, WebCrypto) while its
 * journal is replayed: only then does it matter, and only then does it cost.
 *
 * Owns the async hook. Talks to whoever asks. A dynamic import makes no resource and is not seen.
 */
export class ForeignWaits {
  readonly #isOurs: () => boolean;
  readonly #open = new Map<number, ForeignWait>();
  #hook: AsyncHook | undefined;
  #seen = false;

  /** @param isOurs true when the code that runs now is this process' own */
  constructor(isOurs: () => boolean) {
    this.#isOurs = isOurs;
  }

  watch(): void {
    if (this.#hook !== undefined) return;
    const options = {
      init: (id: number, type: string): void => {
        if (NO_WAIT.has(type) || !this.#isOurs()) return;
        this.#seen = true;
        this.#open.set(id, { type, site: here() });
      },
      before: (id: number): void => {
        this.#open.delete(id);
      },
      destroy: (id: number): void => {
        this.#open.delete(id);
      },
      // Newer than the type declarations; without it every promise pays for the hook.
      trackPromises: false,
    };
    this.#hook = createHook(options).enable();
  }

  stop(): void {
    this.#hook?.disable();
    this.#hook = undefined;
    this.#open.clear();
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
