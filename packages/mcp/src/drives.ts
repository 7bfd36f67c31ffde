import { failed } from './failure.ts';
import type { Pawl, PawlChild, PawlEnd, PawlUse } from './pawl.ts';
import { bounded, type Reply } from './reply.ts';

/** Runs that are driven from here at once. */
const MOST = 16;
/** The exit code of a run that waits for people, or for messages. */
const WAITS = 13;

/**
 * Runs that this server drives, each in a program of its own: whoever asked may stop waiting for it before it ends.
 *
 * Owns these programs by their runs.
 */
export class Drives {
  readonly #pawl: Pawl;
  readonly #children = new Map<string, PawlChild>();

  constructor(pawl: Pawl) {
    this.#pawl = pawl;
  }

  /** Drives the run until it ends, waits for somebody, or `waitSeconds` have passed. */
  async drive(run: string, use: PawlUse, waitSeconds: number): Promise<Reply> {
    const known = this.#children.get(run);
    if (known === undefined && this.#children.size >= MOST)
      return {
        said: `BUSY: ${MOST} runs are driven from here already: ${[...this.#children.keys()].join(', ')}.`,
        isError: true,
        next: ['why_run says what each waits for; cancel_run gives one up.'],
      };
    const child = known ?? this.#start(run, use);
    const end = await Promise.race([child.ended, later(waitSeconds)]);
    if (end !== undefined) return toldEnd(run, end);
    return {
      said: `Run ${run} goes on.`,
      next: ['why_run says what it does; resume_run waits for its end again.'],
    };
  }

  #start(run: string, use: PawlUse): PawlChild {
    const child = this.#pawl.start(use);
    this.#children.set(run, child);
    const forget = (): void => void this.#children.delete(run);
    child.ended.then(forget, forget);
    return child;
  }
}

function later(seconds: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), seconds * 1000).unref());
}

function toldEnd(run: string, end: PawlEnd): Reply {
  // What user code prints stands before it.
  const document = end.stdout.trimEnd().split('\n').at(-1) ?? '';
  if (end.exitCode === 0) return { said: `Run ${run} has ended.`, data: bounded(document) };
  const reply = failed(end);
  if (end.exitCode !== WAITS)
    return { ...reply, next: [...(reply.next ?? []), `why_run says more of ${run}.`] };
  return {
    ...reply,
    said: `Run ${run} waits, and nobody drives it.`,
    isError: false,
    next: ['waiting shows for what. Once that has come, resume_run goes on with it.'],
  };
}
