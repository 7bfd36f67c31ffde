import { circuitPlan, type CircuitPlan } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import { admission, afterNote, UNTRIED, type Circuit, type CircuitNote } from '../journal/circuit.ts';
import type { Encoded, Recorded } from '../journal/event.ts';
import type { Report } from '../kernel/input.ts';
import { isFenced } from '../kernel/state.ts';
import type { KeptPlace, OpenTask } from '../process/open-call.ts';
import type { Engine } from './engine.ts';
import type { RunDriver } from './run-driver.ts';
import type { RunJournal } from './run-journal.ts';
import { RunReuse } from './run-reuse.ts';

type Settled = Extract<Report, { type: 'CallRefused' | 'OutcomeResolved' }>;

/** An attempt that passed a circuit and has not ended. */
interface Passed {
  readonly plan: CircuitPlan;
  readonly generation: number;
}

/**
 * What stands before each attempt of one run: results of other runs, and circuits.
 *
 * Owns the attempts that it let through. Talks to the store, and notes what the run's events tell other
 * runs: the store applies these notes in the commit of their events, and until then only this run sees them.
 */
export class RunGate {
  readonly #engine: Engine;
  readonly #run: RunDriver;
  readonly #journal: RunJournal;
  readonly #reuse: RunReuse;
  readonly #passed = new Map<CallKey, Passed>();

  constructor(engine: Engine, run: RunDriver, journal: RunJournal) {
    this.#engine = engine;
    this.#run = run;
    this.#journal = journal;
    this.#reuse = new RunReuse(engine.options.store, run);
  }

  /** Where a call asks for a slot: what settles it without one. */
  ask(key: CallKey, task: OpenTask): Settled | undefined {
    const known = this.#reuse.ask(key);
    if (known !== undefined) return known;
    const kept = task.kept === null ? undefined : this.#kept(key, task.kept);
    if (kept !== undefined)
      return { type: 'OutcomeResolved', key, by: 'cache', answer: { status: 'done', output: kept } };
    const plan = this.#planOf(key, task);
    if (plan === undefined) return undefined;
    const circuit = this.#circuit(plan.name);
    const now = this.#engine.options.clock.now();
    return admission(circuit, plan, this.#holder(key), now) === 'refuse'
      ? refusal(key, plan, circuit, now)
      : undefined;
  }

  /** Where a slot is there: what settles the call although it is. Others may have been faster since it asked. */
  admit(key: CallKey, task: OpenTask): Settled | undefined {
    const { state } = this.#run;
    if (task.definition.settings.circuit === undefined) return undefined;
    if (!state.pending.has(key) || isFenced(state, key)) return undefined;
    const { circuit: settings } = task.definition.settings;
    const plan = circuitPlan(settings, task.definition.name);
    let circuit = this.#circuit(plan.name);
    if (this.#planOf(key, task) !== undefined) {
      const { clock, store, leaseMs } = this.#engine.options;
      const now = clock.now();
      const holder = this.#holder(key);
      const answer = admission(circuit, plan, holder, now);
      const ttlMs = Math.max(plan.openForMs, leaseMs);
      const claimed = answer === 'try' ? store.claimTrial({ plan, holder, now, ttlMs }) : circuit;
      if (answer === 'refuse' || claimed === undefined) return refusal(key, plan, circuit, now);
      circuit = claimed;
    }
    this.#passed.set(key, { plan, generation: circuit.generation });
    return undefined;
  }

  /** What the run recorded, before its commit. */
  saw({ seq, at, event }: Recorded): void {
    switch (event.type) {
      case 'RunForked':
        this.#reuse.begun(event);
        return;
      case 'TaskSucceeded': {
        if (event.by !== 'attempt') return;
        this.#tell(event.key, 'succeeded', seq, at);
        const task = this.#taskOf(event.key);
        if (task === undefined || task.kept === null) return;
        const { name } = task.definition;
        this.#journal.note({ kind: 'kept', seq, at, task: name, output: event.output, ...task.kept });
        return;
      }
      case 'AttemptFailed':
      case 'TaskFailed':
        this.#tell(event.key, 'failed', seq, at);
        return;
      case 'AttemptInterrupted':
      case 'TaskCancelled':
        this.#tell(event.key, 'left', seq, at);
        return;
      default:
    }
  }

  #tell(key: CallKey, outcome: CircuitNote['outcome'], seq: number, at: number): void {
    const passed = this.#passed.get(key);
    // One that failed without an attempt, such as in its queue, tells nothing.
    if (passed === undefined) return;
    this.#passed.delete(key);
    this.#journal.note({ kind: 'circuit', seq, at, holder: this.#holder(key), outcome, ...passed });
  }

  #taskOf(key: CallKey): OpenTask | undefined {
    return this.#run.host.openCalls.get(key)?.task;
  }

  /** Nothing where no circuit stands, or where an attempt has an unknown end: its work may be done, so it is no refusal. */
  #planOf(key: CallKey, { definition }: OpenTask): CircuitPlan | undefined {
    const { circuit } = definition.settings;
    if (circuit === undefined) return undefined;
    const call = this.#run.state.calls.get(key);
    if (call?.kind !== 'task' || call.phase === 'running') return undefined;
    return circuitPlan(circuit, definition.name);
  }

  #holder(key: CallKey): string {
    return `${this.#run.runId} ${key}`;
  }

  #circuit(name: string): Circuit {
    const known = this.#engine.options.store.circuit(name) ?? UNTRIED;
    return this.#journal.notes.reduce(
      (circuit, note) =>
        note.kind === 'circuit' && note.plan.name === name ? afterNote(circuit, note) : circuit,
      known,
    );
  }

  #kept(key: CallKey, { place, ttlMs }: KeptPlace): Encoded | undefined {
    const call = this.#run.state.calls.get(key);
    if (call?.kind !== 'task' || call.phase !== 'scheduled') return undefined;
    const own = this.#journal.notes.findLast((note) => note.kind === 'kept' && note.place === place);
    if (own?.kind === 'kept') return own.output;
    return this.#engine.options.store.keptResult(place, this.#engine.options.clock.now(), ttlMs);
  }
}

function refusal(key: CallKey, plan: CircuitPlan, { openedAt }: Circuit, now: number): Settled {
  const leftMs = openedAt === null ? 0 : openedAt + plan.openForMs - now;
  const until = leftMs > 0 ? `for another ${leftMs} ms` : 'and as many calls as may are trying it';
  const message = `circuit '${plan.name}' is open ${until}`;
  return { type: 'CallRefused', key, cause: 'circuitOpen', error: { name: 'CircuitOpenError', message } };
}
