import { createCipheriv, createDecipheriv, hash, randomBytes, randomUUID } from 'node:crypto';
import { ulid } from 'ulid';
import type { Cipher } from './ports/cipher.ts';
import type { Clock } from './ports/clock.ts';
import type { Digest } from './journal/digest.ts';
import type { Entropy } from './ports/entropy.ts';

/** The longest delay that Node's timers take; more would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    const end = performance.now() + delayMs;
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const left = Math.max(0, end - performance.now());
      timer = setTimeout(
        () => {
          // Node may fire up to a millisecond early.
          if (performance.now() < end) arm();
          else callback();
        },
        Math.min(MAX_TIMEOUT_MS, Math.ceil(left)),
      );
    };
    arm();
    return () => clearTimeout(timer);
  },
};

export const systemEntropy: Entropy = {
  ulid: () => ulid().toLowerCase(),
  // It draws many ahead: bytes for each run would be a call to the kernel each.
  token: () => randomUUID().replaceAll('-', ''),
  random: () => Math.random(),
};

export const sha256: Digest = (text) => hash('sha256', text, 'hex');

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** AES-256-GCM; a sealed text is iv, tag and ciphertext. */
export const systemCipher: Cipher = {
  newKey: () => randomBytes(32).toString('base64'),
  seal(key, text) {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', Buffer.from(key, 'base64'), iv);
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64');
  },
  open(key, sealed) {
    const bytes = Buffer.from(sealed, 'base64');
    if (bytes.length < IV_BYTES + TAG_BYTES) return undefined;
    const iv = bytes.subarray(0, IV_BYTES);
    const options = { authTagLength: TAG_BYTES };
    const decipher = createDecipheriv('aes-256-gcm', Buffer.from(key, 'base64'), iv, options);
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    try {
      const body = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES));
      return Buffer.concat([body, decipher.final()]).toString('utf8');
    } catch {
      return undefined;
    }
  },
};
