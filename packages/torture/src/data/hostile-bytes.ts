/** Journals that are no longer what SQLite writes: changed by bytes, where it is looked for least. */
const PAGE = 4096;

type ByteAttack = (bytes: Buffer, random: () => number) => Buffer;

function at(bytes: Buffer, random: () => number): number {
  return Math.floor(random() * Math.max(1, bytes.length));
}

/** By what is done; `where` a file of another name beside the journal is written instead. */
export const BYTE_ATTACKS: Readonly<
  Record<string, { readonly end: '' | '-wal' | '-journal'; readonly make: ByteAttack }>
> = {
  'a field of the header': {
    end: '',
    make: (bytes, random) => {
      bytes.writeUInt32BE(Math.floor(random() * 2 ** 32), 16 + 4 * Math.floor(random() * 21));
      return bytes;
    },
  },
  'a count of pages beyond all bounds': {
    end: '',
    make: (bytes) => {
      bytes.writeUInt32BE(0xfffffffe, 28);
      return bytes;
    },
  },
  'another size of pages': {
    end: '',
    make: (bytes, random) => {
      bytes.writeUInt16BE([1, 512, 1024, 8192, 32768, 3][Math.floor(random() * 6)] ?? 1, 16);
      return bytes;
    },
  },
  'the head of a page': {
    end: '',
    make: (bytes, random) => {
      const page = Math.floor(at(bytes, random) / PAGE) * PAGE;
      bytes.writeUInt8(Math.floor(random() * 256), page + (page === 0 ? 100 : 0) + Math.floor(random() * 12));
      return bytes;
    },
  },
  'pointers to cells': {
    end: '',
    make: (bytes, random) => {
      const page = Math.floor(at(bytes, random) / PAGE) * PAGE;
      for (let i = 0; i < 20; i += 2) bytes.writeUInt16BE(Math.floor(random() * 65536), page + 108 + i);
      return bytes;
    },
  },
  'lengths without end': {
    end: '',
    make: (bytes, random) => {
      const from = at(bytes, random);
      return bytes.fill(0xff, from, Math.min(from + 9, bytes.length));
    },
  },
  'a page that leads to itself': {
    end: '',
    make: (bytes, random) => {
      const page = Math.floor(at(bytes, random) / PAGE);
      bytes.writeUInt32BE(page + 1, page * PAGE + (random() < 0.5 ? 0 : 8));
      return bytes;
    },
  },
  'many bytes anywhere': {
    end: '',
    make: (bytes, random) => {
      for (let i = 0; i < 200; i += 1) bytes.writeUInt8(Math.floor(random() * 256), at(bytes, random));
      return bytes;
    },
  },
  'nothing but a beginning': { end: '', make: (bytes, random) => bytes.subarray(0, at(bytes, random) % 200) },
  'a log of noise': { end: '-wal', make: (_, random) => noise(random, [0x37, 0x7f, 0x06, 0x82]) },
  'a rollback journal of noise': {
    end: '-journal',
    make: (_, random) => noise(random, [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]),
  },
};

function noise(random: () => number, head: readonly number[]): Buffer {
  const bytes = Buffer.from(
    Array.from({ length: 32 + Math.floor(random() * 30_000) }, () => Math.floor(random() * 256)),
  );
  Buffer.from(head).copy(bytes);
  return bytes;
}
