import type { Encoded } from '../journal/event.ts';

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
const ELLIPSIS = '…';

/** Takes text until it is full, so that a large value costs no more than what is shown of it. */
class Brief {
  readonly #limit: number;
  #text = '';

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isFull(): boolean {
    return this.#text.length > this.#limit;
  }

  add(text: string): void {
    if (!this.isFull) this.#text += text;
  }

  get text(): string {
    return this.isFull ? `${this.#text.slice(0, Math.max(0, this.#limit - 1))}${ELLIPSIS}` : this.#text;
  }

  get limit(): number {
    return this.#limit;
  }
}

/** A recorded value in at most `limit` characters, as JavaScript would write it; one line. */
export function shortValue(encoded: Encoded, limit: number): string {
  const brief = new Brief(limit);
  write(encoded, brief);
  return brief.text;
}

function write(value: Encoded, out: Brief): void {
  if (out.isFull) return;
  if (typeof value === 'string') {
    out.add(JSON.stringify(value.length > out.limit ? value.slice(0, out.limit + 1) : value));
  } else if (typeof value !== 'object' || value === null) {
    out.add(String(value));
  } else if (isList(value)) {
    writeList(value, out);
  } else if (Object.hasOwn(value, '$pawl')) {
    writeTagged(value, out);
  } else {
    writeObject(value, out);
  }
}

function writeList(items: readonly Encoded[], out: Brief): void {
  out.add('[');
  for (const [index, item] of items.entries()) {
    if (out.isFull) return;
    if (index > 0) out.add(', ');
    write(item, out);
  }
  out.add(']');
}

function writeObject(object: { readonly [key: string]: Encoded }, out: Brief): void {
  let first = true;
  out.add('{');
  for (const key in object) {
    if (!Object.hasOwn(object, key)) continue;
    if (out.isFull) return;
    out.add(first ? ' ' : ', ');
    first = false;
    out.add(IDENTIFIER.test(key) ? key : JSON.stringify(key.slice(0, out.limit)));
    out.add(': ');
    write(object[key] ?? null, out);
  }
  out.add(first ? '}' : ' }');
}

/** What the codec writes for a value that JSON does not have; see journal/codec.ts. */
function writeTagged(object: { readonly [key: string]: Encoded }, out: Brief): void {
  const tag = object['$pawl'];
  const value = object['value'] ?? null;
  switch (tag) {
    case 'undefined':
    case 'hole':
      out.add('undefined');
      return;
    case 'number':
      out.add(String(value));
      return;
    case 'BigInt':
      out.add(`${String(value)}n`);
      return;
    case 'Date':
    case 'URL':
      out.add(value === null ? 'Invalid Date' : String(value));
      return;
    case 'object':
      // It had a key of that name itself.
      if (value !== null && typeof value === 'object' && !isList(value)) writeObject(value, out);
      return;
    case 'Error':
      out.add(errorTitle(value));
      return;
    case 'Secret':
      out.add('[secret]');
      return;
    default:
      out.add(`${String(tag)}(`);
      if (value !== null && typeof value === 'object') write(value, out);
      out.add(')');
  }
}

function errorTitle(value: Encoded): string {
  if (typeof value !== 'object' || value === null || isList(value)) return 'Error';
  return `${String(value['name'])}: ${String(value['message'])}`;
}

function isList(value: object): value is readonly Encoded[] {
  return Array.isArray(value);
}
