/** Work for a processor and nothing else. */
export function burn(rounds: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < rounds; i += 1) hash = Math.imul(hash ^ (i & 0xff), 0x01000193);
  return hash >>> 0;
}
