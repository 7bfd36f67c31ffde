/** External tasks that are open, as people and programs see them. */
import type { Encoded } from '../journal/event.ts';
import type { Millis, RunId } from '../journal/ids.ts';
import { isClaimed, type Offer } from '../journal/offer.ts';
import type { TaskOffered } from '../journal/offer-event.ts';
import type { JournalStore } from '../ports/journal-store.ts';

const LONGEST_LIST = 10_000;

/** An external task that is open. */
export interface OpenTask {
  readonly id: string;
  readonly runId: RunId;
  readonly key: string;
  /** Its name. */
  readonly task: string;
  /** Who shall do it. */
  readonly kind: string;
  /** 'answered': its answer is on the way to the run. 'backoff': it failed, and is open again at `opensAt`. */
  readonly status: 'open' | 'claimed' | 'answered' | 'backoff';
  /** Plain JSON, as the process wrote it. */
  readonly description: Encoded;
  /** JSON Schema of the answer; null where nothing is known of it. */
  readonly outputSchema: Encoded;
  readonly offeredAt: Millis;
  /** When the call gives up; null = never. */
  readonly dueAt: Millis | null;
  readonly worker: string | null;
  readonly claimedUntil: Millis | null;
  readonly failures: number;
  readonly opensAt: Millis | null;
  /** Why the last answer was refused. */
  readonly refusal: string | null;
}

export interface TaskQuery {
  readonly runId?: RunId | undefined;
  readonly kinds?: readonly string[] | undefined;
  readonly limit?: number | undefined;
}

/** Open tasks as people and programs see them. */
export function openTasks(
  store: Pick<JournalStore, 'offers' | 'read'>,
  { runId, kinds, limit = LONGEST_LIST }: TaskQuery,
  now: Millis,
): OpenTask[] {
  const query = {
    limit,
    ...(runId === undefined ? {} : { runId }),
    ...(kinds === undefined ? {} : { kinds }),
  };
  return store.offers(query).map((offer) => openTask(store, offer, now));
}

export function openTask(store: Pick<JournalStore, 'read'>, offer: Offer, now: Millis): OpenTask {
  const { description, outputSchema } = offeredAt(store, offer);
  const { claim, opensAt } = offer;
  const isHeld = isClaimed(offer, now);
  return {
    id: offer.taskId,
    runId: offer.runId,
    key: offer.key,
    task: offer.task,
    kind: offer.kind,
    status: statusOf(offer, now),
    description,
    outputSchema,
    offeredAt: offer.offeredAt,
    dueAt: offer.dueAt,
    worker: isHeld ? (claim?.worker ?? null) : null,
    claimedUntil: isHeld ? (claim?.until ?? null) : null,
    failures: offer.failures,
    opensAt: opensAt > now ? opensAt : null,
    refusal: offer.refusal,
  };
}

function statusOf(offer: Offer, now: Millis): OpenTask['status'] {
  if (offer.answeredBy !== null) return 'answered';
  if (isClaimed(offer, now)) return 'claimed';
  return offer.opensAt > now ? 'backoff' : 'open';
}

/** What is recorded of it; of one that a compaction removed meanwhile, nothing. */
export function offeredAt(
  store: Pick<JournalStore, 'read'>,
  { runId, seq, key }: Offer,
): Pick<TaskOffered, 'description' | 'outputSchema'> {
  const event = store.read(runId, seq - 1, 1)[0]?.event;
  if (event?.type !== 'TaskOffered' || event.key !== key) return { description: null, outputSchema: null };
  return event;
}
