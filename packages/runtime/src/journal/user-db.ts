import type { TransactionDb } from '@pawl/sdk';

/** Tables of the user's in a journal, as the body of a transaction sees them. */
export type UserDb = TransactionDb;

/** Gives what the body gave; where it throws, nothing of it is left. */
export type WithinTransaction = <T>(body: (db: UserDb) => T) => T;
