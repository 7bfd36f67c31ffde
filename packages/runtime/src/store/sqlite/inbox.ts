/** What outsiders leave for the lease holder. A message is checked when it is read: anyone may write. */
import type { Database, Statement } from 'better-sqlite3';

import { INSPECT_ONLY } from '../../journal/chain.ts';
import type { Millis, RunId } from '../../journal/ids.ts';
import type { InboxMessage } from '../../ports/journal-store.ts';
import { corrupt } from '../damage.ts';
import { sha256 } from '../sha256.ts';
import type { Sealing } from './sealing.ts';
import type { StartMail } from './start-mail.ts';
import type { Waking } from './waking.ts';

interface Target {
  readonly id: number;
  readonly status: string;
}

interface MessageRow {
  readonly id: string;
  readonly payload: unknown;
  /** Hexadecimal. */
  readonly digest: string;
}

/** Far above what people send; a flooded inbox is read in parts. */
const MAX_TAKEN = 1000;

export class Inbox {
  readonly #selectTarget: Statement<[RunId], Target>;
  readonly #selectKnown: Statement<[number, string]>;
  readonly #insert: Statement<[number, string, Millis, string, string]>;
  readonly #selectWaiting: Statement<[RunId, number], MessageRow>;

  readonly #waking: Waking;
  readonly #startMail: StartMail;
  readonly #sealing: Sealing;

  constructor(db: Database, others: { waking: Waking; startMail: StartMail; sealing: Sealing }) {
    this.#waking = others.waking;
    this.#startMail = others.startMail;
    this.#sealing = others.sealing;
    // Who only looks at a run has nobody to hand a message to.
    this.#selectTarget = db.prepare(
      `select id, case when min_reader = ${INSPECT_ONLY} then 'inspected' else status end as status
       from runs where run_id = ?`,
    );
    this.#selectKnown = db.prepare('select 1 from inbox where run = ? and id = ?');
    this.#insert = db.prepare(
      'insert into inbox (run, id, posted_at, payload, digest) values (?, ?, ?, ?, unhex(?))',
    );
    this.#selectWaiting = db.prepare(
      `select inbox.id, payload, lower(hex(digest)) as digest from inbox
       where run = (select id from runs where run_id = ?) and payload is not null
       order by n limit ?`,
    );
  }

  /** Inside a transaction. */
  post(runId: RunId, message: InboxMessage, now: Millis): 'posted' | 'duplicate' | 'unknown' | 'closed' {
    const target = this.#selectTarget.get(runId);
    if (target === undefined) return this.#startMail.post(runId, message, now);
    if (this.#selectKnown.get(target.id, message.id) !== undefined) return 'duplicate';
    if (target.status !== 'running') return 'closed';
    const payload = this.#sealing.message(message);
    this.#insert.run(target.id, message.id, now, payload, sha256(payload));
    this.#waking.hurry(target.id, now);
    return 'posted';
  }

  knows(runId: RunId, messageId: string): boolean {
    const target = this.#selectTarget.get(runId);
    return target !== undefined && this.#selectKnown.get(target.id, messageId) !== undefined;
  }

  take(runId: RunId): readonly InboxMessage[] {
    const rows = this.#selectWaiting.all(runId, MAX_TAKEN);
    return rows.map((row) => this.#parsed(runId, row)).filter((message) => message !== undefined);
  }

  /** What is wrong with messages that wait, as far as that can be seen. @throws RuntimeError CORRUPT */
  check(runId: RunId): void {
    for (const row of this.#selectWaiting.all(runId, MAX_TAKEN)) {
      const payload = stored(runId, row);
      if (!this.#sealing.isLocked)
        parseMessage(runId, row.id, this.#sealing.wholeMessage(runId, row.id, payload));
    }
  }

  #parsed(runId: RunId, row: MessageRow): InboxMessage | undefined {
    return parseMessage(runId, row.id, this.#sealing.wholeMessage(runId, row.id, stored(runId, row)));
  }
}

function badMessage(runId: RunId, id: string, why: string): never {
  throw corrupt(runId, 0, `message ${JSON.stringify(id)} in its inbox ${why}`);
}

function stored(runId: RunId, { id, payload, digest }: MessageRow): string {
  if (typeof payload !== 'string' || sha256(payload) !== digest)
    return badMessage(runId, id, 'does not match its checksum');
  return payload;
}

/** Nothing for a kind that only a newer program knows: it stays for one. */
function parseMessage(runId: RunId, id: string, payload: string): InboxMessage | undefined {
  const bad = (why: string): never => badMessage(runId, id, why);
  let message: unknown;
  try {
    message = JSON.parse(payload);
  } catch {
    return bad('is no JSON');
  }
  if (!isRecord(message) || message['id'] !== id || typeof message['kind'] !== 'string') {
    return bad('is malformed');
  }
  switch (message['kind']) {
    case 'cancel':
      return typeof message['reason'] === 'string'
        ? (message as InboxMessage & typeof message)
        : bad('is malformed');
    case 'signal':
      return typeof message['name'] === 'string' && message['payload'] !== undefined
        ? (message as InboxMessage & typeof message)
        : bad('is malformed');
    case 'answer':
      return isAnswer(message) ? (message as InboxMessage & typeof message) : bad('is malformed');
    case 'resolve':
      return isResolution(message) ? (message as InboxMessage & typeof message) : bad('is malformed');
    case 'taskAnswer':
      return isTaskAnswer(message) ? (message as InboxMessage & typeof message) : bad('is malformed');
    default:
      return undefined;
  }
}

function isAnswer(message: Readonly<Record<string, unknown>>): boolean {
  const { runId, key, by, approved, option, feedback, response } = message;
  return (
    [runId, key, by].every((text) => typeof text === 'string') &&
    [option, feedback].every((text) => text === null || typeof text === 'string') &&
    typeof approved === 'boolean' &&
    response !== undefined
  );
}

function isTaskAnswer({ runId, key, worker, as }: Readonly<Record<string, unknown>>): boolean {
  if (typeof key !== 'string' || typeof worker !== 'string' || !isRecord(as)) return false;
  if (runId !== undefined && typeof runId !== 'string') return false;
  const { status, output, message, details, reason } = as;
  if (status === 'done') return output !== undefined;
  if (status === 'failed') return typeof message === 'string' && details !== undefined;
  return status === 'cancelled' && typeof reason === 'string';
}

function isResolution({ runId, key, as }: Readonly<Record<string, unknown>>): boolean {
  if (typeof key !== 'string' || !isRecord(as)) return false;
  if (runId !== undefined && typeof runId !== 'string') return false;
  const { status, output, message } = as;
  if (status === 'done') return output !== undefined;
  return status === 'retry' || (status === 'failed' && typeof message === 'string');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
