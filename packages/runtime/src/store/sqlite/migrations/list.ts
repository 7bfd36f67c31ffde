import { CREATE_JOURNAL } from './0001.ts';
import { CREATE_POOLS } from './0002.ts';
import { CREATE_SHARED } from './0003.ts';
import { CREATE_KEYS } from './0004.ts';

/** SQL by version, the first makes version 1. A released one is never changed. */
export const MIGRATIONS: readonly string[] = [CREATE_JOURNAL, CREATE_POOLS, CREATE_SHARED, CREATE_KEYS];

export const SCHEMA_VERSION: number = MIGRATIONS.length;
