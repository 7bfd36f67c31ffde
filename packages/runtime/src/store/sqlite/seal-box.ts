/** What a text is sealed with: AES-256-GCM, bound to the place where it stands. */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';

export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Asking the kernel for each nonce would be a third of the time of sealing. */
const NONCES_AHEAD = 256;
const FINGERPRINT_DIGITS = 16;

let nonces = Buffer.alloc(0);
let used = 0;

function nextNonce(): Buffer {
  if (used + NONCE_BYTES > nonces.length) {
    nonces = randomBytes(NONCE_BYTES * NONCES_AHEAD);
    used = 0;
  }
  used += NONCE_BYTES;
  // What is given out is used at once, and the block is never filled again.
  return nonces.subarray(used - NONCE_BYTES, used);
}

export function secretKey(bytes: Uint8Array): KeyObject {
  return createSecretKey(bytes);
}

/** A key for one purpose; it tells nothing of the one that it comes from. */
export function derivedKey(from: KeyObject, purpose: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', from, '', `pawl ${purpose}`, KEY_BYTES)));
}

/** @returns base64 of nonce, tag and ciphertext */
export function seal(key: KeyObject, bytes: string | Uint8Array, place: string): string {
  const nonce = nextNonce();
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(place));
  const body = typeof bytes === 'string' ? cipher.update(bytes, 'utf8') : cipher.update(bytes);
  cipher.final();
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
}

/** Undefined where it was sealed with another key or for another place, or was changed since. */
export function unseal(key: KeyObject, sealed: string, place: string): Buffer | undefined {
  const bytes = Buffer.from(sealed, 'base64');
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const options = { authTagLength: TAG_BYTES };
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), options);
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  decipher.setAAD(Buffer.from(place));
  const body = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
  try {
    decipher.final();
    return body;
  } catch {
    return undefined;
  }
}

/** What something is found by that nobody can read or guess without the key. */
export function keyedDigest(key: KeyObject, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex');
}

/** What a master key is called by. */
export function fingerprint(master: Uint8Array): string {
  return keyedDigest(secretKey(master), 'pawl master key').slice(0, FINGERPRINT_DIGITS);
}

const WRAPPING = 'wrapping';

function wrappingPlace(id: number): string {
  return `data key ${id}`;
}

export function newDataKey(): Uint8Array {
  return randomBytes(KEY_BYTES);
}

export function wrap(master: Uint8Array, id: number, dataKey: Uint8Array): string {
  return seal(derivedKey(secretKey(master), WRAPPING), dataKey, wrappingPlace(id));
}

export function unwrap(master: Uint8Array, id: number, wrapped: string): Uint8Array | undefined {
  const bytes = unseal(derivedKey(secretKey(master), WRAPPING), wrapped, wrappingPlace(id));
  return bytes?.length === KEY_BYTES ? bytes : undefined;
}
