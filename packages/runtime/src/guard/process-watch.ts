import { syncBuiltinESMExports } from 'node:module';
import { callSite, here } from '../process/call-site.ts';
import type { ImpureCall, ImpureKind } from '../process/host-port.ts';
import type { ProcessHost } from '../process/host.ts';
import { codeHere } from '../process/process-code.ts';
import { allWatched, type Watched } from './watched.ts';

/** A place in process code that does what only tasks, or ctx, may do. */
export interface ImpureSite extends ImpureCall {
  /** file:line:column; null where the stack does not tell. */
  readonly where: string | null;
}

/** What process code gets from chance and from the wall clock; null: what it is. */
export interface ImpureValues {
  random(): number;
  now(): number;
  seen(site: ImpureSite): void;
}

type Callable = (...args: readonly unknown[]) => unknown;

/** Others may put one back that we had taken away: fake timers that were in place meanwhile do. */
const ORIGINALS = new WeakMap<object, unknown>();

function originalOf(current: unknown): unknown {
  return (typeof current === 'function' ? ORIGINALS.get(current) : undefined) ?? current;
}

/** What each replay gets, or does, again: a crash brings it out. */
const FOR_VALUES: ReadonlySet<ImpureKind> = new Set(['random', 'clock', 'effect']);
const NEW_DATE: ImpureCall = { kind: 'clock', name: 'new Date()' };

/**
 * Sees what process code does outside ctx: chance, the wall clock, files, requests, commands, timers. Tasks, and all
 * other code of the program, go past it.
 *
 * Owns what it put in place of globals and of functions of Node while anybody uses it. Tells the run whose code it is,
 * or whoever chooses the values. Invariant: nothing is in place while nobody uses it; what others put in place since
 * stays theirs.
 */
export class ProcessWatch {
  /** Whom to ask, instead of telling the run. */
  values: ImpureValues | undefined;
  #users = 0;
  /** A watched function is under way, called by process code. */
  #isInside = false;
  #undo: (() => void)[] = [];

  /** @returns gives it up */
  use(): () => void {
    this.#users += 1;
    if (this.#users === 1) this.#install();
    let isUsed = true;
    return () => {
      if (!isUsed) return;
      isUsed = false;
      this.#users -= 1;
      if (this.#users === 0) this.#remove();
    };
  }

  #install(): void {
    for (const watched of allWatched()) this.#replace(watched);
    this.#replaceDate();
    syncBuiltinESMExports();
  }

  #remove(): void {
    for (const undo of this.#undo.splice(0).toReversed()) undo();
    syncBuiltinESMExports();
  }

  #replace(watched: Watched): void {
    const { owner, name } = watched;
    const found = Object.getOwnPropertyDescriptor(owner, name);
    const original = originalOf(Reflect.get(owner, name));
    if (typeof original !== 'function' || found?.configurable === false) return;
    const before = found === undefined || 'get' in found ? found : { ...found, value: original };
    const whole = (host: ProcessHost, self: unknown, args: readonly unknown[]): unknown =>
      this.#call(host, watched, () => Reflect.apply(original as Callable, self, args));
    // Nearly always there is no process code: the engine, and tasks, pay for no more than this. They ask for the time
    // again and again, and so for a function that makes no list of what it was given.
    const replaced =
      watched.value === undefined
        ? function replaced(this: unknown, ...args: readonly unknown[]): unknown {
            const code = codeHere();
            if (code === undefined) return Reflect.apply(original as Callable, this, args);
            return whole(code.host, this, args);
          }
        : function replaced(this: unknown): unknown {
            const code = codeHere();
            return code === undefined ? (original as Callable).call(this) : whole(code.host, this, []);
          };
    // Some carry more than their code, such as `promisify.custom`.
    Object.defineProperties(replaced, Object.getOwnPropertyDescriptors(original));
    const rights = { configurable: true, enumerable: before?.enumerable ?? true, writable: true };
    Object.defineProperty(owner, name, { ...rights, value: replaced });
    ORIGINALS.set(replaced, original);
    this.#undo.push(() => {
      if (Reflect.get(owner, name) !== replaced) return;
      if (before === undefined) Reflect.deleteProperty(owner, name);
      else Object.defineProperty(owner, name, before);
    });
  }

  #call(host: ProcessHost, { kind, shown, value }: Watched, run: () => unknown): unknown {
    // Node's own functions call each other.
    if (this.#isInside) return run();
    const values = this.#note(host, { kind, name: shown });
    if (values !== undefined && value !== undefined) return values[value]();
    this.#isInside = true;
    try {
      return run();
    } finally {
      this.#isInside = false;
    }
  }

  #replaceDate(): void {
    const original = originalOf(Date) as DateConstructor;
    const now = (): number | undefined => {
      const code = codeHere();
      if (code === undefined || this.#isInside) return undefined;
      return this.#note(code.host, NEW_DATE)?.now();
    };
    const replaced = new Proxy(original, {
      apply: () => {
        const at = now();
        return at === undefined ? original() : new original(at).toString();
      },
      construct: (target, args, newTarget) => {
        const at = args.length === 0 ? now() : undefined;
        return Reflect.construct(target, at === undefined ? args : [at], newTarget) as object;
      },
    });
    globalThis.Date = replaced;
    ORIGINALS.set(replaced, original);
    // Who compares the constructor of a date compares it with this one.
    original.prototype.constructor = replaced;
    this.#undo.push(() => {
      if (globalThis.Date === replaced) globalThis.Date = original;
      original.prototype.constructor = original;
    });
  }

  /**
   * Tells whoever wants to know. What the run is told of may throw.
   * @returns who chooses the value
   */
  #note(host: ProcessHost, call: ImpureCall): ImpureValues | undefined {
    const { values } = this;
    if (values === undefined || !FOR_VALUES.has(call.kind)) {
      if (!host.isStopped) host.port.impure?.(call);
      return undefined;
    }
    values.seen({ ...call, where: callSite(here().stack) ?? null });
    return values;
  }
}

/** Of this program. */
export const processWatch: ProcessWatch = new ProcessWatch();
