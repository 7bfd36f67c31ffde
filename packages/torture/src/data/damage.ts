/** What happens to files that lie about: bits flip, ends are cut, pages are gone or stand in each other's place. */
const PAGE = 4096;

export type Damage = (bytes: Buffer, random: () => number) => Buffer;

function pageAt(bytes: Buffer, random: () => number): { readonly from: number; readonly to: number } {
  const from = Math.floor((random() * bytes.length) / PAGE) * PAGE;
  return { from, to: Math.min(from + PAGE, bytes.length) };
}

export const DAMAGES: Readonly<Record<string, Damage>> = {
  'a flipped bit': (bytes, random) => {
    const at = Math.floor(random() * bytes.length);
    bytes.writeUInt8((bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8)), at);
    return bytes;
  },
  'a cut end': (bytes, random) => bytes.subarray(0, Math.floor(random() * bytes.length)),
  'a zeroed page': (bytes, random) => {
    const { from, to } = pageAt(bytes, random);
    return bytes.fill(0, from, to);
  },
  'a page in the place of another': (bytes, random) => {
    const { from, to } = pageAt(bytes, random);
    bytes.copy(bytes, pageAt(bytes, random).from, from, to);
    return bytes;
  },
};
