import type { ImpureKind } from '../process/host-port.ts';

/** A function that process code should not call, and where it is kept. */
export interface Watched {
  readonly owner: object;
  readonly name: string;
  readonly kind: ImpureKind;
  /** As code calls it, such as `fs.writeFileSync`. */
  readonly shown: string;
  /** Whose value a test may choose. */
  readonly value?: 'random' | 'now';
}

/** They change what is outside; all others only look at it. */
const FILE_EFFECTS: ReadonlySet<string> = new Set(
  [
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
  ].flatMap((name) => [name, `${name}Sync`]),
);
/** It undoes a watch, and does nothing else. */
const HARMLESS_FILE_CALLS: ReadonlySet<string> = new Set(['unwatchFile']);
const COMMANDS = ['exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync'];
const RANDOM = ['getRandomValues', 'randomBytes', 'randomFill', 'randomFillSync', 'randomInt', 'randomUUID'];
const TIMERS = ['setImmediate', 'setInterval', 'setTimeout'];

function some(
  owner: object,
  title: string,
  kind: ImpureKind,
  names: readonly string[] = Object.keys(owner),
): Watched[] {
  return names
    .filter((name) => typeof Reflect.get(owner, name) === 'function')
    .map((name) => ({ owner, name, kind, shown: title === '' ? name : `${title}.${name}` }));
}

function files(owner: object, title: string): Watched[] {
  return some(owner, title, 'read')
    .filter(({ name }) => /^[a-z]/.test(name) && !HARMLESS_FILE_CALLS.has(name))
    .map((watched) => (FILE_EFFECTS.has(watched.name) ? { ...watched, kind: 'effect' } : watched));
}

/**
 * All that is watched, as it is now: who replaced some of it before has it watched. Nothing of it is imported: the
 * import of `node:http` alone is longer than all the rest of the start of a program.
 */
export function allWatched(): Watched[] {
  const fs = process.getBuiltinModule('node:fs');
  const crypto = process.getBuiltinModule('node:crypto');
  return [
    { owner: Math, name: 'random', kind: 'random', shown: 'Math.random', value: 'random' },
    { owner: Date, name: 'now', kind: 'clock', shown: 'Date.now', value: 'now' },
    { owner: performance, name: 'now', kind: 'clock', shown: 'performance.now', value: 'now' },
    ...some(process.hrtime, 'process.hrtime', 'clock', ['bigint']),
    ...some(process, 'process', 'clock', ['hrtime', 'uptime']),
    ...some(crypto, 'crypto', 'random', RANDOM),
    ...some(globalThis.crypto, 'crypto', 'random', RANDOM),
    ...files(fs, 'fs'),
    ...files(fs.promises, 'fs.promises'),
    ...some(process.getBuiltinModule('node:child_process'), 'child_process', 'effect', COMMANDS),
    ...some(process.getBuiltinModule('node:http'), 'http', 'effect', ['get', 'request']),
    ...some(process.getBuiltinModule('node:https'), 'https', 'effect', ['get', 'request']),
    ...some(process.getBuiltinModule('node:net'), 'net', 'effect', ['connect', 'createConnection']),
    ...some(globalThis, '', 'effect', ['fetch']),
    ...some(globalThis, '', 'wait', TIMERS),
    ...some(process.getBuiltinModule('node:timers'), 'timers', 'wait', TIMERS),
    ...some(process.getBuiltinModule('node:timers/promises'), 'timers/promises', 'wait', TIMERS),
  ];
}
