/** A new project, made of a few files; nothing that is there is written over. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

import { filesOf } from './template.ts';

export const LANGUAGES = ['ts', 'js'] as const;
export type Language = (typeof LANGUAGES)[number];

export interface ProjectOptions {
  /** Made where it is not there. */
  readonly folder: string;
  readonly language: Language;
  /** Of our packages: what the project depends on. */
  readonly version: string;
}

export interface MadeProject {
  readonly folder: string;
  readonly name: string;
  /** Relative to the folder. */
  readonly files: readonly string[];
}

/** It was not made, and nothing was written over: `hint` says what to do. */
export class ProjectRefusal extends Error {
  override readonly name = 'ProjectRefusal';
  readonly hint: string;
  /** 'usage': another folder is to be named; 'refused': it may not be written to; 'storage': the disk takes nothing. */
  readonly reason: 'usage' | 'refused' | 'storage';

  constructor(message: string, hint: string, reason: ProjectRefusal['reason'] = 'usage') {
    super(message);
    this.hint = hint;
    this.reason = reason;
  }
}

/** @throws ProjectRefusal before anything is written, but where the disk takes no more */
export function makeProject({ folder: given, language, version }: ProjectOptions): MadeProject {
  const folder = resolve(given);
  const name = nameOf(folder);
  const files = filesOf({ name, language, version });
  const there = files.map(([path]) => path).filter((path) => existsSync(join(folder, path)));
  if (there.length > 0)
    throw new ProjectRefusal(
      `${given} has ${there.slice(0, 3).join(', ')} already, which would be written over.`,
      'Name a new folder: npm create pawl@latest my-project',
    );
  for (const [path, text] of files) {
    try {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      // Also what came to be there meanwhile is kept.
      writeFileSync(join(folder, path), text, { flag: 'wx' });
    } catch (error) {
      throw refusalOf(error, given);
    }
  }
  return { folder, name, files: files.map(([path]) => path) };
}

/** What the file system says, as it is to be told; another error stays as it is. */
function refusalOf(error: unknown, given: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return error;
  const code = String(error.code);
  if (code === 'EEXIST' || code === 'ENOTDIR')
    return new ProjectRefusal(
      `${given} cannot be a folder: a file is in its place, or above it.`,
      'Name a new folder: npm create pawl@latest my-project',
    );
  const isDisk = ['EROFS', 'ENOSPC', 'EDQUOT', 'EIO'].includes(code);
  return new ProjectRefusal(
    `${given} cannot be written (${code}).`,
    isDisk ? 'Make room, or name a folder on another disk.' : 'Name a folder that you may write to.',
    isDisk ? 'storage' : 'refused',
  );
}

/** A name that npm takes. */
function nameOf(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/^[._-]+|-+$/g, '');
  return name === '' ? 'pawl-project' : name;
}

/** What to type next, with what it does. @param given the folder as it was named */
export function nextSteps(given: string): readonly (readonly [command: string, what: string])[] {
  return [
    ...(resolve(given) === process.cwd() ? [] : [[`cd ${shellWord(given)}`, 'go there'] as const]),
    ['npm install', 'get what it needs'],
    ['npm test', 'run its tests, in virtual time'],
    ['npm start', 'run the process; stop it with Ctrl-C or kill it'],
    ['npm run resume', 'go on where it was'],
  ];
}

/** To be copied: what a shell would take apart is quoted. */
function shellWord(word: string): string {
  return /^[\w@%+=:,./][\w@%+=:,./~-]*$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
