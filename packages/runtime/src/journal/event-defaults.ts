/**
 * What a stored event leaves out. Part of the format: a value here never changes, whatever the defaults of an
 * option become, as rows that leave it out are there to stay.
 */
import type { Encoded, EventType, JournalEvent, TaskPolicy } from './event.ts';
import { plainInputHash } from './input-hash.ts';

type Scalar = string | number | boolean | null;
type EventOf<Type extends EventType> = Extract<JournalEvent, { readonly type: Type }>;
type Defaults<Event> = { readonly [Field in keyof Event]?: Extract<Event[Field], Scalar> };

const DEFAULTS: { readonly [Type in EventType]?: Defaults<EventOf<Type>> } = {
  RunStarted: { module: null, codeHash: null },
  ScopeOpened: {
    concurrency: null,
    batchSize: null,
    buffer: null,
    losers: 'cancel',
    timeoutMs: null,
    aborted: false,
  },
  ScopeClosed: { winner: null },
  TaskScheduled: { version: null, pool: null },
  AttemptStarted: { attempt: 1 },
  AttemptFailed: { attempt: 1 },
  AttemptInterrupted: { attempt: 1 },
  OutcomeAsked: { attempt: 1 },
  TaskSucceeded: { by: 'attempt' },
  TaskFailed: { cause: 'error', failures: 1, by: 'attempt' },
  LateResult: { attempt: 1 },
  SignalAwaited: { timeoutMs: null, prompt: null, data: null },
  TaskSignalReceived: { attempt: 1, n: 0 },
  StreamOpened: { retry: null },
  ItemRecorded: { attempt: 1, cursor: null },
  StreamFailed: { failures: 1 },
  Folded: { source: null },
};

const BY_TYPE: ReadonlyMap<string, readonly (readonly [name: string, value: Scalar])[]> = new Map(
  Object.entries(DEFAULTS).map(([type, fields]) => [type, Object.entries<Scalar>(fields)]),
);

/** Of a task that says nothing of it. */
export const PLAIN_POLICY: TaskPolicy = {
  retry: { attempts: 1, delayMs: 0, factor: 1, maxDelayMs: 0, jitter: 0 },
  timeoutMs: null,
  deadlineMs: null,
  onUnknown: 'retry',
  maxUnknown: 3,
};

/** The scalar fields of a type that are left out where they have this value. */
export function defaultsOf(type: EventType): ReadonlyMap<string, Scalar> {
  return new Map(BY_TYPE.get(type));
}

/** Puts in what was left out. */
export function addDefaults(type: EventType, fields: Record<string, unknown>): void {
  for (const [name, value] of BY_TYPE.get(type) ?? []) if (!Object.hasOwn(fields, name)) fields[name] = value;
  if (type !== 'TaskScheduled') return;
  const { policy, args } = fields;
  if (policy === undefined) fields['policy'] = PLAIN_POLICY;
  else if (isRecord(policy)) fields['policy'] = { ...PLAIN_POLICY, ...policy };
  if (!Object.hasOwn(fields, 'inputHash') && args !== undefined)
    fields['inputHash'] = plainInputHash(args as Encoded);
}

/** Calls of one task share their policy. */
const policyTexts = new WeakMap<TaskPolicy, string>();

/** Text of what of a policy is not as it is by default; empty where all of it is. */
export function policyText(policy: TaskPolicy): string {
  let text = policyTexts.get(policy);
  if (text === undefined) {
    text = textOfPolicy(policy);
    policyTexts.set(policy, text);
  }
  return text;
}

function textOfPolicy(policy: TaskPolicy): string {
  const retry = isSameRetry(policy.retry) ? {} : { retry: policy.retry };
  const rest = Object.entries(policy).filter(
    ([name, value]) => name !== 'retry' && value !== PLAIN_POLICY[name as keyof TaskPolicy],
  );
  const text = JSON.stringify({ ...retry, ...Object.fromEntries(rest) });
  return text === '{}' ? '' : text;
}

function isSameRetry(retry: TaskPolicy['retry']): boolean {
  const { attempts, delayMs, factor, maxDelayMs, jitter } = PLAIN_POLICY.retry;
  return (
    retry.attempts === attempts &&
    retry.delayMs === delayMs &&
    retry.factor === factor &&
    retry.maxDelayMs === maxDelayMs &&
    retry.jitter === jitter
  );
}

/** Whether the hash of an input follows from what is stored of it: then it is left out. */
export function isPlainInputHash(inputHash: string, args: Encoded): boolean {
  return inputHash.startsWith('=') && inputHash === plainInputHash(args);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
