/** PNG as Chromium writes it and as it is kept here: eight bits a colour, not interlaced. */
import { crc32, deflateSync, inflateSync } from 'node:zlib';

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Bytes a pixel: 3, or 4 with the alpha. */
  readonly depth: number;
  readonly pixels: Uint8Array;
}

const SIGNATURE = Buffer.from('\u0089PNG\r\n\u001A\n', 'latin1');
const DEPTHS = new Map([
  [2, 3],
  [6, 4],
]);

export function readPng(png: Buffer): Picture {
  const data: Buffer[] = [];
  let header: Buffer | undefined;
  for (let at = SIGNATURE.length; at < png.length;) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') header = body;
    if (type === 'IDAT') data.push(body);
    at += length + 12;
  }
  const depth = DEPTHS.get(header?.[9] ?? 0);
  if (header === undefined || header[8] !== 8 || header[12] !== 0 || depth === undefined)
    throw new TypeError('a PNG of another kind');
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const raw = inflateSync(Buffer.concat(data));
  const pixels = new Uint8Array(width * height * depth);
  for (let row = 0; row < height; row += 1) unfilter(raw, pixels, row, width * depth, depth);
  return { width, height, depth, pixels };
}

/** What of each byte was told is its difference to the one to the left, the one above, or what lies between. */
function unfilter(raw: Uint8Array, pixels: Uint8Array, row: number, length: number, depth: number): void {
  const from = row * (length + 1);
  const filter = raw[from] as number;
  const start = row * length;
  for (let n = 0; n < length; n += 1) {
    const left = n < depth ? 0 : (pixels[start + n - depth] as number);
    const above = row === 0 ? 0 : (pixels[start + n - length] as number);
    let guess = 0;
    if (filter === 1) guess = left;
    else if (filter === 2) guess = above;
    else if (filter === 3) guess = (left + above) >> 1;
    else if (filter === 4) {
      const corner = row === 0 || n < depth ? 0 : (pixels[start + n - length - depth] as number);
      guess = paeth(left, above, corner);
    }
    pixels[start + n] = (raw[from + 1 + n] as number) + guess;
  }
}

function paeth(left: number, above: number, corner: number): number {
  const [byLeft, byAbove] = [Math.abs(above - corner), Math.abs(left - corner)];
  const byCorner = Math.abs(left + above - 2 * corner);
  if (byLeft <= byAbove && byLeft <= byCorner) return left;
  return byAbove <= byCorner ? above : corner;
}

export function writePng({ width, height, depth, pixels }: Picture): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, depth === 3 ? 2 : 6], 8);
  const rows = Array.from({ length: height }, (_, row) =>
    Buffer.concat([Buffer.of(0), pixels.subarray(row * width * depth, (row + 1) * width * depth)]),
  );
  const data = deflateSync(Buffer.concat(rows), { level: 9 });
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}
