import type { Json } from '@pawl/sdk';
import { decode } from '../journal/codec.ts';
import { toErrorRecord, type ErrorRecord } from '../journal/error-record.ts';
import type { Encoded } from '../journal/event.ts';
import type { Report } from '../kernel/input.ts';
import { encodePayload } from '../process/payload.ts';

const CUT = '[secret]';
/** Shorter texts stand in too much that is no secret. */
const SHORTEST = 8;
/** Encoded kinds whose parts are values of their own; of all others nothing can be cut out. */
const OPEN_KINDS: ReadonlySet<unknown> = new Set(['object', 'Map', 'Set', 'Error']);
/** What is logged may be of any size; what is larger is not looked through, and not told. */
const MAX_LOGGED = 1024 * 1024;

/**
 * The texts that must not be told: those of the secrets that one attempt was given.
 *
 * Finds them as they are, as JSON and as a URL have them; not what a task makes of them.
 */
export class Redaction {
  /** The longest first: one may be part of another. */
  readonly #texts: readonly string[];

  private constructor(texts: readonly string[]) {
    this.#texts = texts;
  }

  static readonly NONE: Redaction = new Redaction([]);

  static of(values: readonly Encoded[]): Redaction {
    if (values.length === 0) return Redaction.NONE;
    const texts = new Set<string>();
    for (const value of values) {
      for (const text of textsOf(value)) {
        for (const form of [text, asInJson(text), asInUrl(text)]) texts.add(form);
      }
    }
    return new Redaction([...texts].toSorted((a, b) => b.length - a.length));
  }

  text(text: string): string {
    return this.#texts.reduce((cut, secret) => cut.replaceAll(secret, CUT), text);
  }

  /** An encoded value that can be decoded again. */
  value(encoded: Encoded): Encoded {
    if (!this.#finds(encoded)) return encoded;
    const cut = this.#cut(encoded);
    try {
      // Such as a Map, two keys of which have become one.
      decode(cut);
      return cut;
    } catch {
      return CUT;
    }
  }

  error(record: ErrorRecord): ErrorRecord {
    // Nothing is added or left out by it.
    return this.#finds(record) ? (this.#cut(record) as ErrorRecord) : record;
  }

  /** Values as they are logged, in the program: without secrets they are told as they are. */
  logged(value: unknown): unknown {
    if (this.#texts.length === 0) return value;
    if (typeof value === 'string') return this.text(value);
    try {
      const encoded = encodePayload('What is logged', value, MAX_LOGGED);
      return this.#finds(encoded) ? decode(this.value(encoded)) : value;
    } catch {
      return this.text(toErrorRecord(value).message);
    }
  }

  report(report: Report): Report {
    if (this.#texts.length === 0) return report;
    switch (report.type) {
      case 'AttemptSucceeded':
        return { ...report, output: this.value(report.output) };
      case 'AttemptErred':
        return { ...report, error: this.error(report.error) };
      case 'ItemProduced':
        return { ...report, item: this.value(report.item) };
      case 'OutcomeResolved': {
        const { answer } = report;
        if (answer.status === 'done')
          return { ...report, answer: { ...answer, output: this.value(answer.output) } };
        if (answer.status === 'failed')
          return { ...report, answer: { ...answer, error: this.error(answer.error) } };
        return report;
      }
      default:
        return report;
    }
  }

  #finds(value: Json): boolean {
    if (this.#texts.length === 0) return false;
    if (typeof value === 'string') return this.#texts.some((secret) => value.includes(secret));
    if (typeof value === 'number') return this.#texts.includes(String(value));
    if (typeof value !== 'object' || value === null) return false;
    return Object.entries(value).some(
      ([key, field]: [string, Json]) => this.#finds(field) || (!Array.isArray(value) && this.#finds(key)),
    );
  }

  #cut(value: Json): Json {
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'number') return this.#texts.includes(String(value)) ? CUT : value;
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item: Json) => this.#cut(item));
    const fields = value as { readonly [key: string]: Json };
    const kind = fields['$pawl'];
    if (kind !== undefined && !OPEN_KINDS.has(kind)) return this.#finds(fields) ? CUT : fields;
    return Object.fromEntries(
      Object.entries(fields).map(([key, field]) =>
        key === '$pawl' || key === 'class' ? [key, field] : [this.text(key), this.#cut(field)],
      ),
    );
  }
}

/** Texts of a value that are long enough, without the names that the codec gives to kinds. */
function* textsOf(value: Json): Generator<string> {
  if (typeof value === 'string' || typeof value === 'number') {
    const text = String(value);
    if (text.length >= SHORTEST) yield text;
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, field] of Object.entries(value) as [string, Json][])
      if (key !== '$pawl') yield* textsOf(field);
  }
}

function asInJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function asInUrl(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
