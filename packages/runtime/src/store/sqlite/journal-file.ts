/**
 * Owns: this process's one connection to a journal, its statements, and whether it may still be used.
 * Talks to: SQLite.
 *
 * 1. Every write is one transaction that begins immediate and holds no await.
 * 2. After an error of the disk nothing is tried again: the connection ends, without a checkpoint.
 * 3. No read keeps a transaction or an iterator open when it returns.
 */
import Database from 'better-sqlite3';
import type { Statement } from 'better-sqlite3';

import { RuntimeError } from '../../errors.ts';
import type { Millis } from '../../journal/ids.ts';
import type { Driver } from '../../ports/journal-store.ts';
import { checkDurability, connect, setDurability } from './connect.ts';
import type { ConnectOptions, Durability } from './connect.ts';
import { failureOf, storageError } from './failure.ts';
import { OwnerLocks } from './liveness.ts';
import { patiently } from './patience.ts';
import { FileWatch, IN_MEMORY } from './place.ts';
import type { OwnerRow } from './query.ts';
import { Sealing } from './sealing.ts';
import { statementsOf, type Statements } from './statements.ts';
import { WalKeeper } from './wal.ts';

/**
 * Connections that see a journal whose disk failed, and write nothing. While one is open, closing
 * the failed connection does not checkpoint: that would sync again and believe the answer.
 */
const witnesses = new Map<string, Database.Database>();

export class JournalFile {
  readonly path: string;
  readonly readOnly: boolean;
  readonly db: Database.Database;
  readonly sealing: Sealing;
  readonly statements: Statements;
  /** Undefined in memory: nobody else can look. */
  readonly #owners: OwnerLocks | undefined;
  /** Counts the writes through this connection, which `data_version` does not show. */
  writes = 0;
  durability: Durability;
  readonly #watch: FileWatch | undefined;
  readonly #wal: WalKeeper | undefined;
  readonly #busyTimeoutMs: number;
  readonly #begin: Statement<[]>;
  readonly #commit: Statement<[]>;
  readonly #rollback: Statement<[]>;
  readonly #dataVersion: Statement<[], number>;
  #ended: RuntimeError | undefined;

  /** @throws RuntimeError */
  static open(options: ConnectOptions): JournalFile {
    witnesses.get(options.path)?.close();
    witnesses.delete(options.path);
    let file: JournalFile | undefined;
    try {
      file = new JournalFile(connect(options), options);
      file.#start();
      return file;
    } catch (error) {
      const doing = options.readOnly ? 'read' : 'write';
      const failure = failureOf(error, options.path, doing);
      const reason = failure?.error ?? error;
      if (file !== undefined && reason instanceof RuntimeError) {
        file.#end(reason, { checkpoint: failure?.fatal !== true });
      }
      throw reason;
    }
  }

  private constructor(db: Database.Database, options: ConnectOptions) {
    const { path, readOnly, busyTimeoutMs } = options;
    this.path = path;
    this.readOnly = readOnly;
    this.durability = options.durability;
    this.db = db;
    this.#busyTimeoutMs = busyTimeoutMs;
    const isFile = path !== IN_MEMORY;
    this.#owners = isFile ? new OwnerLocks(path, !readOnly) : undefined;
    this.#watch = isFile && !readOnly ? new FileWatch(path) : undefined;
    this.#wal = isFile && !readOnly ? new WalKeeper(db, (error) => this.#fail(error)) : undefined;
    const sealing = new Sealing(db, path, options.master);
    this.sealing = sealing;
    this.statements = statementsOf(db, {
      path,
      readOnly,
      sealing,
      isOwnerDead: (owner) => this.isOwnerDead(owner),
      isDriven: () => this.#owners?.isAnySeen === true,
    });
    this.#begin = db.prepare('begin immediate');
    this.#commit = db.prepare('commit');
    this.#rollback = db.prepare('rollback');
    this.#dataVersion = db.prepare<[], number>('pragma data_version').pluck();
  }

  #start(): void {
    this.#wal?.onOpen(this.path);
    if (!this.readOnly) this.#owners?.sweep();
  }

  /** @throws RuntimeError */
  read<T>(work: (statements: Statements) => T): T {
    this.#checkUsable();
    try {
      return patiently(this.#busyTimeoutMs, () => work(this.statements));
    } catch (error) {
      throw this.#translated(error, 'read');
    }
  }

  /** One transaction. @throws RuntimeError; nothing of `work` is in the journal then, as far as is known */
  write<T>(work: (statements: Statements) => T): T {
    this.#checkUsable();
    try {
      this.#watch?.check();
    } catch (error) {
      if (error instanceof RuntimeError) this.#end(error, { checkpoint: true });
      throw error;
    }
    const result = this.#transact(work);
    this.writes += 1;
    this.#wal?.committed();
    return result;
  }

  #transact<T>(work: (statements: Statements) => T): T {
    try {
      patiently(this.#busyTimeoutMs, () => this.#begin.run());
      const result = work(this.statements);
      this.#commit.run();
      return result;
    } catch (error) {
      this.#undo();
      throw this.#translated(error, 'write');
    }
  }

  /** After a commit of `runs` runs: what it left in the log, where that is much. */
  grew(runs: number, bytes: number): void {
    this.#wal?.grew(runs, bytes);
  }

  /** @throws RuntimeError STORAGE: an owner that cannot show that it lives would be taken for dead */
  holdOwner(owner: string): void {
    try {
      this.#owners?.hold(owner);
    } catch (error) {
      if (error instanceof RuntimeError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      const what = `cannot be claimed: its owner's lock file beside it cannot be made (${reason})`;
      throw storageError(this.path, what, 'See to the space and the permissions of its folder.', error);
    }
  }

  dropOwner(owner: string): void {
    this.#owners?.drop(owner);
  }

  /** True only where it is certain. */
  isOwnerDead(owner: string): boolean {
    return this.#owners?.isDead(owner) ?? false;
  }

  /** With those that live and have no run now. */
  drivers(rows: readonly OwnerRow[], now: Millis): readonly Driver[] {
    const having = rows.map(
      ({ owner, runs, last_event_at: lastEventAt, leased_until: leasedUntil }): Driver => {
        const state = this.isOwnerDead(owner) ? 'gone' : leasedUntil > now ? 'alive' : 'silent';
        return { owner, state, runs, lastEventAt, leasedUntil, since: this.#owners?.since(owner) ?? null };
      },
    );
    const known = new Set(rows.map(({ owner }) => owner));
    const idle = (this.#owners?.alive ?? [])
      .filter((owner) => !known.has(owner))
      .map((owner): Driver => {
        const since = this.#owners?.since(owner) ?? null;
        return { owner, state: 'alive', runs: 0, lastEventAt: null, leasedUntil: null, since };
      });
    return [...having, ...idle];
  }

  /** Whether another program drives runs of this journal, as far as can be seen. */
  get isDriven(): boolean {
    return this.#owners?.isAnyAlive ?? false;
  }

  /** False where others read just now: then the log stays as it is. */
  emptyLog(): boolean {
    return this.#wal?.empty() ?? true;
  }

  dataVersion(): number {
    return this.read(() => this.#dataVersion.get() ?? 0);
  }

  /** Where two share the connection, the stricter one decides. */
  strengthen(durability: Durability): void {
    if (durability === this.durability || durability === 'normal' || this.readOnly) return;
    setDurability(this.db, durability);
    checkDurability(this.db, durability);
    this.durability = durability;
  }

  get isUsable(): boolean {
    return this.#ended === undefined;
  }

  /** @throws RuntimeError STORAGE where the log could not be put back; it is read at the next opening */
  close(): void {
    // Not earlier, even when the disk failed: until the engine closes, its tasks may still run.
    this.#owners?.dropAll();
    if (this.#ended !== undefined) return;
    try {
      this.#wal?.onClose();
    } catch (error) {
      const translated = this.#translated(error, 'write');
      if (!this.isUsable) throw translated;
      // Somebody else is at the log: they put it back.
    }
    const closed = storageError(this.path, 'is closed', 'Open it again.');
    this.#end(closed, { checkpoint: true });
  }

  #checkUsable(): void {
    if (this.#ended !== undefined) throw this.#ended;
    // Only the body of a transaction runs code of others meanwhile.
    if (!this.db.inTransaction) return;
    throw new RuntimeError('REFUSED', 'The body of a transaction task asks the runtime for something.', {
      hint: 'Do that in another task, or before and after this one',
      data: { path: this.path },
    });
  }

  #undo(): void {
    if (!this.db.open || !this.db.inTransaction) return;
    try {
      this.#rollback.run();
    } catch {
      // The error that led here is the one to report, and it ends the connection.
    }
  }

  #translated(error: unknown, doing: 'read' | 'write'): unknown {
    const failure = failureOf(error, this.path, doing);
    if (failure === undefined) return error;
    if (failure.fatal) this.#end(failure.error, { checkpoint: false });
    return failure.error;
  }

  #fail(error: unknown): void {
    const failure = failureOf(error, this.path, 'write');
    if (failure === undefined) throw error;
    if (failure.fatal) this.#end(failure.error, { checkpoint: false });
  }

  #end(reason: RuntimeError, { checkpoint }: { readonly checkpoint: boolean }): void {
    this.#ended = reason;
    this.#wal?.stop();
    if (!checkpoint && this.path !== IN_MEMORY) this.#bringWitness();
    try {
      this.db.close();
    } catch {
      // Nothing that is left to do could be done.
    }
  }

  #bringWitness(): void {
    let witness: Database.Database | undefined;
    try {
      witness = new Database(this.path, { readonly: true, fileMustExist: true, timeout: 0 });
      // The first read takes the lock that tells the other connection that it is not alone.
      witness.prepare('select count(*) from sqlite_schema').get();
      witnesses.get(this.path)?.close();
      witnesses.set(this.path, witness);
    } catch {
      witness?.close();
    }
  }
}
