/** The keys of an encrypted journal: how much is sealed with which, and another one in their place. */
import { env } from 'node:process';

import { RuntimeError } from './errors.ts';
import { masterKeySource, NEW_KEY, type EncryptionOptions } from './master-key.ts';
import type { Rotated, SealingStatus, SealingStore } from './ports/sealing-store.ts';
import { openSqliteStore, type SqliteStoreOptions } from './store/sqlite/sqlite-store.ts';

export interface KeyOptions {
  readonly path: string;
  /** The key that the journal has. Default: the environment's, as of `openRuntime`. */
  readonly encryption?: EncryptionOptions | undefined;
}

export interface RotateOptions extends KeyOptions {
  /** What it shall have. Default: the environment's `PAWL_NEW_KEY`, else what `PAWL_NEW_KEY_COMMAND` prints. */
  readonly to?: EncryptionOptions | undefined;
}

/**
 * What of a journal is sealed, and with which keys. Looks at every row, and needs no key.
 * @throws RuntimeError NOT_FOUND, STORAGE, CORRUPT, NEWER; InvalidOptionError
 */
export function keyStatus({ path, encryption }: KeyOptions): SealingStatus {
  const master = masterKeySource(encryption, env);
  return withSealing({ path, durability: 'full', readOnly: true, master }, (sealing) => sealing.status());
}

/**
 * Wraps all data keys with another master key, and makes a data key for what is written from now on, in one transaction.
 * Rows stay as they are; the key that it had opens nothing of the file any more.
 * @throws RuntimeError SEALED without the key that it has; REFUSED without another one, or where nothing is encrypted
 */
export function rotateKey({ path, encryption, to }: RotateOptions): Rotated {
  const master = masterKeySource(encryption, env);
  const options = { path, durability: 'full', master } as const;
  // Opened to write with a key, a journal would begin to be encrypted.
  if (!withSealing({ ...options, readOnly: true }, (sealing) => sealing.isOn)) throw notEncrypted(path);
  const next = masterKeySource(to, env, NEW_KEY)();
  if (next === undefined) throw noNewKey();
  return withSealing(options, (sealing) => sealing.rotate(next));
}

function withSealing<T>(options: SqliteStoreOptions, work: (sealing: SealingStore) => T): T {
  const store = openSqliteStore(options);
  try {
    if (store.sealing === undefined) throw new RuntimeError('UNEXPECTED', 'A file has keys.');
    return work(store.sealing);
  } finally {
    store.close();
  }
}

function noNewKey(): RuntimeError {
  return new RuntimeError('REFUSED', 'There is no key that the journal shall have from now on.', {
    hint: 'Make one (pawl key new), keep it, and give it: PAWL_NEW_KEY=<key> pawl key rotate',
  });
}

function notEncrypted(path: string): RuntimeError {
  return new RuntimeError('REFUSED', `The journal ${path} is not encrypted: it has no key to change.`, {
    hint: 'What opens it with a key to write begins to encrypt: PAWL_KEY=<key> pawl work',
    data: { path },
  });
}
