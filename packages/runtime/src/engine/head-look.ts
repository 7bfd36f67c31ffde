import type { ProcessDefinition } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import type { RunId } from '../journal/ids.ts';
import { describeEvent, exitText, leavingAfter } from '../kernel/divergence.ts';
import { streamFingerprint } from '../kernel/fingerprint.ts';
import type { Command } from '../kernel/input.ts';
import type { RunState } from '../kernel/state.ts';
import type { ProcessHost } from '../process/host.ts';
import type { EngineOptions } from './engine.ts';
import { EVIDENT_SHARE } from './stall-bound.ts';
import { endStage } from './run-end.ts';
import type { RunExit, RunPlan } from './run-plan.ts';

/** What a process asks for that is not recorded. */
export interface AskedAtHead {
  /** In words: "task 'charge'". */
  readonly what: string;
  /** Of the call; empty for the process itself. */
  readonly key: CallKey;
  /** file:line:column, where known. */
  readonly where: string | null;
}

/** A run that the process asked for again. */
export interface ReplayedChild {
  readonly runId: RunId;
  readonly process: ProcessDefinition;
}

/**
 * A run that is only replayed, at the head of its journal: what would it do now?
 *
 * Owns what it saw. Talks to the host, which goes live for one turn; decides and starts nothing.
 */
export class HeadLook {
  readonly #host: ProcessHost;
  readonly #state: Readonly<RunState>;
  readonly #clock: EngineOptions['clock'];
  readonly #boundMs: number;
  readonly #children = new Map<RunId, ProcessDefinition>();
  #foreign: AskedAtHead = { what: 'something outside ctx that cannot be seen', key: '', where: null };
  #since: number | undefined;

  /** Undefined in a run that is driven. */
  static of(plan: RunPlan, host: ProcessHost, options: EngineOptions): HeadLook | undefined {
    const { replayOnly, state, notesCalls = false } = plan;
    return replayOnly ? new HeadLook(host, state, options, notesCalls) : undefined;
  }

  private constructor(
    host: ProcessHost,
    state: Readonly<RunState>,
    { clock, stallMs }: Pick<EngineOptions, 'clock' | 'stallMs'>,
    notesAll: boolean,
  ) {
    this.#host = host;
    this.#state = state;
    this.#clock = clock;
    this.#boundMs = stallMs * EVIDENT_SHARE;
    host.admission.notes = notesAll ? 'all' : 'new';
  }

  /** A run within this one was asked for. */
  childAsked(runId: RunId, process: ProcessDefinition): void {
    this.#children.set(runId, process);
  }

  get children(): readonly ReplayedChild[] {
    return [...this.#children].map(([runId, process]) => ({ runId, process }));
  }

  /** It waits to see whether the process asks for more. */
  get isWaiting(): boolean {
    return this.#since !== undefined;
  }

  get remainingMs(): number {
    return Math.max(0, (this.#since ?? 0) + this.#boundMs - this.#clock.monotonic());
  }

  /** The replay is at the head; the caller opened the turn. */
  reached(): 'delivered' {
    if (!this.#host.live && this.#isHeard()) this.#host.goLive();
    return 'delivered';
  }

  /** What the process waits for outside ctx may still ask for something that has its place below the head. */
  #isHeard(): boolean {
    const wait = this.#host.foreign.current;
    // What it left behind when it ended is nothing that it waits for.
    if (wait !== undefined && this.#host.result === undefined) {
      this.#foreign = { what: `something outside ctx (${wait.type})`, key: '', where: wait.where ?? null };
      if (!this.#isOver()) return false;
    }
    this.#since = undefined;
    return true;
  }

  /** At the end of a turn: how the replay ends; undefined where it does not yet. */
  exit(): RunExit | undefined {
    if (!this.#host.live) return undefined;
    const asks = this.#asks();
    const isStanding = asks === undefined && this.#state.pending.size > 0;
    if (asks === undefined && !isStanding && !this.#isOver()) return undefined;
    return { status: 'replayed', reached: 'head', asks: asks ?? (isStanding ? null : this.#foreign) };
  }

  #isOver(): boolean {
    this.#since ??= this.#clock.monotonic();
    return this.remainingMs === 0;
  }

  #asks(): AskedAtHead | undefined {
    const host = this.#host;
    const [command = this.#retuned()] = host.takeCommands();
    if (command !== undefined) return this.#told(command);
    for (const [key, { isMarking }] of host.openReduces)
      if (isMarking) return { what: 'the mark of a reduce', key, where: null };
    if (host.exits.isLeaving && this.#state.pending.size === 0)
      return { what: 'what its scopes registered for their end', key: '', where: null };
    return endStage(host, this.#state).status === 'goesOn'
      ? undefined
      : { what: 'the end of the process', key: '', where: null };
  }

  #retuned(): Command | undefined {
    return this.#host.tuneNext() ? this.#host.takeCommands()[0] : undefined;
  }

  #told(command: Command): AskedAtHead {
    const key = 'key' in command ? command.key : '';
    const { firstNew } = this.#host.admission;
    if (firstNew?.key === key) return { what: firstNew.what, key, where: firstNew.where ?? null };
    return { what: textOf(command), key, where: null };
  }
}

function textOf(command: Command): string {
  switch (command.type) {
    case 'CloseScope':
      return describeEvent({ type: 'ScopeClosed', key: command.key, ...command.decided });
    case 'CloseStream':
      return leavingAfter(command.consumed);
    case 'RecordValue':
      return describeEvent({ ...command, type: 'ValueRecorded' });
    case 'RegisterExit':
      return exitText(command.when, command.task, command.version);
    case 'OpenStream':
      return streamFingerprint(command.kind, command.name);
    case 'SetState':
      return `state '${command.name}'`;
    case 'RetuneScope':
      return `a concurrency of ${command.concurrency ?? 'any number'}, where another was recorded`;
    default:
      return command.type;
  }
}
