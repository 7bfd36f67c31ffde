import type { Digest } from '../journal/digest.ts';

/** From 0 up to but not 1, made of 52 bits of the digest. */
export function randomFrom(digest: Digest, seed: string, place: string): number {
  return Number.parseInt(digest(`random ${seed} ${place}`).slice(0, 13), 16) / 2 ** 52;
}

/** A version 4 UUID made of the digest. */
export function uuidFrom(digest: Digest, seed: string, place: string): string {
  const hex = digest(`uuid ${seed} ${place}`);
  const variant = (8 + (Number.parseInt(hex.charAt(16), 16) % 4)).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
