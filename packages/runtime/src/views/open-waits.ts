import type { BreakpointAnswered, BreakpointOpened } from '../journal/breakpoint-event.ts';
import { isWithin, type CallKey } from '../journal/call-key.ts';
import type { Encoded, Recorded } from '../journal/event.ts';
import type { Millis } from '../journal/ids.ts';

/** What people are asked by a breakpoint, and what they said so far. */
export interface OpenBreakpoint extends Pick<
  BreakpointOpened,
  'options' | 'expert' | 'tags' | 'strategy' | 'quorum' | 'experts' | 'onTimeout'
> {
  readonly answers: readonly {
    readonly by: string;
    readonly approved: boolean;
    readonly option: string | null;
    readonly feedback: string | null;
    /** Null: it is in the inbox, and the run has not taken it yet. */
    readonly at: Millis | null;
  }[];
  /** What the answers come to, once they decide: the run goes on with that when it is driven. */
  readonly decided: 'approved' | 'rejected' | null;
}

/** Something that a run waits for from outside. */
export interface OpenWait {
  /**
   * 'message': the process waits for one; 'task': a running task does; 'breakpoint': a question to people;
   * 'outcome': somebody has to say what became of an attempt.
   */
  readonly kind: 'message' | 'task' | 'breakpoint' | 'outcome';
  readonly key: CallKey;
  /** Under which a message reaches it; of a breakpoint its title, of an attempt its task. */
  readonly name: string;
  /** The question. */
  readonly prompt: string | null;
  readonly data: Encoded;
  readonly since: Millis;
  /** It takes the message encrypted only. */
  readonly secret: boolean;
  /** When it gives up; null = never. */
  readonly dueAt: Millis | null;
  /** JSON Schema of what is taken; null where nothing is known of it. */
  readonly schema: Encoded;
  readonly breakpoint: OpenBreakpoint | null;
  /** What it waits for is in the inbox; the run takes it when it is driven. Of a breakpoint: see `decided`. */
  readonly answered?: true;
}

const PLAIN = {
  prompt: null,
  data: null,
  secret: false,
  dueAt: null,
  schema: null,
  breakpoint: null,
} as const;

/** What is still waited for after these events, the oldest first. */
export function openWaits(events: Iterable<Recorded>): OpenWait[] {
  const open = new Map<CallKey, OpenWait>();
  /** By the key of the call, as long as it is not settled. */
  const tasks = new Map<CallKey, string>();
  for (const recorded of events) add(open, tasks, recorded);
  return [...open.values()].toSorted((a, b) => a.since - b.since);
}

/** The wait that begins with this event. */
function begun({ at, event }: Recorded, tasks: ReadonlyMap<CallKey, string>): OpenWait | undefined {
  switch (event.type) {
    case 'OutcomeAsked': {
      const { key, attempt } = event;
      const name = tasks.get(key) ?? '';
      const prompt = `What became of attempt ${attempt} of task '${name}'?`;
      return { ...PLAIN, kind: 'outcome', key, name, prompt, since: at };
    }
    case 'TaskSignalAwaited': {
      const { key, name, timeoutMs, schema = null } = event;
      return { ...PLAIN, kind: 'task', key, name, since: at, dueAt: dueAt(at, timeoutMs), schema };
    }
    case 'SignalAwaited': {
      const { type: _, timeoutMs, secret = false, ...facts } = event;
      return { ...PLAIN, kind: 'message', ...facts, since: at, secret, dueAt: dueAt(at, timeoutMs) };
    }
    case 'BreakpointOpened': {
      const { type: _, key, title: name, question: prompt, context: data, timeoutMs, ...more } = event;
      const facts = { key, name, prompt, data, since: at, dueAt: dueAt(at, timeoutMs) };
      return { ...PLAIN, kind: 'breakpoint', ...facts, breakpoint: { ...more, answers: [], decided: null } };
    }
    default:
      return undefined;
  }
}

function dueAt(at: Millis, timeoutMs: number | null): Millis | null {
  return timeoutMs === null ? null : at + timeoutMs;
}

/** Asked again, with all its time. */
function anew(wait: OpenWait, at: Millis): OpenWait {
  return { ...wait, since: at, dueAt: wait.dueAt === null ? null : at + (wait.dueAt - wait.since) };
}

function addAnswer(open: Map<CallKey, OpenWait>, at: Millis, event: BreakpointAnswered): void {
  const wait = open.get(event.key);
  if (wait === undefined || wait.breakpoint === null) return;
  const { by, approved, option, feedback } = event;
  const answers = [...wait.breakpoint.answers, { by, approved, option, feedback, at }];
  open.set(event.key, { ...wait, breakpoint: { ...wait.breakpoint, answers } });
}

function add(open: Map<CallKey, OpenWait>, tasks: Map<CallKey, string>, recorded: Recorded): void {
  const { event } = recorded;
  const wait = begun(recorded, tasks);
  if (wait !== undefined) open.set(wait.key, wait);
  switch (event.type) {
    case 'TaskScheduled':
      tasks.set(event.key, event.task);
      return;
    case 'BreakpointAnswered':
      addAnswer(open, recorded.at, event);
      return;
    case 'AttemptInterrupted':
      // The next attempt will wait for the same message, unless that has come by then.
      if (open.get(event.key)?.kind !== 'task') open.delete(event.key);
      return;
    case 'AttemptStarted':
    case 'AttemptFailed':
    case 'TaskSignalReceived':
    case 'TaskSignalForgone':
    case 'SignalReceived':
    case 'SignalTimedOut':
    case 'BreakpointClosed':
      open.delete(event.key);
      return;
    case 'TaskSucceeded':
    case 'TaskFailed':
    case 'TaskCancelled':
      open.delete(event.key);
      tasks.delete(event.key);
      return;
    case 'RunForked':
      // Attempts begin anew: only what the process itself waits for is waited for, with all its time.
      for (const [key, waited] of open) {
        if (waited.kind === 'outcome' || waited.kind === 'task') open.delete(key);
        else open.set(key, anew(waited, recorded.at));
      }
      return;
    case 'Folded':
      // The rows that answered may have been removed, and the one that asked not yet.
      for (const key of open.keys()) if (isWithin(key, event.key)) open.delete(key);
      return;
    case 'RunSucceeded':
    case 'RunFailed':
    case 'RunCancelled':
    case 'RunContinued':
      open.clear();
      return;
    default:
  }
}
