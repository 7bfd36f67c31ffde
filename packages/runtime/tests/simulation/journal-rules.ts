import { decode } from '../../src/journal/codec.ts';
import {
  isCommand,
  isTerminal,
  type ItemRecorded,
  keyOf,
  type JournalEvent,
  type Recorded,
  type TaskScheduled,
} from '../../src/journal/event.ts';
import type { TaskOffered } from '../../src/journal/offer-event.ts';
import type { ExternalArgs, TaskArgs } from './interpret.ts';
import { poolSpec } from './pools.ts';
import { text } from './text.ts';

interface Call {
  readonly scheduled: TaskScheduled | undefined;
  readonly offered: TaskOffered | undefined;
  /** Of a source: how many items it has, and how many are recorded. */
  readonly items: number | undefined;
  recorded: number;
  attempts: number;
  failures: number;
  running: boolean;
  settled: boolean;
}

/** What holds of every journal, whatever happened to its run. @returns what does not, or undefined */
export function brokenRule(journal: readonly Recorded[]): string | undefined {
  const rules = new Rules();
  for (const recorded of journal) {
    const problem = rules.next(recorded);
    if (problem !== undefined)
      return `seq ${recorded.seq} ${recorded.event.type} ${keyOf(recorded.event)}: ${problem}`;
  }
  return rules.end();
}

/** What settles a call, whatever its task was told. */
const SETTLES_ALL: ReadonlySet<string> = new Set([
  'TaskCancelled',
  'TimerFired',
  'SignalReceived',
  'SignalTimedOut',
  'BreakpointClosed',
]);

class Rules {
  #seq = 0;
  #at = -Infinity;
  readonly #calls = new Map<string, Call>();
  /** What the groups that are open do with their losers. */
  readonly #open = new Map<string, 'cancel' | 'drain' | 'detach'>();
  /** How others came to an end: who goes on in them, or what gave them up. */
  readonly #closed = new Map<string, 'decided' | 'outside' | 'drain' | 'detach'>();
  /** By group: its branches that have calls, and how many can have some, where it was decided. */
  readonly #asked = new Map<string, Set<string>>();
  readonly #mostAsked = new Map<string, number>();
  #isRootClosed = false;
  #isEnded = false;

  next({ seq, at, event }: Recorded): string | undefined {
    if (seq !== this.#seq + 1) return `J1: it follows seq ${this.#seq}`;
    if ((seq === 1) !== (event.type === 'RunStarted')) return 'J1: a journal starts with one RunStarted';
    if (at < this.#at) return `it is recorded at ${at}, before ${this.#at}`;
    this.#seq = seq;
    this.#at = at;
    if (this.#isEnded && event.type !== 'LateResult') return 'J6: it follows the end';
    if (isTerminal(event)) return this.#terminal();
    return this.#fenced(event) ?? this.#scope(event) ?? this.#begun(event) ?? this.#call(event);
  }

  end(): string | undefined {
    return this.#isEnded ? undefined : 'J6: there is no end';
  }

  #terminal(): string | undefined {
    this.#isEnded = true;
    for (const [key, call] of this.#calls) if (!call.settled) return `J6: ${key} is pending`;
    return undefined;
  }

  /** Law 5: of what was given up only its cancelling is recorded, and what comes too late. */
  #fenced(event: JournalEvent): string | undefined {
    const key = keyOf(event);
    if (event.type === 'TaskCancelled' || event.type === 'LateResult' || key === '') return undefined;
    // What a scope does when it ends, whatever became of it.
    if (key.includes('/exit/')) return undefined;
    if (this.#isRootClosed) return 'it follows the end of the process';
    const parts = key.split('/');
    // What was detached is by itself, and so are its signal and its time.
    let isDetached = this.#closed.get(key) === 'detach';
    for (let length = parts.length - 1; length > 0; length -= 1) {
      const group = parts.slice(0, length).join('/');
      const closed = this.#closed.get(group);
      if (closed === undefined) continue;
      if (closed === 'detach') isDetached = true;
      else if (closed === 'outside' || (closed === 'decided' && !isDetached))
        return `it lies in ${group}, which is closed`;
    }
    return undefined;
  }

  #scope(event: JournalEvent): string | undefined {
    switch (event.type) {
      case 'ScopeOpened':
        if (this.#open.has(event.key) || this.#closed.has(event.key) || this.#calls.has(event.key))
          return 'J3: its key is taken';
        this.#open.set(event.key, event.losers);
        return undefined;
      case 'ScopeClosed':
        if (event.key === '') {
          if (this.#isRootClosed) return 'the root is closed twice';
          this.#isRootClosed = true;
          return undefined;
        }
        return this.#close(event.key, event.outcome);
      case 'ScopeAborted':
      case 'ScopeTimedOut':
        if (this.#open.has(event.key)) return undefined;
        if (!['drain', 'detach'].includes(this.#closed.get(event.key) ?? ''))
          return 'nothing of its scope goes on';
        this.#closed.set(event.key, 'outside');
        return undefined;
      case 'ScopeRetuned':
        return this.#open.has(event.key) ? undefined : 'its scope is not open';
      case 'CancelRequested':
        this.#isRootClosed = true;
        return undefined;
      default:
        return undefined;
    }
  }

  #close(key: string, outcome: string): string | undefined {
    const losers = this.#open.get(key);
    if (losers === undefined) return 'it closes what is not open';
    this.#open.delete(key);
    const isOutside = outcome === 'aborted' || outcome === 'timedOut';
    this.#closed.set(key, isOutside ? 'outside' : losers === 'cancel' ? 'decided' : losers);
    return undefined;
  }

  /** Calls lie in as many branches of a group as had begun when it was decided. */
  #begun(event: JournalEvent): string | undefined {
    const key = keyOf(event);
    if (event.type === 'ScopeClosed' && event.begun !== undefined) {
      const asked = this.#asked.get(key)?.size ?? 0;
      if (event.begun < asked) return `${asked} branches had calls already`;
      this.#mostAsked.set(key, event.begun);
    }
    if (!isCommand(event) || event.type === 'ScopeClosed') return undefined;
    const branch = key.slice(0, key.lastIndexOf('/'));
    const group = branch.slice(0, branch.lastIndexOf('/'));
    if (!this.#open.has(group) && !this.#closed.has(group)) return undefined;
    const asked = this.#asked.get(group) ?? new Set();
    this.#asked.set(group, asked.add(branch));
    return asked.size > (this.#mostAsked.get(group) ?? Infinity)
      ? `its branch had not begun when ${group} was decided`
      : undefined;
  }

  #call(event: JournalEvent): string | undefined {
    if (event.type === 'StreamOpened' && event.kind === 'progress')
      return this.#calls.get(event.key)?.scheduled === undefined ? 'it is of no task' : undefined;
    if (
      event.type === 'StreamOpened' ||
      event.type === 'TaskScheduled' ||
      event.type === 'TimerStarted' ||
      event.type === 'BreakpointOpened' ||
      event.type === 'TaskOffered' ||
      event.type === 'SignalAwaited'
    ) {
      const { key } = event;
      if (this.#calls.has(key) || this.#open.has(key) || this.#closed.has(key)) return 'J3: its key is taken';
      const scheduled = event.type === 'TaskScheduled' ? event : undefined;
      const items = event.type === 'StreamOpened' ? Number(event.name.split(' of ')[1]) : undefined;
      this.#calls.set(key, {
        scheduled,
        offered: event.type === 'TaskOffered' ? event : undefined,
        items,
        recorded: 0,
        attempts: 0,
        failures: 0,
        running: false,
        settled: false,
      });
      return undefined;
    }
    if (!('key' in event) || event.type.startsWith('Scope') || event.type === 'StateSet') return undefined;
    if (event.type === 'ExitRegistered')
      return this.#calls.has(event.key) ? 'J3: its key is taken' : undefined;
    const call = this.#calls.get(event.key);
    if (call === undefined) return 'J4: its call was not recorded';
    if (event.type === 'LateResult')
      return event.attempt > call.attempts ? 'J5: its attempt never started' : undefined;
    if (call.settled) return 'J4: its call has settled';
    if (SETTLES_ALL.has(event.type)) {
      call.settled = true;
      return undefined;
    }
    if (event.type === 'BreakpointAnswered') return undefined;
    if (call.offered !== undefined) return answerProblem(event, call, call.offered);
    if (event.type === 'ItemRecorded') return itemProblem(event, call);
    if (event.type === 'StreamClosed') {
      // A task is cancelled behind it.
      call.settled = call.scheduled === undefined;
      return event.consumed > call.recorded ? 'more was taken than came' : undefined;
    }
    if (call.items !== undefined) return sourceProblem(event, call, call.items);
    return call.scheduled === undefined
      ? 'what is no task has no attempts'
      : attemptProblem(event, call, call.scheduled);
  }
}

/** Items come once, in order: those of a source are their own numbers, whatever was lost on the way. */
function itemProblem({ n, attempt, item }: ItemRecorded, call: Call): string | undefined {
  if (n !== call.recorded) return `it follows item ${call.recorded - 1}`;
  call.recorded += 1;
  if (!call.running || attempt !== call.attempts) return 'J5: its attempt does not run';
  if (call.items !== undefined) call.failures = 0;
  return call.items === undefined || decode(item) === n ? undefined : 'the source gives something else';
}

function sourceProblem(event: JournalEvent, call: Call, items: number): string | undefined {
  switch (event.type) {
    case 'AttemptStarted':
      call.attempts += 1;
      call.running = true;
      return event.attempt === call.attempts ? undefined : `J5: it follows attempt ${call.attempts - 1}`;
    case 'AttemptInterrupted':
    case 'AttemptFailed':
      if (!call.running) return 'no attempt runs';
      call.running = false;
      if (event.type === 'AttemptFailed') call.failures += 1;
      return undefined;
    case 'StreamEnded':
      call.settled = true;
      return call.running && call.recorded === items ? undefined : `there are ${items} items`;
    case 'StreamFailed':
      call.settled = true;
      return call.running && event.failures === call.failures + 1 ? undefined : 'its failures are others';
    default:
      return 'a source has none of it';
  }
}

/** What somebody else answered, against what they were told to do. */
function answerProblem(event: JournalEvent, call: Call, { args, policy }: TaskOffered): string | undefined {
  const { id, failures, value, isGivenUp } = decode(args) as ExternalArgs;
  switch (event.type) {
    case 'AttemptFailed':
      call.failures += 1;
      if (event.attempt !== call.failures || call.failures > failures)
        return `it is failure ${call.failures}`;
      return call.failures < policy.retry.attempts ? undefined : 'no other try is left';
    case 'TaskSucceeded':
      call.settled = true;
      if (event.by !== 'worker' || isGivenUp || call.failures < failures) return 'nobody gave that';
      return decode(event.output) === value ? undefined : `it gave ${text(decode(event.output))}`;
    case 'TaskFailed':
      call.settled = true;
      if (event.cause === 'timeout')
        return policy.timeoutMs === null ? 'nothing of it can time out' : undefined;
      if (event.by !== 'worker' || event.error.message !== `fail ${id}`) return 'it does not fail so';
      return event.failures === call.failures + 1 ? undefined : `J5: ${call.failures} failures came before`;
    default:
      return 'an external task has none of it';
  }
}

/** Attempts, and what they gave, against what the task was told to do. */
function attemptProblem(
  event: JournalEvent,
  call: Call,
  { args, policy, key }: TaskScheduled,
): string | undefined {
  const { id, ms, failures, value, holds } = decode(args) as TaskArgs;
  switch (event.type) {
    case 'AttemptStarted':
      call.attempts += 1;
      call.running = true;
      return event.attempt === call.attempts ? undefined : `J5: it follows attempt ${call.attempts - 1}`;
    case 'AttemptInterrupted':
    case 'OutcomeAsked':
      call.running = false;
      return event.attempt === call.attempts ? undefined : `J5: attempt ${call.attempts} runs`;
    case 'AttemptFailed': {
      call.failures += 1;
      if (!call.running) return `no attempt of ${key} runs`;
      call.running = false;
      const { delayMs, factor, jitter, maxDelayMs, attempts } = policy.retry;
      const longest = Math.min(maxDelayMs, delayMs * factor ** (call.failures - 1));
      const isTimeout = event.error.name === 'TimeoutError';
      if (!isTimeout && (event.error.message !== `fail ${id}` || event.attempt > failures))
        return 'the attempt does not fail so';
      if (call.failures >= attempts) return `it is failure ${call.failures} of ${attempts}`;
      return event.delayMs > longest + 1 || event.delayMs < longest * (1 - jitter) - 1
        ? `a wait of ${event.delayMs} ms`
        : undefined;
    }
    case 'TaskSucceeded':
      call.settled = true;
      if (event.by === 'attempt' && (!call.running || call.attempts <= failures))
        return `attempt ${call.attempts} does not succeed`;
      return text(decode(event.output)) === text(value) ? undefined : `it gave ${text(decode(event.output))}`;
    case 'TaskFailed':
      call.settled = true;
      if (event.by === 'person') return undefined;
      if (event.cause === 'queueFull') {
        const isFull = holds !== undefined && poolSpec(holds.pool).overflow === 'reject';
        return isFull && call.attempts === 0 ? undefined : 'no queue can have been full';
      }
      if (event.cause === 'timeout') {
        const passed = policy.timeoutMs !== null && ms > policy.timeoutMs;
        return passed || policy.deadlineMs !== null ? undefined : 'nothing of it can time out';
      }
      if (event.error.message !== `fail ${id}` || call.attempts > failures || !call.running)
        return 'the attempt does not fail so';
      return event.failures === call.failures + 1 ? undefined : `J5: ${call.failures} failures came before`;
    default:
      return undefined;
  }
}
