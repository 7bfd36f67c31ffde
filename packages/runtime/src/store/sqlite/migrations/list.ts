import { CREATE_JOURNAL } from './0001.ts';

/** SQL by version, the first makes version 1. A released one is never changed. */
export const MIGRATIONS: readonly string[] = [CREATE_JOURNAL];

export const SCHEMA_VERSION: number = MIGRATIONS.length;
