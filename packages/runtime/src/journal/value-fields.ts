/**
 * Which fields of events hold what users and their code said. All others are how the run went. Part of the format: what
 * is listed here is what an encrypted journal seals, and what an export may leave out.
 */
import type { EventType, JournalEvent } from './event.ts';

type FieldOf<Type extends EventType> = Exclude<keyof Extract<JournalEvent, { readonly type: Type }>, 'type'>;
type Fields = Readonly<Record<string, unknown>>;

/** What stands for a value that is sealed, where nobody has the key. */
export const SEALED_MARK = '⟨sealed⟩';

/** A digest of a short value is as good as the value: it counts as one. */
const VALUES: { readonly [Type in EventType]?: readonly FieldOf<Type>[] } = {
  RunStarted: ['inputs', 'inputsHash'],
  RunSucceeded: ['output'],
  RunFailed: ['error'],
  RunCancelled: ['reason'],
  RunContinued: ['inputs', 'inputsHash'],
  RunForked: ['inputs', 'given'],
  ScopeAborted: ['reason'],
  TaskScheduled: ['inputHash', 'args'],
  TaskOffered: ['inputHash', 'args', 'description', 'outputSchema'],
  TaskSucceeded: ['output'],
  TaskFailed: ['error'],
  TaskCancelled: ['reason'],
  AttemptFailed: ['error'],
  AnswerRefused: ['issues'],
  SignalAwaited: ['prompt', 'data', 'schema'],
  SignalReceived: ['payload'],
  TaskSignalAwaited: ['schema'],
  TaskSignalReceived: ['payload'],
  BreakpointOpened: ['title', 'question', 'context', 'options'],
  BreakpointAnswered: ['option', 'feedback', 'response'],
  ChildStarted: ['inputHash'],
  ChildFinished: ['outcome'],
  ItemRecorded: ['item', 'cursor'],
  StreamFailed: ['error'],
  Folded: ['state', 'source'],
  ExitRegistered: ['inputHash', 'args'],
  StateSet: ['value'],
  CancelRequested: ['reason'],
  CancelForced: ['reason'],
};

const BY_TYPE: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(VALUES).map(([type, fields]) => [type, new Set<string>(fields)]),
);

const NONE: ReadonlySet<string> = new Set();

export function valueFieldsOf(type: string): ReadonlySet<string> {
  return BY_TYPE.get(type) ?? NONE;
}

/** What of such a field is structure, and stays in the open beside it; undefined: nothing. */
export function openPart(type: EventType, name: string, value: unknown): unknown {
  if (type === 'ChildFinished' && isRecord(value)) return { status: value['status'] };
  if (type === 'Folded' && name === 'source' && isRecord(value)) {
    const { cursor: _, ...stand } = value;
    return stand;
  }
  if (type !== 'RunForked') return undefined;
  if (name === 'inputs') return {};
  return Array.isArray(value) ? value.map((given) => (isRecord(given) ? { key: given['key'] } : {})) : [];
}

/** The fields of a row whose values cannot be opened, with marks for them: what is left is an event still. */
export function markValues(type: string, open: Fields): Fields {
  const marked: Record<string, unknown> = { ...open };
  for (const name of valueFieldsOf(type)) {
    const value = markOf(type, name, open[name]);
    if (value !== undefined) marked[name] = value;
  }
  return marked;
}

function markOf(type: string, name: string, part: unknown): unknown {
  if (name === 'error') return MARKED_ERROR;
  if (name === 'options' || name === 'issues') return [];
  // A mark is no schema: a form is made of what is there.
  if (name === 'schema') return undefined;
  if (type === 'ChildFinished') return markOutcome(part);
  if (type === 'Folded' && name === 'source')
    return isRecord(part) ? { ...part, cursor: SEALED_MARK } : undefined;
  if (type !== 'RunForked') return SEALED_MARK;
  if (name === 'inputs') return part === undefined ? undefined : { value: SEALED_MARK, hash: SEALED_MARK };
  return Array.isArray(part) ? part.map((given: object) => ({ ...given, output: SEALED_MARK })) : undefined;
}

/** An error is told by its name and message: without them it would be none. */
const MARKED_ERROR = { name: 'Error', message: SEALED_MARK };

function markOutcome(part: unknown): unknown {
  const status = isRecord(part) ? part['status'] : undefined;
  if (status === 'failed') return { status, error: MARKED_ERROR };
  if (status === 'cancelled') return { status, reason: SEALED_MARK };
  return status === 'succeeded' ? { status, output: SEALED_MARK } : part;
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
