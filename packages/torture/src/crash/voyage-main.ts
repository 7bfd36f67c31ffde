/** A voyage that is recorded. Arguments: path, how it syncs, seed, legs, bytes. */
import { writeSync } from 'node:fs';
import { argv } from 'node:process';

import { openRuntime } from '@pawl/runtime';
import { seededEntropy } from '@pawl/runtime/testing';
import Database from 'better-sqlite3';

import { sail } from '../sail.ts';
import type { Durable } from '../told.ts';

const [path = '', durable = 'full', seed = '0', legs = '4', bytes = '400'] = argv.slice(2);
const syncs = durable as Durable;

/** What must be found: a journal that does not sync, or that syncs as the binding of SQLite does by itself. */
function plantIn(database: typeof Database.prototype): void {
  const original = database.pragma;
  database.pragma = function pragma(this: typeof database, text: string, options): unknown {
    if (text === 'synchronous' && options?.simple === true) return 2;
    if (text !== 'synchronous = full') return original.call(this, text, options);
    return syncs === 'never' ? original.call(this, 'synchronous = off') : [];
  };
}

if (syncs === 'never' || syncs === 'as the binding does') plantIn(Database.prototype);
const entropy = seededEntropy(Number(seed));
await sail(
  () => openRuntime({ path, durability: syncs === 'normal' ? 'normal' : 'full', entropy }),
  { legs: Number(legs), bytes: Number(bytes) },
  (told) => writeSync(1, `${JSON.stringify(told)}\n`),
);
