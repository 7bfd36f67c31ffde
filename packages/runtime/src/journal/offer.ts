/**
 * External tasks as all programs over a journal share them: which are open, and who works on them. That a task is
 * open follows from its events; who works on it is a gate and no fact, so losing all claims loses no work.
 */
import type { CallKey } from './call-key.ts';
import type { Encoded, Recorded } from './event.ts';
import type { Millis, RunId, Seq } from './ids.ts';
import { unreachable } from './invariant.ts';

export interface Claim {
  /** As whoever claimed it calls themselves: for people. */
  readonly worker: string;
  /** Random, one a claim: who has it is who has this. */
  readonly token: string;
  readonly until: Millis;
}

/** An external task that is not settled. */
export interface Offer {
  readonly taskId: string;
  readonly runId: RunId;
  readonly key: CallKey;
  /** Of its TaskOffered. */
  readonly seq: Seq;
  readonly task: string;
  readonly kind: string;
  readonly offeredAt: Millis;
  /** When the call gives up; null = never. */
  readonly dueAt: Millis | null;
  /** How long a claim lasts without a heartbeat, at most. */
  readonly leaseMs: number;
  /** Answers that said that it failed. */
  readonly failures: number;
  /** It is claimed again only from here on: the wait after a failure. */
  readonly opensAt: Millis;
  /** It may be over: others may have it then. */
  readonly claim: Claim | null;
  /** Message that answers it, in the inbox of its run; null = none. */
  readonly answeredBy: string | null;
  /** Why the last answer was refused, if the last one was. */
  readonly refusal: string | null;
}

/** What the events of a run tell about its external tasks, in their commit. */
export type OfferNote =
  | {
      readonly kind: 'offered';
      readonly seq: Seq;
      readonly offer: Omit<Offer, 'claim' | 'answeredBy' | 'refusal' | 'opensAt' | 'failures'>;
    }
  /** Settled, or given up. */
  | { readonly kind: 'withdrawn'; readonly seq: Seq; readonly taskId: string }
  /** An answer settled nothing: others may try. */
  | {
      readonly kind: 'reopened';
      readonly seq: Seq;
      readonly taskId: string;
      /** 1 for an answer that said that it failed, 0 for one that was refused. */
      readonly failures: 0 | 1;
      readonly opensAt: Millis;
      readonly refusal: string | null;
    };

/**
 * What an event means to those who look for work.
 * @param taskIdOf of a call; undefined where it is no external task
 */
export function noteOf(
  runId: RunId,
  { seq, at, event }: Recorded,
  taskIdOf: (key: CallKey) => string | undefined,
): OfferNote | undefined {
  switch (event.type) {
    case 'TaskOffered': {
      const { taskId, key, task, kind, policy } = event;
      const { timeoutMs, leaseMs } = policy;
      const dueAt = timeoutMs === null ? null : at + timeoutMs;
      const offer = { taskId, runId, key, seq, task, kind, offeredAt: at, dueAt, leaseMs };
      return { kind: 'offered', seq, offer };
    }
    case 'TaskSucceeded':
    case 'TaskFailed':
    case 'TaskCancelled':
    case 'AttemptFailed':
    case 'AnswerRefused': {
      const taskId = taskIdOf(event.key);
      if (taskId === undefined) return undefined;
      if (event.type === 'AttemptFailed')
        return { kind: 'reopened', seq, taskId, failures: 1, opensAt: event.retryAt, refusal: null };
      if (event.type !== 'AnswerRefused') return { kind: 'withdrawn', seq, taskId };
      const refusal = event.issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
      return { kind: 'reopened', seq, taskId, failures: 0, opensAt: 0, refusal };
    }
    default:
      return undefined;
  }
}

/** What a note makes of an offer; undefined where it is no more. */
export function offerAfter(offer: Offer | undefined, note: OfferNote): Offer | undefined {
  switch (note.kind) {
    case 'offered':
      return { ...note.offer, failures: 0, opensAt: 0, claim: null, answeredBy: null, refusal: null };
    case 'withdrawn':
      return undefined;
    case 'reopened':
      return (
        offer && {
          ...offer,
          failures: offer.failures + note.failures,
          opensAt: note.opensAt,
          refusal: note.refusal,
          claim: null,
          answeredBy: null,
        }
      );
    default:
      return unreachable(note);
  }
}

/** An open offer as a fork makes it: to be done for that run, within a time that begins now. */
export function forkedOffer(offer: Offer, runId: RunId, taskId: string, at: Millis): Offer {
  const dueAt = offer.dueAt === null ? null : at + (offer.dueAt - offer.offeredAt);
  const fresh = { failures: 0, opensAt: 0, claim: null, answeredBy: null, refusal: null };
  return { ...offer, ...fresh, taskId, runId, offeredAt: at, dueAt };
}

/** What becomes of an offer by somebody outside. */
export type OfferChange =
  | { readonly type: 'keep' }
  | { readonly type: 'claim'; readonly claim: Claim | null }
  /** `message` goes into the run's inbox, once. */
  | { readonly type: 'answer'; readonly message: AnswerMessage };

/** An answer on its way to its run. */
export interface AnswerMessage {
  readonly kind: 'taskAnswer';
  readonly id: string;
  /** Whose call it is, as with an answer. Older programs do not say it: then it is for whichever run has it. */
  readonly runId?: RunId;
  readonly key: CallKey;
  readonly worker: string;
  readonly as:
    | { readonly status: 'done'; readonly output: Encoded }
    | { readonly status: 'failed'; readonly message: string; readonly details: Encoded }
    | { readonly status: 'cancelled'; readonly reason: string };
}

export function isClaimed({ claim }: Offer, now: Millis): boolean {
  return claim !== null && claim.until > now;
}

export function isClaimable(offer: Offer, now: Millis): boolean {
  return offer.answeredBy === null && !isOver(offer, now) && offer.opensAt <= now && !isClaimed(offer, now);
}

/** Its time is up, which its run may not have recorded yet. */
export function isOver({ dueAt }: Offer, now: Millis): boolean {
  return dueAt !== null && now >= dueAt;
}

/** Who says something about a task: by the claim, or by name where they never claimed it or lost the token. */
export interface Claimant {
  readonly worker: string;
  readonly token: string | undefined;
}

export type Standing = 'holds' | 'free' | 'busy' | 'lost' | 'closed';

/** How somebody stands to an offer. A claim that is over and that nobody else took is still theirs. */
export function standing(offer: Offer, { worker, token }: Claimant, now: Millis): Standing {
  if (offer.answeredBy !== null || isOver(offer, now)) return 'closed';
  const { claim } = offer;
  if (token !== undefined) return claim?.token === token ? 'holds' : 'lost';
  if (claim === null) return 'free';
  if (claim.worker === worker) return 'holds';
  return isClaimed(offer, now) ? 'busy' : 'free';
}
