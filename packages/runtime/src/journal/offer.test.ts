import { expect, it } from 'vitest';

import { forkedOffer, offerAfter, type Offer } from './offer.ts';

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
