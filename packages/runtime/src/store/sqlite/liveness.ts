/**
 * Owns: this process's proof that it lives, one file per owner beside the journal.
 * Talks to: the file system, and SQLite for locks that the kernel drops with the process.
 *
 * An owner holds an exclusive lock on `<journal>-owner-<token>`. Who can read the file knows that
 * the owner is gone, however it died, and need not wait out its lease. It only shortens the wait:
 * what keeps two owners apart is the epoch.
 *
 * 1. An owner's file is there, and locked, before its token is in the journal. So no file = dead.
 * 2. A file is removed by its owner, or by one that holds a lock on it: never between the making and
 *    the locking without the owner noticing.
 * 3. A token names a file only where it is hexadecimal: it may come from a hostile row.
 */
import { readdirSync, statSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import Database from 'better-sqlite3';

import { isBusy, storageError } from './failure.ts';
import { makeFile } from './place.ts';

const TOKEN = /^[0-9a-f]{16,64}$/;
/** A sweep looks at a file for less than a millisecond. */
const LOCK_TIMEOUT_MS = 1000;
const MAX_TRIES = 10;
const MAX_SWEPT = 100;

export class OwnerLocks {
  readonly #path: string;
  readonly #mayRemove: boolean;
  readonly #held = new Map<string, Database.Database>();

  constructor(path: string, mayRemove: boolean) {
    this.#path = path;
    this.#mayRemove = mayRemove;
  }

  /** From now on others can see that this owner lives. Cheap when it is held already. */
  hold(owner: string): void {
    if (this.#held.has(owner) || !TOKEN.test(owner)) return;
    const file = this.#fileOf(owner);
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      makeFile(file);
      const lock = new Database(file, { timeout: LOCK_TIMEOUT_MS });
      // Otherwise the lock makes a second file, which a killed process would leave behind.
      lock.pragma('journal_mode = memory');
      lock.exec('begin exclusive');
      if (exists(file)) {
        this.#held.set(owner, lock);
        return;
      }
      // A sweep took the file before it was locked.
      lock.close();
    }
    throw storageError(this.#path, 'cannot show that its owner lives', `Something removes ${file}.`);
  }

  drop(owner: string): void {
    const lock = this.#held.get(owner);
    if (lock === undefined) return;
    this.#held.delete(owner);
    remove(this.#fileOf(owner));
    lock.close();
  }

  dropAll(): void {
    for (const owner of this.#held.keys()) this.drop(owner);
  }

  /** True only where it is certain; false also means "cannot tell". */
  isDead(owner: string): boolean {
    return TOKEN.test(owner) && !this.#held.has(owner) && this.#look(owner) === 'free';
  }

  /** Removes what killed processes left behind. */
  sweep(): void {
    for (const owner of this.#seen().slice(0, MAX_SWEPT)) this.isDead(owner);
  }

  /** Whether another program holds an owner here, as far as can be seen. */
  get isAnyAlive(): boolean {
    return this.#seen().some((owner) => TOKEN.test(owner) && !this.#held.has(owner) && !this.isDead(owner));
  }

  /** Whether an owner of this program or of another surely lives: what cannot be told does not count here. */
  get isAnySeen(): boolean {
    const owners = this.#seen().filter((owner) => TOKEN.test(owner));
    return this.#held.size > 0 || owners.slice(0, MAX_SWEPT).some((each) => this.#look(each) === 'locked');
  }

  /** Owners that live, those of this program among them. */
  get alive(): readonly string[] {
    return this.#seen().filter(
      (owner) => this.#held.has(owner) || (TOKEN.test(owner) && !this.isDead(owner)),
    );
  }

  /** When the file of an owner was made; null where there is none. */
  since(owner: string): number | null {
    if (!TOKEN.test(owner)) return null;
    const made = statSync(this.#fileOf(owner), { throwIfNoEntry: false })?.birthtimeMs ?? 0;
    return made > 0 ? Math.round(made) : null;
  }

  #seen(): readonly string[] {
    const start = `${basename(this.#path)}-owner-`;
    try {
      const names = readdirSync(dirname(this.#path)).filter((name) => name.startsWith(start));
      return names.map((name) => name.slice(start.length));
    } catch {
      // A folder that may be entered but not listed: its litter stays.
      return [];
    }
  }

  #look(owner: string): 'free' | 'locked' | 'unknown' {
    const file = this.#fileOf(owner);
    let probe: Database.Database | undefined;
    try {
      if (!exists(file)) return 'free';
      probe = new Database(file, { readonly: true, fileMustExist: true, timeout: 0 });
      // A shared lock: several may look at once and none takes another for the owner.
      probe.exec('begin');
      probe.prepare('select count(*) from sqlite_schema').get();
      if (this.#mayRemove) remove(file);
      return 'free';
    } catch (error) {
      if (isBusy(error)) return 'locked';
      return isGone(file) ? 'free' : 'unknown';
    } finally {
      probe?.close();
    }
  }

  #fileOf(owner: string): string {
    return join(dirname(this.#path), `${basename(this.#path)}-owner-${owner}`);
  }
}

function exists(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}

function isGone(file: string): boolean {
  try {
    return !exists(file);
  } catch {
    return false;
  }
}

function remove(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // Another one was faster, or the folder is not ours: what is left is swept later.
  }
}
