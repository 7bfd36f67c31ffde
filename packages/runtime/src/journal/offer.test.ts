import { describe, expect, it } from 'vitest';

import type { JournalEvent } from './event.ts';
import {
  forkedOffer,
  isClaimable,
  isClaimed,
  isOver,
  noteOf,
  offerAfter,
  standing,
  type Offer,
} from './offer.ts';
import { SAMPLE_EVENTS as SAMPLE } from './sample-events.fixture.ts';

const offer: Offer = {
  taskId: 'p.1',
  runId: 'p',
  key: '0',
  task: 'review',
  version: null,
  kind: 'agent',
  offeredAt: 100,
  dueAt: 150,
  leaseMs: 10,
  failures: 2,
  opensAt: 120,
  claim: { worker: 'w', token: 't', until: 140 },
  answeredBy: 'w',
  refusal: 'no',
} as unknown as Offer;

it('an offer of a fork is that of another run, open at once, with all its time from now', () => {
  const forked = forkedOffer(offer, 'f', 'f.1', 1000);
  expect(forked).toMatchObject({ taskId: 'f.1', runId: 'f', offeredAt: 1000, dueAt: 1050 });
  expect(forked).toMatchObject({ failures: 0, opensAt: 0, claim: null, answeredBy: null, refusal: null });
  expect(forkedOffer({ ...offer, dueAt: null }, 'f', 'f.1', 1000).dueAt).toBeNull();
});

it('one that is not there any more is not opened again', () => {
  const note = { kind: 'reopened', failures: 1, opensAt: 5, refusal: null } as const;
  expect(offerAfter(undefined, note as never)).toBeUndefined();
  expect(offerAfter(offer, note as never)).toMatchObject({ failures: 3, opensAt: 5, claim: null });
});

describe('what events tell of external tasks', () => {
  const told = (event: JournalEvent): unknown =>
    noteOf('p', { seq: 7, at: 100, event }, (key) => (key === '0' ? 'p.1' : undefined));
  const asked = { ...SAMPLE.TaskOffered, key: '0', taskId: 'p.1' } as const;
  const withdrawn = { kind: 'withdrawn', seq: 7, taskId: 'p.1' };

  it.each([
    [null, null],
    [50, 150],
  ])('that one is open, with its time: %s', (timeoutMs, dueAt) => {
    expect(told({ ...asked, policy: { ...asked.policy, timeoutMs } })).toEqual({
      kind: 'offered',
      seq: 7,
      offer: {
        taskId: 'p.1',
        runId: 'p',
        key: '0',
        seq: 7,
        task: 'review',
        kind: 'agent',
        offeredAt: 100,
        dueAt,
        leaseMs: 300_000,
      },
    });
  });

  it.each<[string, JournalEvent, unknown]>([
    ['done', { ...SAMPLE.TaskSucceeded, key: '0' }, withdrawn],
    ['failed for good', { ...SAMPLE.TaskFailed, key: '0' }, withdrawn],
    ['given up', { ...SAMPLE.TaskCancelled, key: '0' }, withdrawn],
    [
      'failed, and open again later',
      { ...SAMPLE.AttemptFailed, key: '0', retryAt: 900 },
      { kind: 'reopened', seq: 7, taskId: 'p.1', failures: 1, opensAt: 900, refusal: null },
    ],
    [
      'answered by what does not fit, and open again',
      {
        ...SAMPLE.AnswerRefused,
        key: '0',
        issues: [
          { path: '$.ok', message: 'must be boolean' },
          { path: '$.n', message: 'is missing' },
        ],
      },
      {
        kind: 'reopened',
        seq: 7,
        taskId: 'p.1',
        failures: 0,
        opensAt: 0,
        refusal: '$.ok: must be boolean; $.n: is missing',
      },
    ],
    ['an outcome of another call', { ...SAMPLE.TaskSucceeded, key: '1' }, undefined],
    ['something else', { ...SAMPLE.TimerFired, key: '0' }, undefined],
  ])('that it is %s', (_, event, note) => {
    expect(told(event)).toEqual(note);
  });
});

it('an offer is open as its event says, and gone when it is withdrawn', () => {
  const { claim, answeredBy, refusal, opensAt, failures, ...rest } = offer;
  const fresh = { failures: 0, opensAt: 0, claim: null, answeredBy: null, refusal: null };
  expect(offerAfter(offer, { kind: 'offered', seq: 1, offer: rest })).toEqual({ ...rest, ...fresh });
  expect(offerAfter(offer, { kind: 'withdrawn', seq: 1, taskId: 'p.1' })).toBeUndefined();
  expect([claim?.token, answeredBy, refusal, opensAt, failures]).toEqual(['t', 'w', 'no', 120, 2]);
});

describe('somebody who wants an external task', () => {
  const open: Offer = { ...offer, answeredBy: null };
  const free: Offer = { ...open, claim: null };

  it.each<[string, Offer, now: number, isFree: boolean]>([
    ['that is free', free, 130, true],
    ['that waits after a failure', free, 119, false],
    ['when that is over', free, 120, true],
    ['whose time is up', free, 150, false],
    ['just before', free, 149, true],
    ['that has no end', { ...free, dueAt: null }, 9999, true],
    ['that is claimed', open, 130, false],
    ['when the claim is over', open, 140, true],
    ['that is answered', { ...free, answeredBy: 'w' }, 130, false],
  ])('may have one %s: at %i', (_, one, now, isFree) => {
    expect(isClaimable(one, now)).toBe(isFree);
  });

  it('is kept from it as long as the claim of another one lasts', () => {
    expect([isClaimed(open, 139), isClaimed(open, 140), isClaimed(free, 1)]).toEqual([true, false, false]);
    expect([isOver(open, 149), isOver(open, 150), isOver({ ...open, dueAt: null }, 150)]).toEqual([
      false,
      true,
      false,
    ]);
  });

  it.each<[string, Offer, token: string | undefined, worker: string, now: number, string]>([
    ['the token of the claim', open, 't', 'other', 130, 'holds'],
    ['that token, when it is over', open, 't', 'other', 145, 'holds'],
    ['another token', open, 'u', 'w', 130, 'lost'],
    ['a token of no claim', free, 't', 'w', 130, 'lost'],
    ['no token, where nobody has it', free, undefined, 'w', 130, 'free'],
    ['its name', open, undefined, 'w', 130, 'holds'],
    ['its name, when the claim is over', open, undefined, 'w', 145, 'holds'],
    ['another name', open, undefined, 'other', 130, 'busy'],
    ['another name, when the claim is over', open, undefined, 'other', 140, 'free'],
    ['the token of what is answered', offer, 't', 'w', 130, 'closed'],
    ['the token of what is over', open, 't', 'w', 150, 'closed'],
  ])('by %s', (_, one, token, worker, now, expected) => {
    expect(standing(one, { worker, token }, now)).toBe(expected);
  });
});
