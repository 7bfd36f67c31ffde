/**
 * Base64 (RFC 4648, padded) without Node. Uses what the engine brings where it brings it, since that
 * is many times faster for large values.
 */
interface NativeBase64 {
  readonly encode: ((this: Uint8Array) => string) | undefined;
  readonly decode: ((text: string, options: { lastChunkHandling: 'strict' }) => Uint8Array) | undefined;
}

function nativeFunction(holder: object, name: string): unknown {
  const found: unknown = Reflect.get(holder, name);
  return typeof found === 'function' ? found : undefined;
}

const NATIVE: NativeBase64 = {
  encode: nativeFunction(Uint8Array.prototype, 'toBase64') as NativeBase64['encode'],
  decode: nativeFunction(Uint8Array, 'fromBase64') as NativeBase64['decode'],
};

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const PAD = 0x3d;
const NOT_BASE64 = 64;
const CHAR_OF = Uint8Array.from(ALPHABET, (char) => char.charCodeAt(0));
const VALUE_OF = new Uint8Array(256).fill(NOT_BASE64);
for (const [value, char] of CHAR_OF.entries()) VALUE_OF[char] = value;

/** The portable way; `toBase64` prefers the engine's. */
export function toBase64Portable(bytes: Uint8Array): string {
  const { length } = bytes;
  const chars = new Uint8Array(Math.ceil(length / 3) * 4);
  let at = 0;
  for (let i = 0; i < length; i += 3, at += 4) {
    const bits = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    chars[at] = CHAR_OF[bits >> 18] ?? 0;
    chars[at + 1] = CHAR_OF[(bits >> 12) & 63] ?? 0;
    chars[at + 2] = CHAR_OF[(bits >> 6) & 63] ?? 0;
    chars[at + 3] = CHAR_OF[bits & 63] ?? 0;
  }
  if (length % 3 !== 0) chars[at - 1] = PAD;
  if (length % 3 === 1) chars[at - 2] = PAD;
  // Five times faster than `String.fromCharCode` on slices.
  return new TextDecoder().decode(chars);
}

/** Bytes that a padded text stands for, -1 if its length or padding is wrong. */
function decodedLength(text: string): number {
  const { length } = text;
  if (length % 4 !== 0) return -1;
  if (length === 0) return 0;
  const pads = text.charCodeAt(length - 1) !== PAD ? 0 : text.charCodeAt(length - 2) !== PAD ? 1 : 2;
  return (length / 4) * 3 - pads;
}

/** The portable way; `fromBase64` prefers the engine's. */
export function fromBase64Portable(text: string): Uint8Array<ArrayBuffer> | undefined {
  const length = decodedLength(text);
  if (length < 0) return undefined;
  const bytes = new Uint8Array(length);
  const whole = length - (length % 3);
  let seen = 0;
  let i = 0;
  for (let at = 0; at < whole; at += 3, i += 4) {
    const a = VALUE_OF[text.charCodeAt(i)] ?? NOT_BASE64;
    const b = VALUE_OF[text.charCodeAt(i + 1)] ?? NOT_BASE64;
    const c = VALUE_OF[text.charCodeAt(i + 2)] ?? NOT_BASE64;
    const d = VALUE_OF[text.charCodeAt(i + 3)] ?? NOT_BASE64;
    seen |= a | b | c | d;
    bytes[at] = (a << 2) | (b >> 4);
    bytes[at + 1] = (b << 4) | (c >> 2);
    bytes[at + 2] = (c << 6) | d;
  }
  if (whole < length) {
    const a = VALUE_OF[text.charCodeAt(i)] ?? NOT_BASE64;
    const b = VALUE_OF[text.charCodeAt(i + 1)] ?? NOT_BASE64;
    const c = length - whole === 2 ? (VALUE_OF[text.charCodeAt(i + 2)] ?? NOT_BASE64) : 0;
    seen |= a | b | c;
    bytes[whole] = (a << 2) | (b >> 4);
    if (length - whole === 2) bytes[whole + 1] = (b << 4) | (c >> 2);
    // One value has one text: bits behind the last byte must be zero, as every encoder writes them.
    if (((length - whole === 2 ? c << 6 : b << 4) & 0xff) !== 0) return undefined;
  }
  return (seen & NOT_BASE64) === 0 ? bytes : undefined;
}

export function toBase64(bytes: Uint8Array): string {
  return NATIVE.encode === undefined ? toBase64Portable(bytes) : NATIVE.encode.call(bytes);
}

/** The bytes in a buffer of their own, or undefined if `text` is not what `toBase64` writes. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (NATIVE.decode === undefined) return fromBase64Portable(text);
  try {
    const bytes = NATIVE.decode.call(Uint8Array, text, { lastChunkHandling: 'strict' });
    // The engine's decoder skips white space, the portable one refuses it: journals must not depend on it.
    return bytes.length === decodedLength(text) ? new Uint8Array(bytes.buffer as ArrayBuffer) : undefined;
  } catch {
    return undefined;
  }
}
