import { CREATE_JOURNAL } from './0001.ts';
import { CREATE_POOLS } from './0002.ts';
import { CREATE_SHARED } from './0003.ts';
import { CREATE_KEYS } from './0004.ts';
import { CREATE_WORK } from './0005.ts';
import { CREATE_OFFERS } from './0006.ts';
import { CREATE_STATE } from './0007.ts';
import { CREATE_START_INBOX } from './0008.ts';
import { CREATE_FORKS } from './0009.ts';
import { CREATE_DATA_KEYS } from './0010.ts';
import { CREATE_LOGS } from './0011.ts';

/** SQL by version, the first makes version 1. A released one is never changed. */
export const MIGRATIONS: readonly string[] = [
  CREATE_JOURNAL,
  CREATE_POOLS,
  CREATE_SHARED,
  CREATE_KEYS,
  CREATE_WORK,
  CREATE_OFFERS,
  CREATE_STATE,
  CREATE_START_INBOX,
  CREATE_FORKS,
  CREATE_DATA_KEYS,
  CREATE_LOGS,
];

export const SCHEMA_VERSION: number = MIGRATIONS.length;
