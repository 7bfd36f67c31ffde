import { AsyncLocalStorage } from 'node:async_hooks';
import { toErrorRecord, type ErrorRecord } from '../journal/error-record.ts';
import { callSite } from './call-site.ts';

/** Where a rejection goes that happened in the async context of a run; undefined where none is ours. */
type Claim = () => ((message: string) => void) | undefined;

/** Shared with another copy of this module: two listeners would each take the other's for the user's. */
const REGISTRY = Symbol.for('pawl.stray-rejections');

/** In these modes Node does the same whether or not anybody listens. The last one counts. */
const MODE = /--unhandled-rejections[= ](\w[\w-]*)/g;
const DEAF_MODES = ['strict', 'warn', 'none'];

let handedBack: (() => void)[] = [];

/**
 * From now on a rejection in process code that nobody waited for (a floating async function that fails,
 * or goes on behind a fence) is told instead of ending the program with all its other runs.
 *
 * Node calls the listener in the async context in which the promise was rejected. It stays for the
 * life of the program: code that a run left behind can still fail when the run has ended. All other
 * rejections take the way that they would without us.
 */
export function claimStrayRejections(claim: Claim): void {
  const holder = globalThis as { [REGISTRY]?: Set<Claim> };
  const known = holder[REGISTRY];
  const claims = known ?? (holder[REGISTRY] = new Set());
  claims.add(claim);
  if (known !== undefined) return;
  const listener = (reason: unknown): void => {
    for (const owner of claims) {
      const tellOwner = owner();
      if (tellOwner === undefined) continue;
      tellOwner(inWords(reason));
      return;
    }
    // Whoever else listens has it by now, and decides.
    if (process.listenerCount('unhandledRejection') === 1 && listenersDecide()) handBack(reason, listener);
  };
  process.on('unhandledRejection', listener);
}

/**
 * Rejects once more where nobody listens, so that Node itself does what it does then: uncaughtException,
 * the message, the exit code.
 */
function handBack(reason: unknown, listener: NodeJS.UnhandledRejectionListener): void {
  handedBack.push(AsyncLocalStorage.bind(() => void Promise.reject(reason)));
  if (handedBack.length > 1) return;
  // Behind the rejections of this moment: ours among them must be heard.
  process.nextTick(() => {
    process.off('unhandledRejection', listener);
    const again = handedBack;
    handedBack = [];
    for (const reject of again) reject();
    setImmediate(() => process.on('unhandledRejection', listener));
  });
}

function listenersDecide(): boolean {
  const options = [process.env['NODE_OPTIONS'] ?? '', ...process.execArgv].join(' ');
  const mode = [...options.matchAll(MODE)].at(-1)?.[1] ?? 'throw';
  return !DEAF_MODES.includes(mode);
}

/** Anything can be rejected with; no getter or proxy of the user's gets to throw here. */
function inWords(reason: unknown): string {
  const error = toErrorRecord(reason);
  return `an error nobody waited for, at ${whereOf(error) ?? 'an unknown place'}: ${error.name}: ${error.message}. Await each promise, or catch what it may fail with; the run goes on.`;
}

/** Errors of ours are made where they are delivered; then the place is that of the cause. */
function whereOf(error: ErrorRecord | undefined): string | undefined {
  return error === undefined ? undefined : (callSite(error.stack) ?? whereOf(error.cause));
}
