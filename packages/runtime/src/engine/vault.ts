import { InvalidArgumentError } from '@pawl/sdk';
import { decode, encodedSecret } from '../journal/codec.ts';
import type { Encoded } from '../journal/event.ts';
import type { RunId } from '../journal/ids.ts';
import type { Cipher } from '../ports/cipher.ts';
import type { JournalStore } from '../ports/journal-store.ts';
import { RuntimeError } from '../errors.ts';
import { Redaction } from './redaction.ts';

type Sealed =
  | { readonly status: 'sealed'; readonly payload: Encoded }
  | { readonly status: 'unknown' | 'closed' };

/**
 * Seals and opens the secrets of runs.
 *
 * Owns nothing: the master key, which no file holds, is asked for. Talks to the store, which keeps a key for each run, sealed with the
 * master key, for as long as the run goes on. Invariant: no key of a run, and no plain value, is kept here.
 */
export class Vault {
  readonly #store: JournalStore;
  readonly #cipher: Cipher;
  /** Base64 of 32 bytes; asked for when the first secret needs it. */
  readonly #masterKey: () => string | undefined;

  constructor(store: JournalStore, cipher: Cipher, masterKey: () => string | undefined) {
    this.#store = store;
    this.#cipher = cipher;
    this.#masterKey = masterKey;
  }

  /** @throws RuntimeError REFUSED where there is no key, or another than the run's secrets have */
  seal(runId: RunId, plain: Encoded): Sealed {
    const master = this.#mustHaveKey();
    const kept = this.#store.keepKey(runId, this.#cipher.seal(master, this.#cipher.newKey()));
    if (kept.status !== 'kept') return kept;
    const sealed = this.#cipher.seal(this.#opened(runId, master, kept.key), JSON.stringify(plain));
    return { status: 'sealed', payload: encodedSecret(sealed) };
  }

  /** @throws RuntimeError REFUSED as `seal` does; InvalidArgumentError for what is no secret of this run */
  open(runId: RunId, sealed: string): Encoded {
    const key = this.#keyOf(runId);
    const plain = key === undefined ? undefined : this.#cipher.open(key, sealed);
    if (plain !== undefined) return JSON.parse(plain) as Encoded;
    throw new InvalidArgumentError(
      `A secret is none of run ${runId}, or that has ended: its value is gone. Send it to the run that needs it.`,
    );
  }

  /** Whether secrets of a run can be opened here. @throws RuntimeError REFUSED */
  check(runId: RunId): void {
    this.#keyOf(runId);
  }

  /** The input of a task with the values that its secrets stand for. @throws as `open` */
  reveal(runId: RunId, args: Encoded): { readonly value: unknown; readonly redaction: Redaction } {
    const plain: Encoded[] = [];
    let failure: { readonly error: unknown } | undefined;
    const value = decode(args, (sealed) => {
      try {
        const opened = this.open(runId, sealed);
        plain.push(opened);
        return decode(opened);
      } catch (error) {
        failure ??= { error };
        return undefined;
      }
    });
    if (failure !== undefined) throw failure.error;
    return { value, redaction: Redaction.of(plain) };
  }

  #keyOf(runId: RunId): string | undefined {
    const kept = this.#store.keyOf(runId);
    if (kept === undefined) return undefined;
    const master = this.#masterKey();
    if (master !== undefined) return this.#opened(runId, master, kept);
    throw otherKey(runId, 'were sealed with a key, and there is none here');
  }

  #opened(runId: RunId, master: string, kept: string): string {
    const key = this.#cipher.open(master, kept);
    if (key !== undefined) return key;
    throw otherKey(runId, 'were sealed with another key than there is here');
  }

  #mustHaveKey(): string {
    const master = this.#masterKey();
    if (master !== undefined) return master;
    throw new RuntimeError('REFUSED', 'A secret needs a key to be kept with, and there is none.', {
      hint: 'Make one, and keep it outside of the journal: export PAWL_SECRET_KEY="$(openssl rand -base64 32)", or PAWL_SECRET_KEY_COMMAND="pass pawl"',
    });
  }
}

function otherKey(runId: RunId, what: string): RuntimeError {
  return new RuntimeError('REFUSED', `The secrets of run ${runId} ${what}.`, {
    hint: `Set PAWL_SECRET_KEY to the key that they were sent with, then: pawl resume ${runId}`,
    data: { runId },
  });
}
