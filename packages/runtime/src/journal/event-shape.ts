/**
 * What the fields of each event must look like. Rows may come from anywhere (a file that someone
 * sent, a bad disk), and the kernel folds them without looking again.
 */
import { GROUP_MODES, OUTCOME_AUTHORS, type EventType, type JournalEvent } from './event.ts';
import type { FoldedSource, SourceStand } from './fold-event.ts';
import type { ForkedCode, ForkedInputs, ForkedOffer, GivenResult } from './fork-event.ts';
import type { OfferPolicy } from './offer-event.ts';

export type Check = (value: unknown) => boolean;
/** A check for every field, so that a new field cannot be forgotten here. */
type Shape<Value> = { readonly [Name in keyof Value]-?: Check };

type EventOf<Type extends EventType> = Extract<JournalEvent, { readonly type: Type }>;
type Policy = Extract<JournalEvent, { readonly type: 'TaskScheduled' }>['policy'];

/** Deeper than the recorder nests causes; a hostile row must not exhaust the stack. */
const MAX_ERROR_DEPTH = 32;

const isText: Check = (value) => typeof value === 'string';
const isFlag: Check = (value) => typeof value === 'boolean';
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isOrdinal: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 1;
const isNumber: Check = (value) => Number.isFinite(value);
const isDuration: Check = (value) => Number.isFinite(value) && Number(value) >= 0;
/** Any JSON; the codec looks into it. */
const isEncoded: Check = (value) => value !== undefined;

function nullOr(check: Check): Check {
  return (value) => value === null || check(value);
}

function leftOutOr(check: Check): Check {
  return (value) => value === undefined || check(value);
}

function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}

function oneOf(...words: readonly string[]): Check {
  const known: ReadonlySet<unknown> = new Set(words);
  return (value) => known.has(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasShape(value: unknown, fields: readonly (readonly [string, Check])[]): boolean {
  return isRecord(value) && fields.every(([name, check]) => check(value[name]));
}

function fits<Value>(shape: Shape<Value>): Check {
  const fields: readonly (readonly [string, Check])[] = Object.entries(shape);
  return (value) => hasShape(value, fields);
}

function isErrorRecord(value: unknown, depth = 0): boolean {
  if (!isRecord(value) || depth > MAX_ERROR_DEPTH) return false;
  const { name, message, stack, code, native, cause, errors, fields } = value;
  return (
    typeof name === 'string' &&
    typeof message === 'string' &&
    [stack, code, native].every((text) => text === undefined || typeof text === 'string') &&
    (cause === undefined || isErrorRecord(cause, depth + 1)) &&
    (fields === undefined || isRecord(fields)) &&
    (errors === undefined ||
      (Array.isArray(errors) && errors.every((error) => isErrorRecord(error, depth + 1))))
  );
}

const isError: Check = (value) => isErrorRecord(value);

const isRetryPlan = fits<Policy['retry']>({
  attempts: isOrdinal,
  delayMs: isDuration,
  factor: isNumber,
  maxDelayMs: isDuration,
  jitter: isNumber,
});

const isPolicy = fits<Policy>({
  retry: isRetryPlan,
  timeoutMs: nullOr(isDuration),
  deadlineMs: nullOr(isDuration),
  onUnknown: oneOf('retry', 'check', 'ask'),
  maxUnknown: isCount,
});

const areTexts = listOf(isText);

const isChildOutcome: Check = (value) => {
  if (!isRecord(value)) return false;
  if (value['status'] === 'succeeded') return isEncoded(value['output']);
  if (value['status'] === 'failed') return isError(value['error']);
  if (value['status'] === 'detached') return true;
  return value['status'] === 'cancelled' && isText(value['reason']);
};

const isType: Check = () => true;
const isSet: Check = (value) => value === undefined || value === true;
const isAbandon: Check = (value) => value === undefined || value === 'abandon';
const FOLDED_SOURCE: Shape<FoldedSource> = {
  key: isText,
  seq: isOrdinal,
  attempt: isOrdinal,
  cursor: isEncoded,
};
const SOURCE_STAND: Shape<SourceStand> = { key: isText, items: isOrdinal, attempt: isOrdinal };

const ISSUE: Shape<{ readonly path: string; readonly message: string }> = { path: isText, message: isText };

const key = { type: isType, key: isText } as const;
const attempt = { ...key, attempt: isOrdinal } as const;
const isAuthor = oneOf(...OUTCOME_AUTHORS);
const isWorker = leftOutOr(isText);

const FORKED_INPUTS: Shape<ForkedInputs> = { value: isEncoded, hash: isText };
const FORKED_CODE: Shape<ForkedCode> = { module: nullOr(isText), codeHash: nullOr(isText) };
const GIVEN: Shape<GivenResult> = { key: isText, output: isEncoded };
const FORKED_OFFER: Shape<ForkedOffer> = { key: isText, taskId: isText };

const SHAPES: { readonly [Type in EventType]: Shape<EventOf<Type>> } = {
  RunStarted: {
    type: isType,
    process: isText,
    module: nullOr(isText),
    codeHash: nullOr(isText),
    inputs: isEncoded,
    inputsHash: isText,
    seed: isText,
    engine: isText,
  },
  RunSucceeded: { type: isType, output: isEncoded },
  RunFailed: { type: isType, error: isError },
  RunContinued: { type: isType, inputs: isEncoded, inputsHash: isText, nextRunId: isText },
  RunCancelled: { type: isType, reason: isText },
  ScopeOpened: {
    ...key,
    mode: oneOf(...GROUP_MODES),
    width: nullOr(isCount),
    concurrency: nullOr(isOrdinal),
    batchSize: nullOr(isOrdinal),
    buffer: nullOr(isCount),
    losers: oneOf('cancel', 'drain', 'detach'),
    timeoutMs: nullOr(isDuration),
    aborted: isFlag,
  },
  ScopeRetuned: { ...key, concurrency: nullOr(isOrdinal) },
  ScopeAborted: { ...key, reason: isText },
  ScopeTimedOut: key,
  ScopeClosed: {
    ...key,
    outcome: oneOf('fulfilled', 'rejected', 'aborted', 'timedOut'),
    winner: nullOr(isCount),
    begun: leftOutOr(isCount),
    order: leftOutOr(isText),
  },
  TaskScheduled: {
    ...key,
    task: isText,
    version: nullOr(isText),
    inputHash: isText,
    args: isEncoded,
    pool: nullOr(isText),
    policy: isPolicy,
  },
  AttemptStarted: { ...attempt, remote: isSet },
  AttemptFailed: { ...attempt, error: isError, retryAt: isNumber, delayMs: isDuration },
  AttemptInterrupted: { ...attempt, unknown: isSet },
  OutcomeAsked: attempt,
  TaskSucceeded: { ...key, output: isEncoded, by: isAuthor, worker: isWorker, fromSeq: leftOutOr(isOrdinal) },
  TaskFailed: {
    ...key,
    error: isError,
    cause: oneOf('error', 'timeout', 'queueFull', 'circuitOpen'),
    failures: isCount,
    by: isAuthor,
    worker: isWorker,
  },
  TaskCancelled: { ...key, reason: isText },
  LateResult: { ...attempt, outcome: oneOf('succeeded', 'failed', 'interrupted') },
  TimerStarted: { ...key, timer: oneOf('sleep', 'sleepUntil'), dueAt: isNumber, durationMs: isDuration },
  TimerFired: key,
  SignalAwaited: {
    ...key,
    name: isText,
    timeoutMs: nullOr(isDuration),
    prompt: nullOr(isText),
    data: isEncoded,
    secret: isSet,
    schema: leftOutOr(isEncoded),
  },
  SignalReceived: { ...key, messageId: isText, payload: isEncoded },
  SignalTimedOut: key,
  SignalsSuperseded: { ...key, messageIds: areTexts },
  TaskSignalAwaited: {
    ...attempt,
    name: isText,
    timeoutMs: nullOr(isDuration),
    schema: leftOutOr(isEncoded),
  },
  TaskSignalForgone: { ...attempt, name: isText },
  TaskSignalReceived: { ...attempt, n: isCount, name: isText, messageId: isText, payload: isEncoded },
  WaitNotified: key,
  BreakpointOpened: {
    ...key,
    title: isText,
    question: isText,
    context: isEncoded,
    options: areTexts,
    expert: areTexts,
    tags: areTexts,
    strategy: oneOf('single', 'first', 'all', 'quorum'),
    quorum: nullOr(isOrdinal),
    experts: nullOr(areTexts),
    timeoutMs: nullOr(isDuration),
    onTimeout: oneOf('reject', 'approve', 'fail'),
  },
  BreakpointAnswered: {
    ...key,
    messageId: isText,
    by: isText,
    approved: isFlag,
    option: nullOr(isText),
    feedback: nullOr(isText),
    response: isEncoded,
  },
  BreakpointClosed: {
    ...key,
    outcome: oneOf('approved', 'rejected', 'failed'),
    by: oneOf('answer', 'timeout'),
  },
  TaskOffered: {
    ...key,
    taskId: isText,
    task: isText,
    version: nullOr(isText),
    inputHash: isText,
    args: isEncoded,
    kind: isText,
    description: isEncoded,
    outputSchema: isEncoded,
    policy: fits<OfferPolicy>({ retry: isRetryPlan, timeoutMs: nullOr(isDuration), leaseMs: isDuration }),
  },
  AnswerRefused: {
    ...key,
    messageId: isText,
    worker: isText,
    issues: listOf(fits(ISSUE)),
  },
  ChildStarted: {
    ...key,
    process: isText,
    inputHash: isText,
    runId: isText,
    detached: isSet,
    onParentCancel: isAbandon,
  },
  ChildFinished: { ...key, outcome: isChildOutcome },
  ParentRecorded: {
    type: isType,
    parentRunId: isText,
    parentKey: isText,
    depth: isOrdinal,
    detached: isSet,
    onParentCancel: isAbandon,
  },
  StreamOpened: {
    ...key,
    kind: oneOf('source', 'progress'),
    name: isText,
    retry: nullOr(isRetryPlan),
  },
  ItemRecorded: { ...attempt, n: isCount, item: isEncoded, cursor: isEncoded },
  StreamEnded: key,
  StreamFailed: { ...key, error: isError, failures: isCount },
  StreamClosed: { ...key, consumed: isCount },
  Folded: { ...key, n: isOrdinal, state: isEncoded, source: nullOr(fits(FOLDED_SOURCE)) },
  Compacted: {
    type: isType,
    count: isOrdinal,
    chain: isText,
    scheduled: isCount,
    succeeded: isCount,
    failed: isCount,
    sources: listOf(fits(SOURCE_STAND)),
    digest: isText,
  },
  ExitRegistered: {
    ...key,
    scope: isText,
    when: oneOf('always', 'failure'),
    task: isText,
    version: nullOr(isText),
    inputHash: isText,
    args: isEncoded,
  },
  ValueRecorded: { ...key, kind: oneOf('version'), name: isText, value: isNumber },
  StateSet: { ...key, name: isText, value: isEncoded },
  CodeAccepted: { type: isType, codeHash: isText },
  RunForked: {
    type: isType,
    parentRunId: isText,
    parentSeq: isCount,
    recordedBy: leftOutOr(isText),
    seed: isText,
    inputs: leftOutOr(fits(FORKED_INPUTS)),
    code: leftOutOr(fits(FORKED_CODE)),
    given: leftOutOr(listOf(fits(GIVEN))),
    reuses: isSet,
    offers: leftOutOr(listOf(fits(FORKED_OFFER))),
  },
  CancelRequested: { type: isType, reason: isText },
  CancelForced: { type: isType, reason: isText },
};

export interface Field {
  readonly name: string;
  readonly check: Check;
}

const FIELDS: ReadonlyMap<string, readonly Field[]> = new Map(
  Object.entries(SHAPES).map(([type, shape]) => [
    type,
    Object.entries<Check>(shape)
      .filter(([name]) => name !== 'type')
      .map(([name, check]) => ({ name, check })),
  ]),
);

/** What an event of this type has beside its type; the kernel relies on what is checked, and on no more. */
export function fieldsOf(type: EventType): readonly Field[] {
  return FIELDS.get(type) ?? [];
}

export function isEventType(text: string): text is EventType {
  return FIELDS.has(text);
}
