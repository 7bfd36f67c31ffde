import childProcess from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import { callSite, here } from '../process/call-site.ts';
import { isProcessCode } from '../process/host.ts';

export type ImpureKind = 'random' | 'clock' | 'effect';

/** A place in process code that does what only tasks, or ctx, may do. */
export interface ImpureSite {
  readonly kind: ImpureKind;
  /** Such as `Math.random` or `fs.writeFileSync`. */
  readonly name: string;
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

const FILE_EFFECTS = [
  'appendFile',
  'cp',
  'mkdir',
  'rename',
  'rm',
  'rmdir',
  'symlink',
  'truncate',
  'unlink',
  'writeFile',
];
const COMMANDS = ['exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync'];

/**
 * Sees what process code does outside ctx: chance, the wall clock, and effects that every replay repeats. Tasks, and
 * all other code of the program, go past it.
 *
 * Owns what it put in place of globals and of functions of Node, from `install` until `remove`. Invariant: one at a
 * time is installed.
 */
export class ProcessWatch {
  #values: ImpureValues | undefined;
  /** A watched function is under way, called by process code. */
  #isInside = false;
  readonly #undo: (() => void)[] = [];

  /** Whom to ask from now on. */
  set values(values: ImpureValues | undefined) {
    this.#values = values;
  }

  install(): void {
    this.#replace(Math, 'Math', 'random', 'random', (values) => values.random());
    this.#replaceDate();
    this.#replace(performance, 'performance', 'now', 'clock', (values) => values.now());
    const owners: readonly [object, string, readonly string[]][] = [
      [fs, 'fs', FILE_EFFECTS.flatMap((name) => [name, `${name}Sync`])],
      [fs.promises, 'fs.promises', FILE_EFFECTS],
      [childProcess, 'child_process', COMMANDS],
      [http, 'http', ['request', 'get']],
      [https, 'https', ['request', 'get']],
      [globalThis, 'globalThis', ['fetch']],
    ];
    for (const [owner, title, names] of owners)
      for (const name of names) this.#replace(owner, title, name, 'effect');
    for (const [owner, title] of [
      [crypto, 'crypto'],
      [globalThis.crypto, 'crypto'],
    ] as const)
      for (const name of ['randomUUID', 'getRandomValues']) this.#replace(owner, title, name, 'random');
    for (const name of ['randomBytes', 'randomInt']) this.#replace(crypto, 'crypto', name, 'random');
    syncBuiltinESMExports();
  }

  remove(): void {
    for (const undo of this.#undo.splice(0).toReversed()) undo();
    syncBuiltinESMExports();
  }

  #replace(
    owner: object,
    title: string,
    name: string,
    kind: ImpureKind,
    instead?: (values: ImpureValues) => unknown,
  ): void {
    const before = Object.getOwnPropertyDescriptor(owner, name);
    const original: unknown = Reflect.get(owner, name);
    if (typeof original !== 'function' || before?.configurable === false) return;
    const shown = title === 'globalThis' ? name : `${title}.${name}`;
    const call = (run: () => unknown): unknown => this.#call(kind, shown, run, instead);
    const replaced = function replaced(this: unknown, ...args: readonly unknown[]): unknown {
      return call(() => Reflect.apply(original as Callable, this, args));
    };
    // Some carry more than their code, such as `promisify.custom`.
    Object.defineProperties(replaced, Object.getOwnPropertyDescriptors(original));
    const rights = { configurable: true, enumerable: before?.enumerable ?? true, writable: true };
    Object.defineProperty(owner, name, { ...rights, value: replaced });
    this.#undo.push(() => {
      if (before === undefined) Reflect.deleteProperty(owner, name);
      else Object.defineProperty(owner, name, before);
    });
  }

  #call(
    kind: ImpureKind,
    name: string,
    run: () => unknown,
    instead: ((values: ImpureValues) => unknown) | undefined,
  ): unknown {
    // Node's own functions call each other.
    if (this.#isInside) return run();
    const values = this.#note(kind, name);
    if (values === undefined) return run();
    if (instead !== undefined) return instead(values);
    this.#isInside = true;
    try {
      return run();
    } finally {
      this.#isInside = false;
    }
  }

  #replaceDate(): void {
    const original = Date;
    const nowIn = (): number | undefined => this.#note('clock', 'Date')?.now();
    const now = (): number => nowIn() ?? original.now();
    globalThis.Date = new Proxy(original, {
      construct: (target, args, newTarget) => {
        const at = args.length === 0 ? nowIn() : undefined;
        return Reflect.construct(target, at === undefined ? args : [at], newTarget) as object;
      },
      get: (target, name, receiver) =>
        name === 'now' ? now : (Reflect.get(target, name, receiver) as unknown),
    });
    this.#undo.push(() => {
      globalThis.Date = original;
    });
  }

  /** Undefined where it is none of process code's. */
  #note(kind: ImpureKind, name: string): ImpureValues | undefined {
    const values = this.#values;
    if (values === undefined || !isProcessCode()) return undefined;
    values.seen({ kind, name, where: callSite(here().stack) ?? null });
    return values;
  }
}
