/**
 * Owns: which journals this process has open. One connection per file, whoever asks: a second one
 * would not see the first one's writes in `changeMark`, and a second copy of SQLite in the process
 * would take the first one's locks away when it closes.
 */
import { RuntimeError } from '../../errors.ts';
import type { JournalStore } from '../../ports/journal-store.ts';
import type { MasterKeySource } from '../../ports/sealing-store.ts';
import type { Durability } from './connect.ts';
import { JournalFile } from './journal-file.ts';
import { identityOf, IN_MEMORY, placeJournal } from './place.ts';
import { StoreHandle } from './store-handle.ts';

export interface SqliteStoreOptions {
  /** `:memory:` for one that nobody else sees. */
  readonly path: string;
  /** `full`: an acknowledged event survives a power cut. `normal`: a crash of the process only. */
  readonly durability: Durability;
  /** How long to wait for other writers (default 5 s); the event loop waits with it. */
  readonly busyTimeoutMs?: number;
  /** Never writes, not even to migrate. */
  readonly readOnly?: boolean;
  /** With a key, what is written is sealed, and what was sealed is opened. */
  readonly master?: MasterKeySource | undefined;
}

interface Shared {
  readonly file: JournalFile;
  /** Key in `shared`. */
  readonly name: string;
  readonly identity: string;
  users: number;
}

/** What another copy of this module can see of ours. */
interface Registration {
  readonly module: string;
  count: number;
}

const DEFAULT_BUSY_TIMEOUT_MS = 5000;

const shared = new Map<string, Shared>();

const REGISTRY = Symbol.for('pawl.open-journals');

function registry(): Map<string, Registration> {
  const holder = globalThis as { [REGISTRY]?: Map<string, Registration> };
  return (holder[REGISTRY] ??= new Map());
}

/** @throws RuntimeError USAGE, NOT_FOUND, STORAGE, BUSY, CORRUPT, NEWER; what `master` throws */
export function openSqliteStore(options: SqliteStoreOptions): JournalStore {
  const { durability, busyTimeoutMs = DEFAULT_BUSY_TIMEOUT_MS, readOnly = false, master } = options;
  if (options.path === IN_MEMORY) {
    const file = JournalFile.open({ path: IN_MEMORY, durability, busyTimeoutMs, readOnly: false, master });
    return new StoreHandle(file, readOnly, () => file.close());
  }
  const path = placeJournal(options.path, readOnly);
  const identity = identityOf(path) ?? path;
  // A reader may use a writer's connection, not the other way round.
  const names = readOnly ? [`${identity} rw`, `${identity} ro`] : [`${identity} rw`];
  for (const name of names) {
    const found = shared.get(name);
    if (found?.file.isUsable !== true) continue;
    found.file.sealing.join(master, !readOnly);
    return join(found, durability, readOnly);
  }
  register(identity, path);
  try {
    const file = JournalFile.open({ path, durability, busyTimeoutMs, readOnly, master });
    const fresh: Shared = { file, identity, name: `${identity} ${readOnly ? 'ro' : 'rw'}`, users: 0 };
    shared.set(fresh.name, fresh);
    return join(fresh, durability, readOnly);
  } catch (error) {
    unregister(identity);
    throw error;
  }
}

function join(entry: Shared, durability: Durability, readOnly: boolean): JournalStore {
  if (!readOnly) entry.file.strengthen(durability);
  entry.users += 1;
  return new StoreHandle(entry.file, readOnly, () => leave(entry));
}

function leave(entry: Shared): void {
  entry.users -= 1;
  if (entry.users > 0) return;
  if (shared.get(entry.name) === entry) shared.delete(entry.name);
  try {
    entry.file.close();
  } finally {
    unregister(entry.identity);
  }
}

/** @throws RuntimeError STORAGE where another copy of Pawl in this process has the file open */
function register(identity: string, path: string): void {
  const open = registry();
  const other = open.get(identity);
  if (other !== undefined && other.module !== import.meta.url) {
    throw new RuntimeError('STORAGE', `Another copy of Pawl in this process has ${path} open.`, {
      hint: `Install one version only: ${other.module} and ${import.meta.url} are both loaded.`,
      data: { path },
    });
  }
  open.set(identity, { module: import.meta.url, count: (other?.count ?? 0) + 1 });
}

function unregister(identity: string): void {
  const open = registry();
  const own = open.get(identity);
  if (own === undefined) return;
  if (own.count <= 1) open.delete(identity);
  else own.count -= 1;
}
