/** What `pawl why --json` says: a contract, versioned in render/json.ts. */
import type { LeafNode, QueuedStart } from '@pawl/runtime';

import type { NextCommand } from './render/next-commands.ts';
import { dueAtOf, queuedSentence, whySentence, type WhyView } from './render/why.ts';
import { timestamp } from './run-document.ts';

type Document = Readonly<Record<string, unknown>>;

export function whyDocument(view: WhyView, next: readonly NextCommand[]): Document {
  const { run, why, end, setBack } = view;
  const { call, others, open } = why;
  return {
    run: run.runId,
    process: run.process,
    state: why.state,
    sentence: whySentence(view),
    since: timestamp(end?.at ?? why.since),
    until: call === undefined ? null : timestamp(dueAtOf(call)),
    driven: run.ownerAlive ? 'alive' : run.owner === null ? 'nobody' : 'gone',
    call: call === undefined ? null : callDocument(call),
    error: end?.error ?? null,
    problem: setBack?.problem ?? null,
    continuedAs: end?.nextRunId ?? null,
    open,
    others: others.map(({ call: other, wait, since }) => ({
      ...callDocument(other),
      waitsFor: wait,
      since: timestamp(since),
      until: timestamp(dueAtOf(other)),
    })),
    next,
  };
}

/** Of a run that has not begun. */
export function queuedWhyDocument(start: QueuedStart, next: readonly NextCommand[], now: number): Document {
  return {
    run: start.runId,
    process: start.process,
    state: 'queued',
    sentence: queuedSentence(start, now),
    since: timestamp(start.queuedAt),
    until: start.at > now ? timestamp(start.at) : null,
    driven: 'nobody',
    call: null,
    error: null,
    problem: start.problem,
    continuedAs: null,
    open: 0,
    others: [],
    next,
  };
}

function callDocument(call: LeafNode): Document {
  const base = { key: call.key, kind: call.kind };
  switch (call.kind) {
    case 'task':
    case 'source': {
      const offer = call.kind === 'task' ? call.offer : null;
      return {
        ...base,
        name: call.name,
        attempt: call.attempts,
        attemptsAllowed: call.attemptsAllowed,
        retryAt: timestamp(call.retryAt),
        error: call.error ?? null,
        ...(offer === null ? {} : { taskId: offer.taskId, taskKind: offer.taskKind }),
      };
    }
    case 'child':
      return { ...base, name: call.name, runId: call.runId };
    case 'breakpoint':
      return { ...base, name: call.title, question: call.question };
    case 'wait':
      return { ...base, name: call.name, question: call.prompt, schema: call.schema };
    case 'timer':
      return { ...base, name: call.timer };
    default:
      return call satisfies never;
  }
}
