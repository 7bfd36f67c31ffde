/** Authenticated encryption. Keys are base64 of 32 bytes, and so is what is sealed, of more. */
export interface Cipher {
  /** A random one. */
  newKey(): string;
  /** Another text each time. */
  seal(key: string, text: string): string;
  /** Undefined where it was sealed with another key, or changed since. */
  open(key: string, sealed: string): string | undefined;
}
