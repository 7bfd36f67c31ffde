import { expect, it } from 'vitest';
import type { JournalEvent } from '../journal/event.ts';
import { SAMPLE_EVENTS as SAMPLE } from '../journal/sample-events.fixture.ts';
import { describeEvent } from './divergence.ts';
import { fingerprintOf, taskFingerprint, valueFingerprint } from './fingerprint.ts';
import { opened } from './given.fixture.ts';

/* What makes a call the same call on replay: nothing but what stands here. */

it.each<[JournalEvent, string]>([
  [{ ...SAMPLE.TaskScheduled, version: null }, 'task "mail" beef'],
  [{ ...SAMPLE.TaskScheduled, version: '2', pool: 'gpu', args: 5 }, 'task "mail" v2 beef'],
  [{ ...SAMPLE.TaskOffered, kind: 'person' }, 'task "review" v2 beef'],
  [SAMPLE.TimerStarted, 'sleep 5ms'],
  [{ ...SAMPLE.TimerStarted, timer: 'sleepUntil', dueAt: 7 }, 'sleepUntil 7'],
  [{ ...SAMPLE.SignalAwaited, timeoutMs: 5, prompt: null }, 'receive secret "approval"'],
  [{ ...SAMPLE.SignalAwaited, secret: undefined } as never, 'receive "approval"'],
  [{ ...SAMPLE.BreakpointOpened, question: 'other', timeoutMs: 1 }, 'breakpoint "Deploy"'],
  [{ ...SAMPLE.ChildStarted, runId: 'other', onParentCancel: 'abandon' }, 'run "invoice" beef'],
  [{ ...SAMPLE.ChildStarted, detached: true }, 'start "invoice" beef'],
  [SAMPLE.ExitRegistered, 'compensate task "refund" v2 beef'],
  [{ ...SAMPLE.ExitRegistered, when: 'always', scope: '9' }, 'onExit task "refund" v2 beef'],
  [opened('0', { concurrency: 3, batchSize: 2, timeoutMs: 1 }), 'parallel.all of 2'],
  [opened('0', { mode: 'race', width: null }), 'parallel.race'],
  [opened('0', { mode: 'reduce', width: null }), 'ctx.reduce'],
  [opened('0', { mode: 'scope', width: null }), 'ctx.scope'],
  [SAMPLE.StreamOpened, "source 'orders'"],
  [{ ...SAMPLE.StreamOpened, kind: 'progress', retry: null }, "the progress of task 'orders'"],
])('%j: %s', (event, fingerprint) => {
  expect(fingerprintOf(event as Parameters<typeof fingerprintOf>[0])).toBe(fingerprint);
});

it('of a version is its name and its number', () => {
  expect(valueFingerprint({ name: 'new-tax', value: 2 })).toBe('version 2 of "new-tax"');
  expect(describeEvent(SAMPLE.ValueRecorded)).toBe('version 2 of "new-tax"');
});

it('names of more tasks than are kept are told apart as before', () => {
  const prints = Array.from({ length: 1002 }, (_, i) => taskFingerprint(`t${i}`, null, 'h'));
  expect(new Set(prints).size).toBe(1002);
  expect(taskFingerprint('t0', null, 'h')).toBe(prints[0]);
});
