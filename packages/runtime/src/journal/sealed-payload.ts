/**
 * The payload of a row in an encrypted journal: its structure as JSON, and all of its values in one sealed field, the
 * last. What is sealed has the whole of a field of which a part is in the open, too.
 */
import { markValues } from './value-fields.ts';

/** A payload in two texts: members of a JSON object, without its braces. `closed` is empty where nothing is a value. */
export interface PayloadParts {
  readonly open: string;
  readonly closed: string;
}

export interface SealedPayload {
  readonly open: string;
  /** The number of the data key, a point, base64. */
  readonly sealed: string;
}

const FIELD = '"$sealed":"';
const SEALED = /^\d{1,15}\.[A-Za-z0-9+/]+={0,2}$/;

export function sealedPayload({ open, sealed }: SealedPayload): string {
  return open === '' ? `{${FIELD}${sealed}"}` : `{${open},${FIELD}${sealed}"}`;
}

/** Undefined where nothing in it is sealed. */
export function readSealed(payload: string): SealedPayload | undefined {
  // Within a string of JSON a quote has a backslash before it: only a field looks so.
  const at = payload.lastIndexOf(FIELD);
  if (at < 1 || !payload.endsWith('"}')) return undefined;
  const sealed = payload.slice(at + FIELD.length, -2);
  if (!SEALED.test(sealed)) return undefined;
  return { open: payload.slice(1, Math.max(1, at - 1)), sealed };
}

/** Of a name that is there twice, JSON takes what comes last: what was sealed. */
export function joinPayload({ open, closed }: PayloadParts): string {
  return open === '' || closed === '' ? `{${open}${closed}}` : `{${open},${closed}}`;
}

/** The payload for who cannot open it. */
export function markedPayload(type: string, open: string): string {
  return JSON.stringify(markValues(type, JSON.parse(`{${open}}`) as Readonly<Record<string, unknown>>));
}
