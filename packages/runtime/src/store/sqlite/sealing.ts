/**
 * Owns: the data keys of one journal, opened, and what is derived from them.
 * Talks to: their table.
 *
 * 1. In an encrypted journal no value is written in the open: what cannot be sealed is refused.
 * 2. What does not open is damage, and never passed on.
 */
import type { KeyObject } from 'node:crypto';

import type { Database } from 'better-sqlite3';

import { RuntimeError } from '../../errors.ts';
import { EVENT_VERSION } from '../../journal/chain.ts';
import type { JournalEvent } from '../../journal/event.ts';
import type { Millis, RunId, Seq } from '../../journal/ids.ts';
import { joinPayload, markedPayload, readSealed, sealedPayload } from '../../journal/sealed-payload.ts';
import { storeEvent, storeParts, type StoredEvent } from '../../journal/stored-event.ts';
import { SEALED_MARK } from '../../journal/value-fields.ts';
import type { InboxMessage } from '../../ports/journal-store.ts';
import type { MasterKeySource, Rotated } from '../../ports/sealing-store.ts';
import { corrupt } from '../damage.ts';
import { DataKeys, type DataKeyRow } from './data-keys.ts';
import { derivedKey, fingerprint, keyedDigest, seal, secretKey, unseal, unwrap } from './seal-box.ts';
import {
  damaged,
  damagedKey,
  noKey,
  nothingEncrypted,
  openWithoutKey,
  otherKey,
  rotatedMeanwhile,
  sameKey,
} from './sealing-errors.ts';

/** An event where it stands. */
export interface PlacedRow extends StoredEvent {
  readonly seq: Seq;
  readonly at: Millis;
}

/** What becomes of a value that cannot be opened for want of the key. */
export type WhenLocked = 'mark' | 'refuse';

/** Derived keys that are kept; more are made again. */
const MOST_DERIVED = 10_000;
/** A sealed column: no JSON begins so. */
const SEALED_TEXT = /^~(\d{1,15})\.([A-Za-z0-9+/]+={0,2})$/;
/** Of a message, what stays in the open: whom it is for, and how it is told from others. */
const OPEN_OF_MESSAGE: ReadonlySet<string> = new Set(['kind', 'id', 'name', 'runId', 'key']);

export class Sealing {
  readonly #path: string;
  readonly #table: DataKeys;
  #source: MasterKeySource | undefined;
  #rows: readonly DataKeyRow[] = [];
  readonly #keys = new Map<number, KeyObject>();
  readonly #derived = new Map<string, KeyObject>();
  /** Why nothing can be opened. */
  #locked: RuntimeError | undefined;
  #given: string | null = null;

  /** @throws RuntimeError CORRUPT for a data key that was changed; what the source throws */
  constructor(db: Database, path: string, source: MasterKeySource | undefined) {
    this.#path = path;
    this.#table = new DataKeys(db);
    this.#source = source;
    this.#load();
  }

  get isOn(): boolean {
    return this.#rows.length > 0;
  }

  get isLocked(): boolean {
    return this.#locked !== undefined;
  }

  get dataKeys(): readonly DataKeyRow[] {
    return this.#rows;
  }

  get given(): string | null {
    return this.#given;
  }

  /** @throws RuntimeError SEALED */
  needKey(): void {
    if (this.#locked !== undefined) throw this.#locked;
  }

  /** Somebody else of this program has the journal open, and gives a key. @throws RuntimeError SEALED, REFUSED */
  join(source: MasterKeySource | undefined, mayWrite: boolean): void {
    const master = this.isOn || mayWrite ? source?.() : undefined;
    if (master === undefined) return;
    if (!this.isOn) throw openWithoutKey(this.#path);
    if (this.isLocked) {
      this.#source = source;
      this.#load();
    } else if (fingerprint(master) !== this.#rows[0]?.master) {
      throw otherKey(this.#path, this.#rows[0]?.master ?? '', fingerprint(master));
    }
  }

  /** As it is to be stored, with its values sealed where the journal is encrypted. */
  store(runId: RunId, seq: Seq, at: Millis, event: JournalEvent): StoredEvent {
    if (!this.isOn) return storeEvent(event);
    const { type } = event;
    const { open, closed } = storeParts(event);
    if (closed === '') return { type, version: EVENT_VERSION, payload: `{${open}}` };
    const place = eventPlace(runId, { seq, at, type, version: EVENT_VERSION }, open);
    const sealed = this.#seal(`events ${runId}`, closed, place);
    return { type, version: EVENT_VERSION, payload: sealedPayload({ open, sealed }) };
  }

  /** The whole of a row. @throws RuntimeError CORRUPT, SEALED */
  whole(runId: RunId, row: PlacedRow, whenLocked: WhenLocked): StoredEvent {
    if (!this.isOn) return row;
    const parts = readSealed(row.payload);
    if (parts === undefined) return row;
    const { open, sealed } = parts;
    const { type, version } = row;
    if (this.isLocked && whenLocked === 'mark') return { type, version, payload: marked(runId, row, open) };
    const place = eventPlace(runId, row, open);
    const closed = this.#open(`events ${runId}`, sealed, place, (why) => corrupt(runId, row.seq, why));
    return { type, version, payload: joinPayload({ open, closed }) };
  }

  /** The payload of a message in an inbox. */
  message(message: InboxMessage): string {
    if (!this.isOn) return JSON.stringify(message);
    const [open, closed]: [string[], string[]] = [[], []];
    for (const [name, value] of Object.entries(message)) {
      const member = `${JSON.stringify(name)}:${JSON.stringify(value)}`;
      if (value !== undefined) (OPEN_OF_MESSAGE.has(name) ? open : closed).push(member);
    }
    const parts = { open: open.join(','), closed: closed.join(',') };
    if (closed.length === 0) return joinPayload(parts);
    const sealed = this.#seal('messages', parts.closed, messagePlace(message.id, parts.open));
    return sealedPayload({ open: parts.open, sealed });
  }

  /** @throws RuntimeError CORRUPT, SEALED */
  wholeMessage(runId: RunId, id: string, payload: string): string {
    const parts = this.isOn ? readSealed(payload) : undefined;
    if (parts === undefined) return payload;
    const { open, sealed } = parts;
    const closed = this.#open('messages', sealed, messagePlace(id, open), (why) =>
      corrupt(runId, 0, `message ${JSON.stringify(id)} in its inbox: ${why}`),
    );
    return joinPayload({ open, closed });
  }

  /** For who only looks: with a mark for what is locked. @throws RuntimeError CORRUPT */
  wholeMessageOrMark(id: string, payload: string): string {
    const parts = this.isLocked ? readSealed(payload) : undefined;
    if (parts === undefined) return this.wholeMessage('', id, payload);
    return joinPayload({ open: parts.open, closed: `"payload":${JSON.stringify(SEALED_MARK)}` });
  }

  /** A column that holds a value. @param place its table and its row */
  text(place: readonly (string | number)[], text: string): string {
    return this.isOn ? `~${this.#seal('columns', text, JSON.stringify(place))}` : text;
  }

  textOrNull(place: readonly (string | number)[], text: string | null): string | null {
    return text === null ? null : this.text(place, text);
  }

  /** A mark where it is locked. @throws RuntimeError CORRUPT */
  wholeText(place: readonly (string | number)[], text: string): string {
    if (!this.isOn || !text.startsWith('~')) return text;
    const [, id, sealed] = SEALED_TEXT.exec(text) ?? [];
    if (id === undefined || sealed === undefined) return text;
    if (this.isLocked) return SEALED_MARK;
    return this.#open('columns', `${id}.${sealed}`, JSON.stringify(place), (why) =>
      damaged(this.#path, place, why),
    );
  }

  wholeTextOrNull(place: readonly (string | number)[], text: string | null): string | null {
    return text === null ? null : this.wholeText(place, text);
  }

  /** For who looks at a run: what was sealed with the key of another program is a mark, too. @throws RuntimeError CORRUPT */
  shownText(place: readonly (string | number)[], text: string): string {
    try {
      return this.wholeText(place, text);
    } catch (error) {
      if (error instanceof RuntimeError && error.code === 'SEALED') return SEALED_MARK;
      throw error;
    }
  }

  /** As `wholeText`, of a column of JSON: the mark is one, too. */
  wholeJson(place: readonly (string | number)[], text: string): string {
    const whole = this.wholeText(place, text);
    return whole === SEALED_MARK && text !== SEALED_MARK ? JSON.stringify(SEALED_MARK) : whole;
  }

  /** What a value is found by; it stays the same over rotations. */
  digest(text: string): string {
    this.needKey();
    return keyedDigest(this.#key(this.#rows[0]?.id ?? 0, 'lookups'), text);
  }

  /** Inside a transaction. @returns all but what becomes of the log */
  rotate(to: Uint8Array): Omit<Rotated, 'isLogEmptied'> {
    // Others may have done it since.
    this.#load();
    this.needKey();
    const [first] = this.#rows;
    if (first === undefined) throw nothingEncrypted(this.#path);
    const [from, name] = [first.master, fingerprint(to)];
    if (from === name) throw sameKey(this.#path, name);
    const master = this.#source?.();
    for (const { id, wrapped } of this.#rows) {
      const dataKey = master === undefined ? undefined : unwrap(master, id, wrapped);
      if (dataKey === undefined) throw damagedKey(this.#path, id);
      this.#table.rewrap(id, dataKey, to);
    }
    const dataKey = (this.#rows.at(-1)?.id ?? 0) + 1;
    this.#table.add(dataKey, to);
    return { from, to: name, wrapped: this.#rows.length, dataKey };
  }

  /** It is committed. */
  rotated(to: Uint8Array): void {
    this.#source = () => to;
    this.#load();
  }

  #load(): void {
    this.#rows = this.#table.all();
    const [first] = this.#rows;
    this.#locked = undefined;
    if (first === undefined) return;
    const master = this.#source?.();
    this.#given = master === undefined ? null : fingerprint(master);
    if (master === undefined || this.#given !== first.master) {
      this.#locked =
        this.#given === null
          ? noKey(this.#path, first.master)
          : otherKey(this.#path, first.master, this.#given);
      return;
    }
    for (const { id, wrapped } of this.#rows) {
      if (this.#keys.has(id)) continue;
      const dataKey = unwrap(master, id, wrapped);
      if (dataKey === undefined) throw damagedKey(this.#path, id);
      this.#keys.set(id, secretKey(dataKey));
    }
  }

  #seal(purpose: string, text: string, place: string): string {
    this.needKey();
    const id = this.#rows.at(-1)?.id ?? 0;
    return `${id}.${seal(this.#key(id, purpose), text, place)}`;
  }

  #open(purpose: string, sealed: string, place: string, bad: (why: string) => RuntimeError): string {
    this.needKey();
    const point = sealed.indexOf('.');
    const id = Number(sealed.slice(0, point));
    if (!this.#keys.has(id)) this.#loadNewer();
    if (!this.#keys.has(id)) throw bad(`it was sealed with data key ${id}, which is not there`);
    const text = unseal(this.#key(id, purpose), sealed.slice(point + 1), place);
    if (text === undefined) throw bad('what is sealed in it was changed, or belongs elsewhere');
    return text.toString('utf8');
  }

  /** Another program made a data key since. @throws RuntimeError SEALED where it did so with another master key */
  #loadNewer(): void {
    const rows = this.#table.all();
    const [first] = rows;
    if (first === undefined || first.master !== this.#rows[0]?.master)
      throw rotatedMeanwhile(this.#path, first?.master ?? '');
    this.#load();
  }

  #key(id: number, purpose: string): KeyObject {
    const name = `${id} ${purpose}`;
    let key = this.#derived.get(name);
    if (key === undefined) {
      const from = this.#keys.get(id);
      if (from === undefined) throw damagedKey(this.#path, id);
      if (this.#derived.size >= MOST_DERIVED) this.#derived.clear();
      key = derivedKey(from, purpose);
      this.#derived.set(name, key);
    }
    return key;
  }
}

function eventPlace(runId: RunId, row: Omit<PlacedRow, 'payload'>, open: string): string {
  return ['event', runId, row.seq, row.at, row.type, row.version, open].join('\n');
}

function messagePlace(id: string, open: string): string {
  return ['message', id, open].join('\n');
}

function marked(runId: RunId, { seq, type }: PlacedRow, open: string): string {
  try {
    return markedPayload(type, open);
  } catch (error) {
    throw corrupt(runId, seq, 'it holds no JSON object', error);
  }
}
