export interface Entropy {
  /** A sortable id without a prefix: 26 characters. */
  ulid(): string;
  /** 32 hexadecimal characters of randomness. */
  token(): string;
  /** From 0 up to but not 1. */
  random(): number;
}
