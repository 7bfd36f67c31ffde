/** The store of a runtime: the one that was given, or a journal file with its key. */
import { env } from 'node:process';

import { InvalidOptionError } from '@pawl/sdk';

import { masterKeySource } from './master-key.ts';
import type { JournalStore } from './ports/journal-store.ts';
import type { RuntimeOptions } from './runtime-options.ts';
import { openSqliteStore } from './store/sqlite/sqlite-store.ts';

/** @throws InvalidOptionError; RuntimeError as `openSqliteStore` */
export function openStore(options: RuntimeOptions, byDefault: string): JournalStore {
  const { path = byDefault, durability = 'full', store, encryption } = options;
  if (store === undefined) {
    // In memory nothing is at rest: the environment is about files.
    const environment = path === ':memory:' ? {} : env;
    return openSqliteStore({ path, durability, master: masterKeySource(encryption, environment) });
  }
  if (encryption === undefined) return store;
  throw new InvalidOptionError('encryption', '[secret]', 'a path, and no store of your own');
}
