/**
 * A font in which every character is the same box. Other machines have other fonts, and other ways of drawing them:
 * what is drawn with this one is the same on each of them, so a picture of it can be kept and compared.
 */

const UNITS = 1000;
const ASCENT = 800;
const DESCENT = -220;
/** Of each character: about what letters of usual fonts take. */
const ADVANCE = 540;
const BOX = { left: 50, right: 490, bottom: -60, top: 560 };
/** Glyphs: of what is in no font, the box, and what is blank. */
const [BOXED, BLANK, GLYPHS] = [1, 2, 3];

export function blockFont(): Uint8Array {
  const box = boxGlyph();
  const { left, right } = BOX;
  const none = (count: number): number[] => Array.from({ length: count }, () => 0);
  const tables: readonly (readonly [tag: string, body: Uint8Array])[] = [
    ['OS/2', style()],
    ['cmap', characters()],
    ['glyf', box],
    ['head', header()],
    [
      'hhea',
      bytes([
        u32(0x10000),
        ...[ASCENT, DESCENT, 0, ADVANCE, left, ADVANCE - right, right, 1, 0, 0, ...none(5), GLYPHS].map(u16),
      ]),
    ],
    ['hmtx', bytes(Array.from({ length: GLYPHS }, () => [...u16(ADVANCE), ...u16(left)]))],
    // In units of two bytes: the first two glyphs are one box each.
    ['loca', bytes([0, box.length / 4, box.length / 2, box.length / 2].map(u16))],
    ['maxp', bytes([u32(0x10000), ...[GLYPHS, 4, 1, 0, 0, 2, ...none(8)].map(u16)])],
    // It has no name.
    ['name', bytes([0, 0, 6].map(u16))],
    ['post', bytes([u32(0x30000), ...none(7).map(u32)])],
  ];
  const head = [
    ...u32(0x10000),
    ...u16(tables.length),
    // For a search by halves: the greatest power of two in them.
    ...u16(128),
    ...u16(3),
    ...u16(tables.length * 16 - 128),
  ];
  const bodies: number[] = [];
  for (const [tag, body] of tables) {
    head.push(
      ...Buffer.from(tag),
      ...u32(0),
      ...u32(12 + tables.length * 16 + bodies.length),
      ...u32(body.length),
    );
    bodies.push(...body);
    while (bodies.length % 4 !== 0) bodies.push(0);
  }
  return Uint8Array.from([...head, ...bodies]);
}

function header(): Uint8Array {
  const { left, bottom, right, top } = BOX;
  const [magic, times] = [u32(0x5f0f3cf5), [0, 0, 0, 0].map(u32)];
  return bytes([
    u32(0x10000),
    ...[0, 0].map(u32),
    magic,
    ...[3, UNITS].map(u16),
    ...times,
    ...[left, bottom, right, top, 0, 8, 2, 0, 0].map(u16),
  ]);
}

/** Its weight and its heights, without which it is taken for no font. */
function style(): Uint8Array {
  return bytes([
    ...[0, ADVANCE, 400, 5, 0].map(u16),
    // Where small letters and lines would stand, its family, its looks, its scripts, its maker.
    Array.from({ length: 52 }, () => 0),
    ...[64, 0x21, 0xffff, ASCENT, DESCENT, 0, ASCENT, -DESCENT].map(u16),
  ]);
}

/** Two boxes behind each other: that of what is in no font, too. */
function boxGlyph(): Uint8Array {
  const { left, bottom, right, top } = BOX;
  const one = bytes([
    ...[1, left, bottom, right, top, 3, 0].map(u16),
    // Four points on the line, then the way from each to the next.
    [1, 1, 1, 1],
    ...[left, 0, right - left, 0, bottom, top - bottom, 0, bottom - top].map(u16),
  ]);
  const padded = [...one, ...Array.from({ length: -one.length & 3 }, () => 0)];
  return Uint8Array.from([...padded, ...padded]);
}

/** Format 13: many characters, one glyph. */
function characters(): Uint8Array {
  const groups = [
    [0, 0x20, BLANK],
    [0x21, 0x9f, BOXED],
    [0xa0, 0xa0, BLANK],
    [0xa1, 0xd7ff, BOXED],
    [0xe000, 0x10ffff, BOXED],
  ];
  return bytes([
    ...[0, 1, 3, 10].map(u16),
    u32(12),
    ...[13, 0].map(u16),
    ...[16 + groups.length * 12, 0, groups.length, ...groups.flat()].map(u32),
  ]);
}

function bytes(parts: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flat());
}

function u16(value: number): number[] {
  return [(value >> 8) & 255, value & 255];
}

function u32(value: number): number[] {
  return [...u16(value >>> 16), ...u16(value & 0xffff)];
}
