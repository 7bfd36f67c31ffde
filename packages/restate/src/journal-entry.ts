/** Entries of an invocation's journal as Restate's SQL gives them: messages of its protocol, as hexadecimal digits. */

/** Of a step or a promise that succeeded, and of what an invocation was given. */
const RESULT_FIELD = 5;
const INPUT_FIELD = 14;
const CONTENT_FIELD = 1;
const BYTES = 2;

/** What a step or a promise gave; undefined where it did not succeed. */
export function valueOf(raw: string): Uint8Array | undefined {
  return contentOf(raw, RESULT_FIELD);
}

/** What an invocation was given, by its first entry. */
export function inputOf(raw: string): Uint8Array | undefined {
  return contentOf(raw, INPUT_FIELD);
}

function contentOf(raw: string, field: number): Uint8Array | undefined {
  const value = fieldOf(Buffer.from(raw, 'hex'), field);
  // An empty value has no content.
  return value === undefined ? undefined : (fieldOf(value, CONTENT_FIELD) ?? new Uint8Array());
}

/** The bytes of a field in a message of Protocol Buffers; undefined where it has none of that number. */
function fieldOf(message: Uint8Array, wanted: number): Uint8Array | undefined {
  const at = { index: 0 };
  while (at.index < message.length) {
    const tag = varint(message, at);
    const kind = tag % 8;
    const length = kind === BYTES ? varint(message, at) : 0;
    if (kind === BYTES && tag >> 3 === wanted) return message.subarray(at.index, at.index + length);
    if (kind === BYTES) at.index += length;
    else if (kind === 0) varint(message, at);
    else at.index += kind === 1 ? 8 : 4;
  }
  return undefined;
}

function varint(message: Uint8Array, at: { index: number }): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = message[at.index] ?? 0;
    at.index += 1;
    value += (byte % 128) * scale;
    if (byte < 128) return value;
  }
}
